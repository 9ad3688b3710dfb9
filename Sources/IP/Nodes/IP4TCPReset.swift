// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers a TCP segment that belongs to no connection with a reset, in place.
///
/// Summary: the segment becomes the reset to it, from the address that it was sent to: the router's own, whose port nobody
/// has, or that of a host behind the router for which a firewall refuses the connection. A feature sends packets here along
/// an arc of its own; the table by which they are routed stays theirs.
/// Expects: a checked IPv4 header of a TCP packet at the current position (a frame that is complete already goes back to it
/// by `advance`).
/// Emits: the reset, as the router's own packet.
/// Drops: `truncated`, `badHeader`, `badChecksum`, `aboutReset`, `fragment`, `toManyStations`, `toManyHosts`, `fromNoHost`,
/// `ownPacket`, `rateLimited`.
/// Config: `icmp.rate`, `icmp.rate-per-source`
/// Spec: RFC 9293 sections 3.5.2, 3.10.7.1; RFC 1122 section 4.2.3.10.
public struct IP4TCPReset: ContextualNode {
    public static let name = "ip4-tcp-reset"

    public enum Next: UInt16, NextNode {
        case lookup

        public var node: String { "ip4-lookup" }
    }

    public typealias Reason = TCPResetReason
    public typealias Trace = TCPResetTrace

    private let policy: ICMPErrorPolicy
    private var budget: ICMPErrorBudget

    init(tables: TableReaders, settings: Published<ICMPSettings>.Reader) {
        policy = ICMPErrorPolicy(tables: tables)
        budget = ICMPErrorBudget(settings)
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv4View(packet.bytes), header.headerLength >= IPv4View.minimumLength,
            header.protocol == .tcp
        else { return .drop(.truncated) }
        guard !header.isFragment else { return .drop(.fragment) }
        guard let segment = TCPView(header.payload) else { return .drop(.truncated) }
        trace.note(segment, from: .v4(header.source))
        guard !packet.header.flags.contains(.locallyOriginated) else { return .drop(.ownPacket) }
        switch policy.objection(to: packet, header) {
        case nil: break
        case .toManyStations: return .drop(.toManyStations)
        case .toManyHosts: return .drop(.toManyHosts)
        default: return .drop(.fromNoHost)
        }
        let isChecksumRight = segment.isChecksumRight(source: header.source, destination: header.destination)
        if let objection = TCPReset.objection(to: segment, isChecksumRight: isChecksumRight) {
            return .drop(objection)
        }
        guard budget.take(UInt64(header.source.value), context.now) else { return .drop(.rateLimited) }
        let answer = TCPReset.answer(to: segment)
        let outer = IPv4Header(
            source: header.destination, destination: header.source, protocol: .tcp, payloadLength: TCPHeader.length,
            timeToLive: TCPReset.timeToLive, trafficClass: TCPReset.trafficClass(of: header.trafficClass),
            dontFragment: true)
        // No shorter than what it answers: both headers were there.
        packet.truncate(to: IPv4Header.length + TCPHeader.length)
        outer.emit(into: packet.bytes)
        let place = packet.bytes.dropping(first: IPv4Header.length)
        answer.emit(into: place, source: outer.source, destination: outer.destination)
        packet.header.flags.insert(.locallyOriginated)
        return .to(.lookup)
    }
}
