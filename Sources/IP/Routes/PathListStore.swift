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
    private(set) var lists: [PathList?] = []
    private var free: [PathListIndex] = []
    private var shared: [[Path]: PathListIndex] = [:]
    var byAdjacency: [AdjacencyIndex: Set<PathListIndex>] = [:]
    var dirty: Set<PathListIndex> = []
    var batchDepth = 0
    var changed: Set<PathListIndex> = []
    var observers: [@ControlPlane (Set<PathListIndex>) -> Void] = []
    /// The lists that changes under way have taken into force or out of it, with what they were before.
    var wereInForce: [PathListIndex: Bool] = [:]
    /// Lists for which a table had no room, the one that has waited longest first.
    var short: [PathListIndex] = []
    var isRetrying = false
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
        adjacencies.onRoom = { [weak self] in self?.roomAppeared() }
        paths.onRoom = { [weak self] in self?.roomAppeared() }
        loadBalances.onRoom = { [weak self] in self?.roomAppeared() }
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
    /// - Parameters:
    ///   - isCounted: A list of the caller's own, with counters.
    ///   - former: The list that it takes the place of. A new list leaves the flows on next hops of both where they are, but
    ///     for what other shares ask for; one that is there already stays as it is.
    /// - Throws: `RouteError` when the paths cannot be, or a table is full; then nothing has changed.
    public func acquire(
        _ paths: [Path], isCounted: Bool = false, replacing former: () -> PathListIndex? = { nil }
    ) throws(RouteError) -> PathList {
        if !isCounted, let index = shared[paths], let list = lists[Int(index)] {
            list.references += 1
            return list
        }
        if let objection = fib.objection(to: paths) { throw objection }
        guard count < limit else { throw .tooManyPathLists(limit) }
        try fib.watches.retain(paths)
        let forwarding: Forwarding
        do throws(RouteError) {
            forwarding = try self.forwarding(of: paths, isCounted: isCounted)
        } catch {
            fib.watches.release(paths)
            throw error
        }
        let index = free.popLast() ?? PathListIndex(lists.count)
        let list = PathList(index, paths, isCounted: isCounted, forwarding)
        list.references = 1
        if Int(index) == lists.count { lists.append(list) } else { lists[Int(index)] = list }
        if !isCounted { shared[paths] = index }
        if let error = resolve(list, after: former().flatMap { self[$0] }) {
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
        if list.isShort { short.removeAll { $0 == index } }
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
        fib.watches.release(list.paths)
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
                if let interface = fib.interface(index), fib.isPointToPoint(index) {
                    return Forwarding(.rewrite, try adjacencies.adjacency(to: .v4(.any), on: interface))
                }
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
}
