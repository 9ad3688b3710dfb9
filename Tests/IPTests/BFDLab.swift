// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// A router with one BFD session, to host a, which the test plays.
///
/// The session is passive and its peer wants no periodic packets, unless a test says otherwise: so nothing happens but
/// what the test does.
@ControlPlane
struct BFDLab {
    static let peerDiscriminator: UInt32 = 0xa0a0_0001
    static let peerPort: UInt16 = 49_200

    let lab: IPLab
    let bfd: BFDManager
    let registration: BFDRegistration
    let changes = Changes()

    @ControlPlane
    final class Changes {
        var all: [BFDChange] = []
    }

    nonisolated static func passive(_ authentication: BFDAuthentication = .none) -> BFDParameters {
        var parameters = BFDParameters()
        parameters.isPassive = true
        parameters.authentication = authentication
        return parameters
    }

    init(
        _ parameters: BFDParameters = BFDLab.passive(), isMultihop: Bool = false, isGuard: Bool = true,
        workerCount: Int = 1
    ) throws {
        lab = try IPLab([BFDModule.self], workerCount: workerCount)
        bfd = lab.bench.registry.module(BFDModule.self)!.manager
        let target = BFDTarget(
            peer: .v4(isMultihop ? IPLab.far : IPLab.a.ip), local: isMultihop ? .v4(IPLab.wanIP) : nil,
            isMultihop: isMultihop)
        registration = try bfd.register(
            target, client: "test", parameters: parameters, guardsNextHop: isGuard
        ) { [changes] in changes.all.append($0) }
        lab.bench.settle()
        // A session that is not passive says hello at once; the tests begin behind that.
        _ = lab.lan.takeSent()
    }

    var slot: Int { bfd.table.find(registration.key)! }
    var session: BFDSession { bfd.table[slot].session }
    var counters: BFDCounters { bfd.table[slot].counters }
    var status: AdjacencyStatus { bfd.adjacencies.table[bfd.table[slot].adjacency].status }

    /// What the peer says: that it is slow, and wants no periodic packets.
    func packet(_ state: BFDState, _ flags: BFDFlags = [], your: UInt32? = nil) -> BFDPacket {
        BFDPacket(
            state: state, flags: flags, myDiscriminator: BFDLab.peerDiscriminator,
            yourDiscriminator: your ?? session.discriminator, desiredMinTx: 60_000_000, requiredMinRx: 0)
    }

    func payload(_ packet: BFDPacket) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 24)
        bytes.withBytes { packet.emit(into: $0) }
        return bytes
    }

    /// A frame from host a.
    func frame(_ payload: [UInt8], ttl: UInt8 = 255, port: UInt16 = BFDPort.control) -> [UInt8] {
        lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, timeToLive: ttl).udp(from: BFDLab.peerPort, to: port)
            .payload(payload).bytes
    }

    /// A frame to host a as the router must send it.
    func reply(_ packet: BFDPacket) -> [UInt8] {
        lab.toA.ipv4(
            from: IPLab.lanIP, to: IPLab.a.ip, timeToLive: 255, trafficClass: 0xc0, dontFragment: true
        ).udp(from: bfd.table[slot].sourcePort, to: BFDPort.control).payload(payload(packet)).bytes
    }

    /// Has a frame come in from host a.
    func receive(_ payload: [UInt8], ttl: UInt8 = 255, port: UInt16 = BFDPort.control) {
        lab.lan.send(frame(payload, ttl: ttl, port: port))
        lab.bench.settle()
    }

    /// Brings the session to a state without a word more than that takes.
    func bring(to state: BFDState, _ seal: (BFDPacket) -> [UInt8]) {
        if state == .`init` { receive(seal(packet(.down, your: 0))) }
        if state == .up { receive(seal(packet(.`init`))) }
        if state == .adminDown {
            bfd.setAdminDown(true, of: registration)
            lab.bench.settle()
        }
        #expect(session.state == state)
        _ = lab.lan.takeSent()
    }

    func bring(to state: BFDState) { bring(to: state, payload) }
}
