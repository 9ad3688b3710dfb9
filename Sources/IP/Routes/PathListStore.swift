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
    private var flips: Set<PathListIndex> = []
    private var changed: Set<PathListIndex> = []
    private var observers: [@ControlPlane (Set<PathListIndex>) -> Void] = []

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

    public subscript(index: PathListIndex) -> PathList? {
        lists.indices.contains(Int(index)) ? lists[Int(index)] : nil
    }

    func isUsable(_ index: PathListIndex) -> Bool { self[index]?.state ?? .unusable != .unusable }

    // MARK: - Making

    /// The path-list of `paths`, made when there is none, with one more use, which the caller gives back by `release`.
    /// - Parameter isCounted: A list of the caller's own, with counters.
    /// - Throws: `RouteError` when the paths cannot be, or a table is full; then nothing has changed.
    public func acquire(_ paths: [Path], isCounted: Bool = false) throws(RouteError) -> PathList {
        if !isCounted, let index = shared[paths], let list = lists[Int(index)] {
            list.references += 1
            return list
        }
        if let objection = PathListStore.objection(to: paths) { throw objection }
        guard lists.count < Int(Forwarding.indexCapacity) || !free.isEmpty else { throw .tooManyPathLists }
        let forwarding = try forwarding(of: paths, isCounted: isCounted)
        let index = free.popLast() ?? PathListIndex(lists.count)
        let list = PathList(index, paths, isCounted: isCounted, forwarding)
        list.references = 1
        if Int(index) == lists.count { lists.append(list) } else { lists[Int(index)] = list }
        if !isCounted { shared[paths] = index }
        for (address, table) in list.trackedHops { fib.track(address, in: table, for: index) }
        refresh(list)
        flips.remove(index)
        changed.remove(index)
        return list
    }

    public func retain(_ index: PathListIndex) { self[index]?.references += 1 }

    public func release(_ index: PathListIndex) {
        guard let list = self[index] else { return }
        list.references -= 1
        guard list.references == 0 else { return }
        if !list.isCounted { shared[list.paths] = nil }
        for (address, table) in list.trackedHops { fib.untrack(address, in: table, for: index) }
        link(list, to: [])
        unindex(list, list.members)
        lists[Int(index)] = nil
        free.append(index)
        dirty.remove(index)
        flips.remove(index)
        changed.remove(index)
        if let loadBalance = list.loadBalance { loadBalances.remove(loadBalance) }
        // Workers may be on their way through it until they have all passed a quiescent point.
        let results = list.results
        let direct = list.forwarding
        engine.retire { [weak paths] in
            for result in results { paths?.release(result) }
            if direct.kind == .rewrite { paths?.release(direct) }
        }
    }

    private static func objection(to paths: [Path]) -> RouteError? {
        if paths.isEmpty { return RouteError("a route needs a path", "give a next hop") }
        if paths.count > LoadBalanceStore.maximumBuckets {
            return RouteError("\(paths.count) paths are too many", "give \(LoadBalanceStore.maximumBuckets) at most")
        }
        for path in paths {
            if path.labels.count > PathRecord.labelCapacity { return .tooManyLabels(path.labels.count) }
            let labels = path.labels + path.backup.flatMap(\.labels)
            if let objection = labels.lazy.compactMap(RouteError.objection(toOutgoing:)).first { return objection }
            if !(1...255).contains(path.weight) {
                return RouteError("a path's weight cannot be \(path.weight)", "give 1 to 255")
            }
        }
        return nil
    }

    /// One neighbour and no more to it, or one result: that itself. All else is a load-balance.
    private func forwarding(of paths: [Path], isCounted: Bool) throws(RouteError) -> Forwarding {
        if !isCounted, paths.count == 1, paths[0].labels.isEmpty, paths[0].backup.isEmpty {
            switch paths[0].target {
            case .recursive: break
            case .neighbor(let address, let interface):
                guard let interface = fib.interface(interface) else { throw .noInterface(interface) }
                let index = try adjacencies.adjacency(to: address, on: interface)
                adjacencies.retain(index)
                return Forwarding(.rewrite, index)
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
        batchDepth += 1
        while let index = dirty.popFirst() { if let list = self[index] { refresh(list) } }
        batchDepth -= 1
        let flipped = flips
        flips = []
        if !flipped.isEmpty { fib.reselect(flipped) }
        let changed = changed
        self.changed = []
        if !changed.isEmpty { for observer in observers { observer(changed) } }
    }

    /// Resolves the list's paths anew, and puts what has changed in force.
    private func refresh(_ list: PathList) {
        var resolution = PathResolution(of: list, fib)
        resolution.run()
        let before = list.state
        let old = list.members
        link(list, to: resolution.via)
        unindex(list, old)
        list.members = resolution.members
        index(list)
        list.state = resolution.state
        if let loadBalance = list.loadBalance { publish(list, in: loadBalance) }
        if before != list.state { flips.insert(list.index) }
        guard old != list.members || before != list.state else { return }
        dirty.formUnion(list.dependents)
        changed.insert(list.index)
    }

    private func publish(_ list: PathList, in loadBalance: UInt32) {
        let old = list.results
        var results: [Forwarding] = []
        do throws(RouteError) {
            for member in list.members { results.append(try paths.acquire(member.leaf)) }
            let usable = list.members.map { isUsable($0.leaf) }
            let owners = LoadBalanceStore.deal(weights: list.members.map(\.weight), usable: usable)
            let nothing: Forwarding = list.state == .loop ? .loop : .unreachable
            let buckets = owners.isEmpty ? [nothing] : owners.map { results[$0] }
            if buckets != loadBalances.results(of: loadBalance) { try loadBalances.publish(buckets, in: loadBalance) }
            list.results = results
            engine.retire { [weak paths] in for result in old { paths?.release(result) } }
        } catch {
            // What was in force stays so.
            for result in results { paths.release(result) }
            engine.log.error("a path-list of \(list.references) routes cannot follow a change: \(error)")
        }
    }

    /// Whether a packet can leave by it: its neighbour is not known to be down, or its backup's is not.
    func isUsable(_ leaf: Leaf) -> Bool {
        switch leaf.end {
        case .result: return true
        case .adjacency(let index):
            let record = adjacencies.table[index]
            if !record.status.isDown { return true }
            if let backup = leaf.backup.first, !leaf.isBackupAutomatic { return isUsable(backup) }
            return isUsable(backup: record.backup)
        }
    }

    private func isUsable(backup: Forwarding) -> Bool {
        switch backup.kind {
        case .rewrite: !adjacencies.table[backup.index].status.isDown
        case .path: !adjacencies.table[paths.table[backup.index].adjacency].status.isDown
        default: false
        }
    }

    // MARK: - Who depends on what

    private func link(_ list: PathList, to via: Set<PathListIndex>) {
        for index in list.via.subtracting(via) { self[index]?.dependents.remove(list.index) }
        for index in via.subtracting(list.via) { self[index]?.dependents.insert(list.index) }
        list.via = via
    }

    private func index(_ list: PathList) {
        for adjacency in PathListStore.adjacencies(list.members) {
            byAdjacency[adjacency, default: []].insert(list.index)
        }
    }

    private func unindex(_ list: PathList, _ members: [PathList.Member]) {
        for adjacency in PathListStore.adjacencies(members) {
            byAdjacency[adjacency]?.remove(list.index)
            if byAdjacency[adjacency]?.isEmpty == true { byAdjacency[adjacency] = nil }
        }
    }

    private static func adjacencies(_ members: [PathList.Member]) -> Set<AdjacencyIndex> {
        Set(members.flatMap { [$0.leaf.adjacency] + $0.leaf.backup.map(\.adjacency) }.compactMap { $0 })
    }

    /// The path-lists that have a member with this neighbour.
    public func users(of adjacency: AdjacencyIndex) -> Set<PathListIndex> { byAdjacency[adjacency] ?? [] }
}
