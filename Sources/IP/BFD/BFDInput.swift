// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Runs the BFD sessions of this worker: takes their packets, keeps their timers, sends what they have to say.
///
/// Summary: checks a packet in the order of RFC 5880 section 6.8.6, finds its session, and lets that react at once. A
/// session that fails takes its neighbour's adjacency out of service by one store, here, before anybody else is told.
/// Expects: datagrams to the ports 3784, 3785 and 4784, whole, at their IP header.
/// Emits: control and echo packets to the rewrite node, with the neighbour's adjacency; those of multihop sessions to
/// the lookup node.
/// Drops: one reason for each check; packets for another worker's session are handed to it.
/// Config: `bfd`.
/// Show: `show bfd`.
/// Spec: RFC 5880, 5881, 5883.
public struct BFDInput: ContextualNode {
    public static let name = "bfd-input"

    public enum Next: UInt16, NextNode {
        case ip4Rewrite, ip6Rewrite, ip4Lookup, ip6Lookup

        public var node: String {
            switch self {
            case .ip4Rewrite: "ip4-rewrite"
            case .ip6Rewrite: "ip6-rewrite"
            case .ip4Lookup: "ip4-lookup"
            case .ip6Lookup: "ip6-lookup"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, notFromNeighbor, badVersion, badLength, zeroMultiplier, multipoint, zeroDiscriminator
        case unknownDiscriminator, noYourDiscriminator, unknownPeer, wrongPort, wrongInterface, wrongAddress
        case ttlBelowMinimum, authenticationUnwanted, authenticationMissing, authenticationType, authenticationKey
        case authenticationLength, authenticationSequence, authenticationDigest, unknownEcho, echoRefused, queueFull

        public var text: String {
            switch self {
            case .truncated: "the datagram is shorter than a BFD packet"
            case .notFromNeighbor: "a single-hop packet whose TTL is not 255: it has been forwarded"
            case .badVersion: "the BFD version is not 1"
            case .badLength: "the BFD length is below its sections', or beyond the datagram"
            case .zeroMultiplier: "the detection multiplier is 0"
            case .multipoint: "the multipoint bit is set"
            case .zeroDiscriminator: "the sender's discriminator is 0"
            case .unknownDiscriminator: "no session has this discriminator"
            case .noYourDiscriminator: "a state beyond Down without this side's discriminator"
            case .unknownPeer: "no session is configured with this peer"
            case .wrongPort: "a single-hop packet for a multihop session, or the reverse"
            case .wrongInterface: "the session is on another interface"
            case .wrongAddress: "the multihop session has other addresses, or is in another table"
            case .ttlBelowMinimum: "the TTL of a multihop packet is below the session's minimum"
            case .authenticationUnwanted: "an authenticated packet, but the session is not"
            case .authenticationMissing: "a packet without authentication, but the session has it"
            case .authenticationType: "another type of authentication than the session's"
            case .authenticationKey: "another key identifier than the session's"
            case .authenticationLength: "the authentication section is not as long as its type says"
            case .authenticationSequence: "a sequence number that was used before, or is far ahead"
            case .authenticationDigest: "the authentication digest is wrong"
            case .unknownEcho: "an echo packet that no session here has sent"
            case .echoRefused: "a peer's echo packet, but its session is not up, or wants none"
            case .queueFull: "the session's worker is too slow for the packets handed to it"
            }
        }

        init(_ forgery: BFDForgery) {
            switch forgery {
            case .unwanted: self = .authenticationUnwanted
            case .missing: self = .authenticationMissing
            case .wrongType: self = .authenticationType
            case .wrongKey: self = .authenticationKey
            case .wrongLength: self = .authenticationLength
            case .replayed: self = .authenticationSequence
            case .wrongDigest: self = .authenticationDigest
            }
        }
    }

    public struct Trace: TraceRecord {
        var myDiscriminator: UInt32 = 0
        var yourDiscriminator: UInt32 = 0
        var port: UInt16 = 0
        var state: UInt8 = 0
        var diagnostic: UInt8 = 0
        var flags: UInt8 = 0

        public init() {}

        public var description: String {
            guard port != BFDPort.echo else { return "echo of session \(yourDiscriminator)" }
            let flags = BFDFlags(rawValue: flags)
            let poll = flags.contains(.poll) ? ", poll" : flags.contains(.final) ? ", final" : ""
            return "\(BFDState(bits: state)) from \(myDiscriminator) to \(yourDiscriminator), "
                + "diagnostic \(BFDDiagnostic(rawValue: diagnostic))\(poll)"
        }
    }

    let table: BFDTable
    let adjacencies: AdjacencyTable
    let process: ProcessIndex
    private let interfaces: InterfaceTable
    private let worker: UInt16
    private let clock: MicrosecondClock
    /// Workers that packets of this frame were handed to.
    private var handedOver: UInt64 = 0

    init(_ seat: Seat, table: BFDTable, adjacencies: AdjacencyTable, process: ProcessIndex) {
        self.table = table
        self.adjacencies = adjacencies
        self.process = process
        interfaces = seat.interfaces
        worker = UInt16(seat.worker)
        clock = MicrosecondClock()
    }

    func microseconds(_ context: Context) -> UInt64 { clock.microseconds(context.now) }
    func ticks(_ microseconds: UInt64) -> UInt64 { clock.ticks(microseconds) }
    func isMine(_ slot: Int) -> Bool { table[slot].worker == worker }

    public mutating func finish(_ context: Context) {
        context.wake(workers: handedOver)
        handedOver = 0
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let datagram = BFDDatagram(packet.bytes) else { return .drop(.truncated) }
        trace.port = datagram.udp.destinationPort
        guard trace.port != BFDPort.echo else { return decideEcho(packet, datagram, &trace, context) }
        guard let view = BFDView(datagram.udp.payload) else { return .drop(.truncated) }
        trace.myDiscriminator = view.myDiscriminator
        trace.yourDiscriminator = view.yourDiscriminator
        trace.state = view.state.rawValue
        trace.diagnostic = view.diagnostic.rawValue
        trace.flags = view.flags.rawValue
        if let reason = objection(to: view, datagram) { return .drop(reason) }
        let isMultihop = trace.port == BFDPort.multihop
        guard let slot = find(view, datagram, packet.header.rxInterface, isMultihop) else {
            return .drop(view.yourDiscriminator == 0 ? .unknownPeer : .unknownDiscriminator)
        }
        guard isMine(slot) else { return handOff(packet, to: slot, context) }
        let now = microseconds(context)
        if let reason = objection(to: packet, view, datagram, slot, isMultihop, now) {
            table[slot].counters.dropped &+= 1
            return .drop(reason)
        }
        table[slot].counters.received &+= 1
        let before = table[slot].session
        let reaction = table[slot].session.receive(BFDPacket(view), now: now)
        carryOut(reaction, slot, before, now, context)
        context.free(packet)
        return .kept
    }

    /// What is wrong with a packet whoever it is for, in the order of RFC 5880 section 6.8.6.
    private func objection(to view: BFDView, _ datagram: BFDDatagram) -> Reason? {
        if datagram.udp.destinationPort == BFDPort.control, datagram.timeToLive != 255 { return .notFromNeighbor }
        guard view.version == 1 else { return .badVersion }
        let least = view.flags.contains(.authenticated) ? BFDView.minimumLength + 2 : BFDView.minimumLength
        guard view.length >= least, view.length <= view.bytes.count else { return .badLength }
        guard view.multiplier != 0 else { return .zeroMultiplier }
        guard !view.flags.contains(.multipoint) else { return .multipoint }
        guard view.myDiscriminator != 0 else { return .zeroDiscriminator }
        if view.yourDiscriminator == 0, view.state == .`init` || view.state == .up { return .noYourDiscriminator }
        return nil
    }

    private func find(
        _ view: BFDView, _ datagram: BFDDatagram, _ interface: InterfaceIndex, _ isMultihop: Bool
    ) -> Int? {
        if view.yourDiscriminator != 0 { return table.find(view.yourDiscriminator) }
        return table.find(
            isMultihop
                ? .multihop(peer: datagram.source, local: datagram.destination, table: interfaces[interface].table)
                : .singleHop(interface, peer: datagram.source))
    }

    /// What is wrong with a packet for this session.
    private func objection(
        to packet: Packet, _ view: BFDView, _ datagram: BFDDatagram, _ slot: Int, _ isMultihop: Bool, _ now: UInt64
    ) -> Reason? {
        let key = table[slot].key
        guard table[slot].isMultihop == isMultihop else { return .wrongPort }
        if isMultihop {
            guard datagram.source == key.peer, datagram.destination == key.local,
                interfaces[packet.header.rxInterface].table == key.table
            else { return .wrongAddress }
            guard datagram.timeToLive >= table[slot].session.parameters.minimumTTL else { return .ttlBelowMinimum }
        } else {
            guard packet.header.rxInterface == key.interface else { return .wrongInterface }
        }
        return table[slot].session.judge(view, now: now).map(Reason.init)
    }

    mutating func handOff(_ packet: Packet, to slot: Int, _ context: Context) -> Verdict<Next, Reason> {
        let target = Int(table[slot].worker)
        guard context.handOffHere(packet, to: target) else { return .drop(.queueFull) }
        handedOver |= 1 << UInt64(target)
        return .kept
    }
}

/// Microseconds, as sessions count them, from `Clock`'s ticks and back.
struct MicrosecondClock: BitwiseCopyable {
    private let ticksPerMicrosecond = Clock.frequency / 1e6

    func microseconds(_ ticks: UInt64) -> UInt64 { UInt64(Double(ticks) / ticksPerMicrosecond) }
    func ticks(_ microseconds: UInt64) -> UInt64 { UInt64(Double(microseconds) * ticksPerMicrosecond) }
}
