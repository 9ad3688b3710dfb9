// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Sends packets along a path that has a backup of its own.
///
/// Summary: to the path's neighbour, or while that is down to the backup.
/// Expects: an IPv6 header at the current position, and the path set by lookup in place of the adjacency.
/// Emits: the packet with its adjacency set.
/// Drops: `noLabels`.
/// Spec: RFC 5286.
public struct IP6Path: Node {
    public static let name = "ip6-path"

    public enum Next: UInt16, NextNode {
        case rewrite

        public var node: String { "ip6-rewrite" }
    }

    public enum Reason: UInt16, DropReason {
        case noLabels

        public var text: String { "the path pushes labels" }
    }

    public struct Trace: TraceRecord {
        var path: UInt32 = 0
        var adjacency: AdjacencyIndex = 0

        public init() {}

        public var description: String { "path \(path): adjacency \(adjacency)" }
    }

    private let paths: PathTable
    private let adjacencies: AdjacencyTable

    init(paths: PathTable, adjacencies: AdjacencyTable) {
        self.paths = paths
        self.adjacencies = adjacencies
    }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        trace.path = packet.header.adjacency
        let path = paths[packet.header.adjacency]
        guard path.labelCount == 0 else { return .drop(.noLabels) }
        packet.header.adjacency = path.adjacency
        if adjacencies[path.adjacency].status.isDown, path.backup.kind == .rewrite,
            !packet.header.flags.contains(.pinned)
        {
            if path.firstOnBackup == 0 { paths[trace.path].firstOnBackup = Clock.now }
            packet.header.adjacency = path.backup.index
        }
        trace.adjacency = packet.header.adjacency
        return .to(.rewrite)
    }
}
