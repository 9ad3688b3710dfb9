// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// All path-lists of a router: makes and shares them, and follows what they depend on.
///
/// A change of a neighbour's status or of a route that a next hop is resolved by recomputes the path-lists that it
/// concerns, and puts each new result in force by one store, whatever the number of prefixes behind it.
@ControlPlane
public final class PathListStore {
    let engine: Engine
    let adjacencies: AdjacencyStore
    public let paths: PathStore
    public let loadBalances: LoadBalanceStore
    /// What resolves recursive next hops.
    unowned var fib: FIB!
    private var lists: [PathList?] = []
    private var free: [PathListIndex] = []
    private var shared: [[Path]: PathListIndex] = [:]
    private var byAdjacency: [AdjacencyIndex: Set<PathListIndex>] = [:]
    private var dirty: Set<PathListIndex> = []
    private var batchDepth = 0
    private var changed: Set<PathListIndex> = []
    private var observers: [@ControlPlane (Set<PathListIndex>) -> Void] = []
    /// The lists that changes under way have taken into force or out of it, with what they were before.
    private var wereInForce: [PathListIndex: Bool] = [:]
    /// Counts routes that come, go, or get another path-list.
    var routeChanges: UInt64 = 0
    /// The most path-lists there may be.
    var limit = Int(Forwarding.indexCapacity)

    init(engine: Engine, adjacencies: AdjacencyStore) {
        self.engine = engine
        self.adjacencies = adjacencies
        paths = PathStore(engine: engine, adjacencies: adjacencies)
        loadBalances = LoadBalanceStore(engine: engine)
        adjacencies.onChange { [weak self] in self?.adjacencyChanged($0) }
    }

    // MARK: - Asking

    public var count: Int { lists.count - free.count }

    /// Those in use, in the order of their indices.
    public var all: [PathList] { lists.compactMap { $0 } }

    public subscript(index: PathListIndex) -> PathList? { Int(index) < lists.count ? lists[Int(index)] : nil }

    func isInForce(_ index: PathListIndex) -> Bool { self[index]?.isInForce ?? false }

    /// The path-lists that this neighbour's state decides about.
    public func users(of adjacency: AdjacencyIndex) -> Set<PathListIndex> { byAdjacency[adjacency] ?? [] }

    // MARK: - Making

    /// The path-list of `paths`, made when there is none, with one more use, which the caller gives back by `release`.
    /// - Parameter isCounted: A list of the caller's own, with counters.
    /// - Throws: `RouteError` when the paths cannot be, or a table is full; then nothing has changed.
    public func acquire(_ paths: [Path], isCounted: Bool = false) throws(RouteError) -> PathList {
        if !isCounted, let index = shared[paths], let list = lists[Int(index)] {
            list.references += 1
            return list
        }
        if let objection = fib.objection(to: paths) { throw objection }
        guard count < limit else { throw .tooManyPathLists(limit) }
        let forwarding = try forwarding(of: paths, isCounted: isCounted)
        let index = free.popLast() ?? PathListIndex(lists.count)
        let list = PathList(index, paths, isCounted: isCounted, forwarding)
        list.references = 1
        if Int(index) == lists.count { lists.append(list) } else { lists[Int(index)] = list }
        if !isCounted { shared[paths] = index }
        do throws(RouteError) {
            try resolve(list)
        } catch {
            release(index)
            throw error
        }
        // No route uses it yet.
        wereInForce[index] = nil
        changed.remove(index)
        return list
    }

    public func retain(_ index: PathListIndex) { self[index]?.references += 1 }

    public func release(_ index: PathListIndex) {
        guard let list = self[index] else { return }
        list.references -= 1
        guard list.references == 0 else { return }
        if !list.isCounted { shared[list.paths] = nil }
        follow(list, hops: [])
        link(list, to: [], [])
        // The number may be another's before they look.
        for dependent in list.dependents {
            self[dependent]?.via.remove(index)
            self[dependent]?.passed.remove(index)
        }
        lists[Int(index)] = nil
        free.append(index)
        dirty.remove(index)
        wereInForce[index] = nil
        changed.remove(index)
        if let loadBalance = list.loadBalance { loadBalances.remove(loadBalance) }
        // Workers may be on their way through it until they have all passed a quiescent point.
        let (results, neighbors) = (list.results, list.neighbors)
        unindex(list, neighbors)
        engine.retire { [weak self] in
            guard let self else { return }
            for result in results { paths.release(result) }
            for neighbor in neighbors { adjacencies.release(neighbor) }
        }
        dirty.formUnion(list.dependents)
        if batchDepth == 0 { flush() }
    }

