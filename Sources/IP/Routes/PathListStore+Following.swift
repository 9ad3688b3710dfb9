// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging

// Follows what path-lists depend on.
extension PathListStore {
    /// Runs `body`, in which many things may change, and follows them up once, at its end.
    public func batch<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        batchDepth += 1
        defer {
            batchDepth -= 1
            if batchDepth == 0 { flush() }
        }
        try body()
    }

    /// Says that what the list depends on has changed.
    func invalidate(_ index: PathListIndex) {
        dirty.insert(index)
        if batchDepth == 0 { flush() }
    }

    /// Calls `body` after each change of what path-lists come to, once everything has followed.
    func onChange(_ body: @escaping @ControlPlane (Set<PathListIndex>) -> Void) { observers.append(body) }

    /// Says that the neighbour's status, or that of its backup, has changed.
    func adjacencyChanged(_ index: AdjacencyIndex) {
        guard let users = byAdjacency[index] else { return }
        dirty.formUnion(users)
        if batchDepth == 0 { flush() }
    }

    /// Resolves every path-list anew: what holds for all of them has changed.
    func refreshAll() {
        for list in lists { if let list { dirty.insert(list.index) } }
        if batchDepth == 0 { flush() }
    }

    /// Interfaces' states decide about connected networks and the router's own addresses there.
    func interfaceChanged(_ interface: InterfaceIndex) {
        for list in lists {
            guard let list else { continue }
            let concerns = list.paths.contains {
                switch $0.target {
                case .glean(interface), .broadcast(interface), .neighbor(_, interface): true
                default: false
                }
            }
            if concerns { dirty.insert(list.index) }
        }
        if batchDepth == 0 { flush() }
    }

    func flush() {
        guard !dirty.isEmpty || !wereInForce.isEmpty else { return }
        batchDepth += 1
        var round = 0
        while !dirty.isEmpty {
            let concerned = dirty
            dirty = []
            round += 1
            for index in concerned {
                guard let list = self[index] else { continue }
                // A change runs once through the lists that lead through each other. What still changes then would do so
                // for ever.
                guard round <= PathListStore.mostRounds else {
                    engine.log.error("next hops of a path-list of \(list.references) routes do not come to rest")
                    continue
                }
                note(shortage: resolve(list), of: list)
            }
        }
        batchDepth -= 1
        let reselected = wereInForce.filter { isInForce($0.key) != $0.value }
        wereInForce = [:]
        if !reselected.isEmpty { fib.reselect(Set(reselected.keys)) }
        let changed = changed
        self.changed = []
        if !changed.isEmpty { for observer in observers { observer(changed) } }
    }

    /// Next hops that lead to next hops, more than anybody has.
    private nonisolated static let mostRounds = 100

    /// Resolves the list's paths anew, and puts what has changed in force.
    /// - Parameter former: Whose flows are to stay where they are; the list's own if nil.
    /// - Returns: What there is no room for, if anything. Then what is in force leads to working next hops all the same, but
    ///   not to all of them, or not in their shares.
    func resolve(_ list: PathList, after former: PathList? = nil) -> RouteError? {
        var resolution = PathResolution(of: list, fib)
        resolution.run()
        // The new uses come before the old ones go.
        let gone = list.neighbors.subtracting(resolution.neighbors)
        for neighbor in resolution.neighbors.subtracting(list.neighbors) {
            adjacencies.retain(neighbor)
            byAdjacency[neighbor, default: []].insert(list.index)
        }
        unindex(list, gone)
        if !gone.isEmpty { engine.retire { [weak adjacencies] in for index in gone { adjacencies?.release(index) } } }
        let (members, state, via, wasInForce) = (list.members, list.state, list.via, list.isInForce)
        list.neighbors = resolution.neighbors
        follow(list, hops: resolution.hops)
        link(list, to: resolution.via, resolution.passed)
        if resolution.members != list.members {
            list.owners = owners(for: resolution.members, after: former ?? list)
        }
        list.members = resolution.members
        list.state = resolution.state
        if wasInForce != list.isInForce, wereInForce[list.index] == nil { wereInForce[list.index] = wasInForce }
        if members != list.members || state != list.state { changed.insert(list.index) }
        if members != list.members || state != list.state || via != list.via { dirty.formUnion(list.dependents) }
        guard let loadBalance = list.loadBalance else { return resolution.error }
        let shortage = publish(list, in: loadBalance)
        return resolution.error ?? shortage
    }

    // MARK: - Who depends on what

    func link(_ list: PathList, to via: Set<PathListIndex>, _ passed: Set<PathListIndex>) {
        let (old, new) = (list.via.union(list.passed), via.union(passed))
        for index in old.subtracting(new) { self[index]?.dependents.remove(list.index) }
        for index in new.subtracting(old) { self[index]?.dependents.insert(list.index) }
        (list.via, list.passed) = (via, passed)
    }

    func follow(_ list: PathList, hops: Set<PathList.Hop>) {
        for hop in hops.subtracting(list.hops) { fib.track(hop.address, in: hop.table, for: list.index) }
        for hop in list.hops.subtracting(hops) { fib.untrack(hop.address, in: hop.table, for: list.index) }
        list.hops = hops
    }

    func unindex(_ list: PathList, _ neighbors: Set<AdjacencyIndex>) {
        for adjacency in neighbors {
            byAdjacency[adjacency]?.remove(list.index)
            if byAdjacency[adjacency]?.isEmpty == true { byAdjacency[adjacency] = nil }
        }
    }
}
