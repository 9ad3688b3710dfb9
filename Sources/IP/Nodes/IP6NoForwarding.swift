// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What is done with packets that have nowhere to go: no route, or a route that says so.
///
/// Summary: no route, next hops that are down, or a route's type: tells the sender, or drops in silence, as the route's type wants it.
/// Expects: an IPv6 header at the current position, and a special result in place of an adjacency.
/// Emits: to `ip6-icmp-error` what the sender is told about.
/// Drops: `blackhole`, `routeLoop`, `tentative`, `truncated`.
/// Spec: RFC 4443 section 3.1; RFC 4862 section 5.4.
public struct IP6NoForwarding: Node {
    public static let name = "ip6-no-forwarding"

    public enum Next: UInt16, NextNode {
        case icmpError

        public var node: String { "ip6-icmp-error" }
    }

    public enum Reason: UInt16, DropReason {
        case blackhole, routeLoop, tentative, truncated

        public var text: String {
            switch self {
            case .blackhole: "a route of type blackhole"
            case .routeLoop: "tables lead to each other, or next hops to themselves, without end"
            case .truncated: "the packet is shorter than an IPv6 header"
            case .tentative: "to an address that the router does not use before it knows that nobody else has it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination = IPv6Address.any
        var result = Forwarding.noRoute

        public init() {}

        public var description: String { "\(destination): \(result.word)" }
    }

    private let tables: TableReaders

    init(tables: TableReaders) { self.tables = tables }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        trace.destination = header.destination
        trace.result = Forwarding(.discard, packet.header.adjacency & (Forwarding.firstAdjacency &- 1))
        if trace.result == .noRoute, tables.hasUnusableRoute(to: header.destination, for: packet) {
            trace.result = .nextHopDown
        }
        switch trace.result {
        case .blackhole: return .drop(.blackhole)
        case .loop: return .drop(.routeLoop)
        case .tentative: return .drop(.tentative)
        case .nextHopDown: packet.requestICMPv6Error(.nextHopDown)
        case .unreachable: packet.requestICMPv6Error(.addressUnreachable)
        case .prohibit: packet.requestICMPv6Error(.prohibited)
        default: packet.requestICMPv6Error(.noRoute)
        }
        return .to(.icmpError)
    }
}