    /// One neighbour and no more to it, or one result: that itself. All else is a load-balance.
    private func forwarding(of paths: [Path], isCounted: Bool) throws(RouteError) -> Forwarding {
        if !isCounted, paths.count == 1, paths[0].labels.isEmpty, paths[0].backup.isEmpty {
            switch paths[0].target {
            case .recursive: break
            case .neighbor(let address, let interface):
                guard let interface = fib.interface(interface) else { throw .noInterface(interface) }
                // Its use is counted with those of the list's other neighbours.
                return Forwarding(.rewrite, try adjacencies.adjacency(to: address, on: interface))
            case .glean(let index):
                return Forwarding(.glean, try glean(index))
            case .receive(let index):
                return index == 0 ? .receive : Forwarding(.local, try glean(index))
            case .broadcast(let index):
                return .broadcast(try glean(index))
            case .table(let table): return Forwarding(.table, table.rawValue)
            case .discard(let forwarding): return forwarding
            }
        }
        return Forwarding(.loadBalance, try loadBalances.make())
    }

    private func glean(_ index: InterfaceIndex) throws(RouteError) -> AdjacencyIndex {
        guard let interface = fib.interface(index) else { throw .noInterface(index) }
        return try adjacencies.glean(interface)
    }

    // MARK: - Following

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

    private func flush() {
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
                do throws(RouteError) {
                    try resolve(list)
                } catch {
                    engine.log.error("a path-list of \(list.references) routes cannot follow a change: \(error)")
                }
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
    private static let mostRounds = 100

    /// Resolves the list's paths anew, and puts what has changed in force.
    /// - Throws: When a table is full. What was in force stays so.
    private func resolve(_ list: PathList) throws(RouteError) {
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
        list.members = resolution.members
        list.state = resolution.state
        if wasInForce != list.isInForce, wereInForce[list.index] == nil { wereInForce[list.index] = wasInForce }
        if members != list.members || state != list.state { changed.insert(list.index) }
        if members != list.members || state != list.state || via != list.via { dirty.formUnion(list.dependents) }
        if let loadBalance = list.loadBalance { try publish(list, in: loadBalance) }
        if let error = resolution.error { throw error }
    }

    private func publish(_ list: PathList, in loadBalance: UInt32) throws(RouteError) {
        let old = list.results
        var results: [Forwarding] = []
        do throws(RouteError) {
            for member in list.members { results.append(try paths.acquire(member.leaf)) }
            let buckets = buckets(of: list, results)
            if buckets != loadBalances.results(of: loadBalance) { try loadBalances.publish(buckets, in: loadBalance) }
        } catch {
            for result in results { paths.release(result) }
            throw error
        }
        list.results = results
        if !old.isEmpty { engine.retire { [weak paths] in for result in old { paths?.release(result) } } }
    }

    /// What the list's load-balance holds, when `results` are its members'.
    func buckets(of list: PathList, _ results: [Forwarding]) -> [Forwarding] {
        let usable = list.members.map { isUsable($0.leaf) }
        let owners = LoadBalanceStore.deal(weights: list.members.map(\.weight), usable: usable)
        return owners.isEmpty ? [list.state == .loop ? .loop : .nextHopDown] : owners.map { results[$0] }
    }

    // MARK: - Who depends on what

    private func link(_ list: PathList, to via: Set<PathListIndex>, _ passed: Set<PathListIndex>) {
        let (old, new) = (list.via.union(list.passed), via.union(passed))
        for index in old.subtracting(new) { self[index]?.dependents.remove(list.index) }
        for index in new.subtracting(old) { self[index]?.dependents.insert(list.index) }
        (list.via, list.passed) = (via, passed)
    }

    private func follow(_ list: PathList, hops: Set<PathList.Hop>) {
        for hop in hops.subtracting(list.hops) { fib.track(hop.address, in: hop.table, for: list.index) }
        for hop in list.hops.subtracting(hops) { fib.untrack(hop.address, in: hop.table, for: list.index) }
        list.hops = hops
    }

    private func unindex(_ list: PathList, _ neighbors: Set<AdjacencyIndex>) {
        for adjacency in neighbors {
            byAdjacency[adjacency]?.remove(list.index)
            if byAdjacency[adjacency]?.isEmpty == true { byAdjacency[adjacency] = nil }
        }
    }
}
