// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// BFD over IPv6: the same sessions, other headers.
@Suite("BFD over IPv6") @ControlPlane
struct BFDIPv6Tests {
    private static let own = IPv6Address("2001:db8::1")!
    private static let peer = IPv6Address("2001:db8::2")!

    private let lab: IPLab
    private let bfd: BFDManager
    private let registration: BFDRegistration

    init() throws {
        lab = try IPLab([BFDModule.self])
        lab.ip.interfaces.needsProbe = { _, _ in false }
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8::1/64")!, to: lab.lan.interface)
        bfd = lab.bench.registry.module(BFDModule.self)!.manager
        registration = try bfd.register(
            BFDTarget(peer: .v6(Self.peer), interface: lab.lan.interface), client: "test",
            parameters: BFDLab.passive())
        bfd.adjacencies.complete(bfd.table[slot].adjacency, at: IPLab.a.mac, from: lab.lan.interface)
        lab.bench.settle()
        _ = lab.lan.takeSent()
    }

    private var slot: Int { bfd.table.find(registration.key)! }

    private func payload(_ packet: BFDPacket) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 24)
        bytes.withBytes { packet.emit(into: $0) }
        return bytes
    }

    private func frame(_ payload: [UInt8], hopLimit: UInt8 = 255, port: UInt16 = BFDPort.control) -> [UInt8] {
        lab.fromA.ipv6(from: Self.peer, to: Self.own, hopLimit: hopLimit).udp(from: 49_200, to: port).payload(payload)
            .bytes
    }

    private func hello(_ state: BFDState) -> BFDPacket {
        BFDPacket(state: state, myDiscriminator: 77, desiredMinTx: 60_000_000, requiredMinRx: 0)
    }

    @Test func answersAndJudges() throws {
        let lan = lab.lan
        var answer = bfd.table[slot].session.packet(final: false)
        answer.state = .`init`
        answer.yourDiscriminator = 77
        let reply = lab.toA.ipv6(from: Self.own, to: Self.peer, hopLimit: 255, trafficClass: 0xc0)
            .udp(from: bfd.table[slot].sourcePort, to: BFDPort.control).payload(payload(answer)).bytes
        lab.bench.send(
            [frame(payload(hello(.down)), hopLimit: 254)], at: lan, drops: ["bfd-input/not-from-neighbor": 1])
        lab.bench.send([frame(payload(hello(.down)))], at: lan, expect: [(lan, [reply])])
        #expect(bfd.state(of: registration) == .`init`)
    }

    @Test func echoes() throws {
        let lan = lab.lan
        var up = hello(.`init`)
        up.yourDiscriminator = bfd.table[slot].session.discriminator
        _ = lab.bench.outcome(of: [(port: lan, frame: frame(payload(up)))])
        #expect(bfd.state(of: registration) == .up)
        // The peer's, back to it and one hop older.
        let body = (0..<24).map { UInt8($0) }
        let back = lab.toA.ipv6(from: Self.own, to: Self.peer, hopLimit: 254).udp(from: 49_200, to: BFDPort.echo)
            .payload(body).bytes
        lab.bench.send([frame(body, port: BFDPort.echo)], at: lan, expect: [(lan, [back])])
        // Our own, from ourselves to ourselves, is let in, and known by its cookie.
        var own = [UInt8](repeating: 0, count: 16)
        own.withBytes { bytes in
            bytes.storeNetwork(bfd.table[slot].cookie, at: 0)
            bytes.storeNetwork(bfd.table[slot].discriminator, at: 8)
        }
        func returned(_ body: [UInt8]) -> [UInt8] {
            lab.fromA.ipv6(from: Self.own, to: Self.own, hopLimit: 254).udp(from: 49_152, to: BFDPort.echo)
                .payload(body).bytes
        }
        lab.bench.send([returned(own)], at: lan)
        #expect(bfd.table[slot].counters.echoesReceived == 1)
        own[3] ^= 1
        lab.bench.send([returned(own)], at: lan, drops: ["bfd-input/unknown-echo": 1])
    }
}
