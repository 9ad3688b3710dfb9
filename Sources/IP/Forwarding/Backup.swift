// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What becomes of packets whose neighbour cannot be used.
enum Backup {
    enum Choice {
        /// By the packet's adjacency, which may be another one now.
        case goOn
        /// By the path that the packet's adjacency names now.
        case path
        /// Neither the neighbour nor a backup can be used.
        case unreachable
    }

    /// Moves a packet from an adjacency that is down to that one's backup. An adjacency that is merely not resolved keeps
    /// its packets, and so does any for packets that are pinned to it.
    ///
    /// A backup that is down itself is not followed: backups may lead to each other, and no packet may go round.
    static func choose(_ packet: Packet, _ adjacencies: AdjacencyTable, _ paths: PathTable) -> Choice {
        let adjacency = adjacencies[packet.header.adjacency]
        guard adjacency.status.isDown, !packet.header.flags.contains(.pinned) else { return .goOn }
        let backup = adjacency.backup
        guard isUsable(backup, adjacencies, paths) else { return .unreachable }
        if adjacency.firstOnBackup == 0 { adjacencies[packet.header.adjacency].firstOnBackup = Clock.now }
        packet.header.adjacency = backup.index
        return backup.kindNumber == Forwarding.Kind.path.rawValue ? .path : .goOn
    }

    /// Whether there is no way for a packet by this adjacency: it is down, and so is its backup.
    static func isMissing(
        _ index: AdjacencyIndex, for packet: Packet, _ adjacencies: AdjacencyTable, _ paths: PathTable
    ) -> Bool {
        let adjacency = adjacencies[index]
        return adjacency.status.isDown && !packet.header.flags.contains(.pinned)
            && !isUsable(adjacency.backup, adjacencies, paths)
    }

    private static func isUsable(
        _ backup: Forwarding, _ adjacencies: AdjacencyTable, _ paths: PathTable
    ) -> Bool {
        switch backup.kindNumber {
        case Forwarding.Kind.rewrite.rawValue: !adjacencies[backup.index].status.isDown
        case Forwarding.Kind.path.rawValue: !adjacencies[paths[backup.index].adjacency].status.isDown
        default: false
        }
    }
}
