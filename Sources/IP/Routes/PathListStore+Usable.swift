// SPDX-License-Identifier: Apache-2.0

// Whether paths work, and where they lead.
extension PathListStore {
    /// Whether a packet can leave by it: its neighbour is not known to be down, or its backup's is not.
    func isUsable(_ leaf: Leaf) -> Bool {
        switch leaf.end {
        case .result(let forwarding): return forwarding != .noRoute
        case .adjacency(let index):
            let record = adjacencies.table[index]
            if !record.status.isDown { return true }
            if let backup = leaf.backup.first, !leaf.isBackupAutomatic { return isUsable(backup) }
            return adjacency(of: record.backup).map { !adjacencies.table[$0].status.isDown } ?? false
        }
    }

    /// The neighbour that a result leads to by itself.
    func adjacency(of forwarding: Forwarding) -> AdjacencyIndex? {
        switch forwarding.kind {
        case .rewrite: forwarding.index
        case .path: paths.table[forwarding.index].adjacency
        default: nil
        }
    }

    /// Whether a list leads, through whatever others, to another.
    func leads(_ from: PathList, to index: PathListIndex) -> Bool {
        var seen: Set<PathListIndex> = []
        var rest = [from.index]
        while let next = rest.popLast() {
            if next == index { return true }
            guard seen.insert(next).inserted, let list = self[next] else { continue }
            rest += list.via
        }
        return false
    }
}
