// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes packets for a neighbour whose hardware address is not known to the control side, which asks for it.
///
/// Summary: copies of a few packets per neighbour are held there until the answer comes; the rest is dropped.
/// Expects: an IPv4 header at the current position, and an incomplete adjacency.
/// Drops: `throttled`, `queueFull`.
/// Spec: RFC 826; RFC 1122 section 2.3.2.2; RFC 1812 section 3.3.2.
public struct IP4ARP: ContextualNode {
    public static let name = "ip4-arp"

    public enum Reason: UInt16, DropReason {
        case throttled, queueFull

        public var text: String {
            switch self {
            case .throttled: "the neighbour's hardware address is being asked for, and enough packets wait for it"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var adjacency: AdjacencyIndex = 0
        var nextHop: UInt32 = 0

        public init() {}

        public var description: String { "adjacency \(adjacency): who has \(IPv4Address(nextHop))?" }
    }

    private let adjacencies: AdjacencyTable
    private let neighbors: ProcessIndex
    private var throttle = ResolutionThrottle()

    init(adjacencies: AdjacencyTable, neighbors: ProcessIndex) {
        self.adjacencies = adjacencies
        self.neighbors = neighbors
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<NoNext, Reason> {
        let adjacency = packet.header.adjacency
        trace.adjacency = adjacency
        trace.nextHop = UInt32(truncatingIfNeeded: adjacencies[adjacency].nextHop.low)
        guard throttle.admits(UInt64(adjacency), context.now) else { return .drop(.throttled) }
        let message = NeighborMessage(.awaitsAdjacency, about: packet)
        guard context.punt(packet, to: neighbors, note: message.rawValue) else { return .drop(.queueFull) }
        context.free(packet)
        return .kept
    }
}
