// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers a TCP segment that belongs to no connection with a reset, in place.
///
/// Summary: the segment becomes the reset to it, without extension headers, from the address that it was sent to: the
/// router's own, whose port nobody has, or that of a host behind the router for which a firewall refuses the connection. A
/// feature sends packets here along an arc of its own; the table by which they are routed stays theirs.
/// Expects: a checked IPv6 header at the current position (a frame that is complete already goes back to it by `advance`);
/// what follows it, extension headers included, is looked at here.
/// Emits: the reset, as the router's own packet.
/// Drops: `truncated`, `badHeader`, `badChecksum`, `aboutReset`, `fragment`, `toManyStations`, `toManyHosts`, `fromNoHost`,
/// `ownPacket`, `rateLimited`.
/// Config: `icmp.rate`, `icmp.rate-per-source`
/// Spec: RFC 9293 sections 3.5.2, 3.10.7.1; RFC 8200 section 8.1; RFC 6946 for a fragment that is a whole packet.
public struct IP6TCPReset: ContextualNode {
    public static let name = "ip6-tcp-reset"

    public enum Next: UInt16, NextNode {
        case lookup

        public var node: String { "ip6-lookup" }
    }

    public typealias Reason = TCPResetReason
    public typealias Trace = TCPResetTrace

    private let policy: ICMPv6ErrorPolicy
    private var budget: ICMPErrorBudget

    init(tables: TableReaders, settings: Published<ICMPSettings>.Reader) {
        policy = ICMPv6ErrorPolicy(tables: tables)
        budget = ICMPErrorBudget(settings)
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        let upper = header.upperLayer
        if let fragment = upper.fragment, !fragment.isAtomic { return .drop(.fragment) }
        guard upper.problem == nil, upper.protocol == .tcp, let segment = TCPView(upper.payload) else {
            return .drop(.truncated)
        }
        trace.note(segment, from: .v6(header.source))
        guard !packet.header.flags.contains(.locallyOriginated) else { return .drop(.ownPacket) }
        switch policy.objection(to: packet, header, .portUnreachable) {
        case nil: break
        case .toManyStations: return .drop(.toManyStations)
        case .toManyHosts: return .drop(.toManyHosts)
        default: return .drop(.fromNoHost)
        }
        let isChecksumRight = segment.isChecksumRight(source: header.source, destination: header.destination)
        if let objection = TCPReset.objection(to: segment, isChecksumRight: isChecksumRight) {
            return .drop(objection)
        }
        let receiver = header.source.high ^ header.source.low
        guard budget.take(receiver, context.now) else { return .drop(.rateLimited) }
        let answer = TCPReset.answer(to: segment)
        let outer = IPv6Header(
            source: header.destination, destination: header.source, nextHeader: .tcp,
            payloadLength: TCPHeader.length, hopLimit: TCPReset.timeToLive,
            trafficClass: TCPReset.trafficClass(of: header.trafficClass), flowLabel: header.flowLabel)
        // No shorter than what it answers: both headers were there.
        packet.truncate(to: IPv6View.length + TCPHeader.length)
        outer.emit(into: packet.bytes)
        let place = packet.bytes.dropping(first: IPv6View.length)
        answer.emit(into: place, source: outer.source, destination: outer.destination)
        packet.header.flags.insert(.locallyOriginated)
        return .to(.lookup)
    }
}
