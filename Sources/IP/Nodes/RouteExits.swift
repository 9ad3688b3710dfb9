// SPDX-License-Identifier: Apache-2.0
import Graph

/// Knows by which interfaces packets leave.
struct RouteExits: BitwiseCopyable, Sendable {
    let tables: TableReaders
    let adjacencies: AdjacencyTable
    let paths: PathTable

    /// Whether packets with this result may leave by the interface: by one of several paths, or in another table.
    /// - Parameters:
    ///   - withBackups: Also when they would only while a next hop is down.
    ///   - lookUp: Looks the same address up in another table.
    @inline(__always)
    func lead(
        _ result: Forwarding, through interface: InterfaceIndex, withBackups: Bool,
        _ lookUp: (_ table: UInt32) -> Forwarding
    ) -> Bool {
        if result.kind == .rewrite || result.kind == .glean {
            return adjacency(result.index, leadsThrough: interface, withBackups)
        }
        return leadIndirectly(result, through: interface, withBackups, depth: Balancer.depth, lookUp)
    }

    /// - Parameter depth: Load-balances and tables to go through, as lookup nodes do.
    @inline(never)
    private func leadIndirectly(
        _ result: Forwarding, through interface: InterfaceIndex, _ withBackups: Bool, depth: Int,
        _ lookUp: (_ table: UInt32) -> Forwarding
    ) -> Bool {
        switch result.kind {
        case .discard, .local: return false
        case .rewrite, .glean: return adjacency(result.index, leadsThrough: interface, withBackups)
        case .path: return path(result.index, leadsThrough: interface, withBackups)
        case .table:
            guard depth > 0 else { return false }
            return leadIndirectly(lookUp(result.index), through: interface, withBackups, depth: depth - 1, lookUp)
        case .loadBalance:
            guard depth > 0 else { return false }
            let range = tables.loadBalances.range(of: result.index)
            var before = Forwarding.noRoute
            for bucket in 0...range.mask {
                let member = tables.loadBalances.bucket(range, hash: bucket)
                // A member has most of its buckets in a row.
                if member == before { continue }
                if leadIndirectly(member, through: interface, withBackups, depth: depth - 1, lookUp) { return true }
                before = member
            }
            return false
        }
    }

    /// The interface by which packets with this result leave now, load-balances and tables followed already: a backup's while the
    /// neighbour is down. Nil where they do not leave.
    func interface(of result: Forwarding) -> InterfaceIndex? {
        var index: AdjacencyIndex
        switch result.kind {
        case .rewrite, .glean: index = result.index
        case .path:
            let path = paths[result.index]
            let isDown = adjacencies[path.adjacency].status.isDown
            index = isDown && path.backup != .noRoute ? neighbor(path.backup) : path.adjacency
        default: return nil
        }
        if adjacencies[index].status.isDown, adjacencies[index].backup != .noRoute {
            index = neighbor(adjacencies[index].backup)
        }
        return adjacencies[index].txInterface
    }

    /// A glean adjacency has no backup.
    @inline(__always)
    private func adjacency(
        _ index: AdjacencyIndex, leadsThrough interface: InterfaceIndex, _ withBackups: Bool
    ) -> Bool {
        let adjacency = adjacencies[index]
        if adjacency.txInterface == interface { return true }
        return withBackups && adjacencies[neighbor(adjacency.backup)].txInterface == interface
    }

    /// A path with a backup of its own leaves that of its neighbour alone; its backup's neighbour may have one.
    private func path(_ index: UInt32, leadsThrough interface: InterfaceIndex, _ withBackups: Bool) -> Bool {
        let path = paths[index]
        guard withBackups, path.backup != .noRoute else {
            return adjacency(path.adjacency, leadsThrough: interface, withBackups)
        }
        return adjacencies[path.adjacency].txInterface == interface
            || adjacency(neighbor(path.backup), leadsThrough: interface, true)
    }

    /// The neighbour that a backup leads to; the adjacency 0, which has no interface, where there is none.
    private func neighbor(_ backup: Forwarding) -> AdjacencyIndex {
        switch backup.kind {
        case .rewrite: backup.index
        case .path: paths[backup.index].adjacency
        default: 0
        }
    }
}
