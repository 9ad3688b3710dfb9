// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes packets for a neighbour whose hardware address is not known to the control side, which asks for it: `ip4-arp`,
/// `ip6-discover-neighbor` and, for labelled packets, `mpls-adj-incomplete`.
///
/// Summary: copies of a few packets per neighbour are held there until the answer comes; the rest is dropped.
/// Expects: an IP header or a label at the current position, and an incomplete adjacency, of whichever family.
/// Drops: `throttled`, `queueFull`.
/// Spec: RFC 826; RFC 1122 section 2.3.2.2; RFC 1812 section 3.3.2; RFC 4861 section 7.2.2; RFC 3031 section 3.17.
struct DiscoverNeighbor<Family: NeighborFamily>: ContextualNode {
    static var name: String { Family.discoverNode }

    enum Reason: UInt16, DropReason {
        case throttled, queueFull

        var text: String {
            switch self {
            case .throttled: "the neighbour's hardware address is being asked for, and enough packets wait for it"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    struct Trace: TraceRecord {
        var adjacency: AdjacencyIndex = 0
        var nextHop: IPAddress?

        init() {}

        var description: String {
            "adjacency \(adjacency): who has \(nextHop.map(String.init(describing:)) ?? "what")?"
        }
    }

    private let adjacencies: AdjacencyTable
    private var resolver: Resolver

    init(adjacencies: AdjacencyTable, neighbors: ProcessIndex) {
        self.adjacencies = adjacencies
        resolver = Resolver(neighbors: neighbors)
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<NoNext, Reason> {
        let adjacency = packet.header.adjacency
        trace.adjacency = adjacency
        trace.nextHop = adjacencies[adjacency].neighbor
        switch resolver.ask(Family.awaitsAdjacency, UInt64(adjacency), packet, context) {
        case .asked: return .kept
        case .throttled: return .drop(.throttled)
        case .queueFull: return .drop(.queueFull)
        }
    }
}
