// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes labelled packets for a neighbour whose hardware address is not known to the control side, which asks for it.
///
/// Summary: copies of a few packets per neighbour are held there until the answer comes; the rest is dropped.
/// Expects: a label at the current position, and an incomplete adjacency, of whichever family.
/// Drops: `throttled`, `queueFull`.
/// Spec: RFC 3031 section 3.17 for the next hop; RFC 826, RFC 4861 for its address.
struct MPLSIncomplete: ContextualNode {
    static let name = "mpls-adj-incomplete"

    typealias Reason = IP4ARP.Reason
    typealias Trace = IP4ARP.Trace

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
        switch resolver.ask(.awaitsAdjacencyMPLS, UInt64(adjacency), packet, context) {
        case .asked: return .kept
        case .throttled: return .drop(.throttled)
        case .queueFull: return .drop(.queueFull)
        }
    }
}
