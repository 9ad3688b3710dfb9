// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Puts a tunnel's GRE and outer IP header in front of packets, and has them routed to its far end.
///
/// Summary: in place of the Ethernet header, which told no more than what the packet is, the tunnel's headers. Packets of a
/// tunnel with sequence numbers go through one worker, so that they leave in the order of their numbers.
/// Expects: complete frames whose transmit interface is a tunnel.
/// Emits: the outer packet, as the router's own, to be looked up in the table of the tunnel's underlay.
/// Drops: `truncated`, `protocolUnknown`, `noHeadroom`, `queueFull`, `notTunnel`.
/// Spec: RFC 2784 section 2; RFC 2890 section 2; RFC 7676 for IPv6; RFC 6040 section 4.1 and RFC 9601 for ECN.
public struct GREOutput: Node {
    public static let name = "gre-output"

    public enum Next: UInt16, NextNode {
        case ip4, ip6

        public var node: String {
            switch self {
            case .ip4: IP4Lookup.name
            case .ip6: IP6Lookup.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, protocolUnknown, noHeadroom, queueFull, notTunnel

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its headers"
            case .protocolUnknown: "neither IPv4 nor IPv6 nor MPLS: nothing else goes through the tunnel"
            case .noHeadroom: "no room for the tunnel's headers in front of the packet: tunnels in tunnels in tunnels"
            case .queueFull: "the worker that numbers the tunnel's packets is too slow for them"
            case .notTunnel: "the output interface is no GRE tunnel"
            }
        }
    }

    public struct Trace: TraceRecord {
        var interface: InterfaceIndex = 0
        var table: UInt32 = 0
        var type: UInt16 = 0
        var sequence: UInt32 = 0

        public init() {}

        public var description: String {
            let type = EtherType(rawValue: type)
            let number = sequence == 0 ? "" : ", sequence \(sequence)"
            return "tunnel \(interface): \(type)\(number), table \(table)"
        }
    }

    /// Room that is left in front of the outer header for what the underlay adds: an Ethernet header, two tags, labels.
    static var spareHeadroom: Int { 64 }

    private let tunnels: TunnelTable<GRERecord>
    private let worker: UInt32
    private let headroom: Headroom
    private var identification: UInt16

    init(_ seat: Seat, tunnels: TunnelTable<GRERecord>) {
        self.tunnels = tunnels
        worker = UInt32(seat.worker)
        headroom = Headroom(seat.pool)
        // Workers begin far from each other.
        identification = UInt16(truncatingIfNeeded: seat.worker &* 0x9e37)
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        var handedOver: UInt64 = 0
        for position in 0..<frame.count {
            context.prefetchHeader(frame.indices[position &+ 8])
            let packet = context.packet(frame[position])
            let tunnel = tunnels.number(of: packet.header.txInterface)
            if tunnels[tunnel].options.contains(.sequence), tunnels[tunnel].owner != worker {
                let owner = Int(tunnels[tunnel].owner)
                let isGone = context.handOffHere(packet, to: owner)
                if isGone { handedOver |= 1 << UInt64(truncatingIfNeeded: owner) }
                context.decide(position, isGone ? Verdict<Next, Reason>.kept : .drop(.queueFull))
                continue
            }
            var trace = Trace()
            let verdict = encapsulate(packet, tunnel, &trace)
            context.decide(position, verdict)
            if frame.isTraced, packet.isTraced { context.record(trace, verdict, for: packet) }
        }
        context.wake(workers: handedOver)
    }

    @inline(__always)
    private mutating func encapsulate(
        _ packet: Packet, _ number: UInt32, _ trace: inout Trace
    ) -> Verdict<Next, Reason> {
        guard number != 0 else { return .drop(.notTunnel) }
        guard packet.length >= EthernetView.length else { return .drop(.truncated) }
        let tunnel = tunnels[number]
        let type = EtherType(rawValue: packet.bytes.network(at: 12))
        trace.interface = tunnel.interface
        trace.table = tunnel.table
        trace.type = type.rawValue
        packet.advance(EthernetView.length)
        var values = OuterHeader.Values(
            timeToLive: tunnel.timeToLive, trafficClass: tunnel.trafficClass, flow: tunnel.flow)
        let inner = packet.bytes
        switch type {
        case .ipv4:
            guard let view = IPv4View(inner) else { return .drop(.truncated) }
            take(view.timeToLive, view.trafficClass, tunnel, &values)
            if tunnel.flow == 0 { values.flow = FlowHash.ipv4(inner, seed: 0) }
        case .ipv6:
            guard let view = IPv6View(inner) else { return .drop(.truncated) }
            take(view.hopLimit, view.trafficClass, tunnel, &values)
            if tunnel.flow == 0 { values.flow = FlowHash.ipv6(inner, seed: 0) }
        case .mpls:
            guard let view = MPLSView(inner) else { return .drop(.truncated) }
            take(view.entry.timeToLive, view.entry.trafficClass &<< 5, tunnel, &values)
            values.trafficClass &= ~3
            if tunnel.flow == 0 { values.flow = FlowHash.mpls(inner, seed: 0) }
        default: return .drop(.protocolUnknown)
        }
        let overhead = Int(tunnel.overhead)
        guard headroom.count(packet) >= overhead &+ GREOutput.spareHeadroom else { return .drop(.noHeadroom) }
        identification &+= 1
        values.identification = identification
        let outer = packet.rewind(overhead)
        var header = GREHeader(type, hasChecksum: tunnel.options.contains(.checksum))
        if tunnel.options.contains(.key) { header.key = tunnel.key }
        if tunnel.options.contains(.sequence) {
            let sequence = tunnels.nextSequence(number)
            header.sequence = sequence
            trace.sequence = sequence
        }
        header.emit(into: outer.dropping(first: tunnel.outer.length))
        tunnel.outer.write(values, into: outer)
        packet.becomeTunnelPacket(in: tunnel.table, flow: values.flow)
        return .to(tunnel.outer.family == .ipv4 ? .ip4 : .ip6)
    }

    /// What the outer header has of the inner one; its congestion field always (RFC 6040 section 4.1).
    @inline(__always)
    private func take(
        _ timeToLive: UInt8, _ trafficClass: UInt8, _ tunnel: GRERecord, _ values: inout OuterHeader.Values
    ) {
        if tunnel.options.contains(.copyTimeToLive) { values.timeToLive = timeToLive }
        let dscp = tunnel.options.contains(.copyDSCP) ? trafficClass : tunnel.trafficClass
        values.trafficClass = dscp & ~3 | trafficClass & 3
    }
}

/// How much room there is in front of a packet in its buffer.
public struct Headroom: BitwiseCopyable, @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private let mask: Int

    public init(_ pool: BufferPool) {
        memory = pool.memory
        mask = pool.chunkSize - 1
    }

    /// Bytes in front of the current position.
    @inline(__always)
    public func count(_ packet: Packet) -> Int { (packet.header.data - memory) & mask }
}
