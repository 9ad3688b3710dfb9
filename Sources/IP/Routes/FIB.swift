// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The router's forwarding information: tables of routes, and what they lead to, shared between them.
///
///     prefix -> path-list (a load-balance, if it takes one) -> path -> adjacency
///
/// Every level is shared by all that is equal above it, so that a failure is mended where it shows: a neighbour's by one
/// store to its adjacency, a next hop's by one store to the load-balance of each path-list that leads through it.
@ControlPlane
public final class FIB {
    public let engine: Engine
    public let adjacencies: AdjacencyStore
    public let pathLists: PathListStore
    /// Every table by its number; the first is the main one.
    public private(set) var tables: [VRF] = []
    /// The tables as workers read them.
    public nonisolated let readers: TableReaders
    let reprogramming: Reprogramming
    /// Whether paths of one list are each other's backups, as far as they have none of their own: the next hops of a
    /// multipath route, and the next hop of the next preference.
    public var hasAutomaticBackups = false {
        didSet { if hasAutomaticBackups != oldValue { pathLists.refreshAll() } }
    }
    /// Which prefixes are brought up to date first when many have to be; a route's own priority comes before that.
    public var priorities: RoutePriorities {
        get { reprogramming.priorities }
        set { reprogramming.priorities = newValue }
    }
    /// What is said about a difference between control side and workers by those who keep tables beside these.
    private(set) var furtherChecks: [(name: String, body: @ControlPlane () async -> [String])] = []
    /// Addresses that are no next hops at the moment although routes lead to them.
    var lostHops: [PathList.Hop: LostHop] = [:]
    /// The next hops that BFD watches for routes.
    let watches = PathWatches()
    /// Of each watched interface, what it was when it was last looked at: `usable` and `absent`.
    private var flags: [InterfaceIndex: InterfaceFlags] = [:]

    init(engine: Engine) throws(RouteError) {
        self.engine = engine
        adjacencies = AdjacencyStore(engine: engine)
        pathLists = PathListStore(engine: engine, adjacencies: adjacencies)
        readers = TableReaders(interfaces: engine.interfaceTable, pathLists.loadBalances.table)
        reprogramming = Reprogramming(engine: engine)
        pathLists.fib = self
        watches.fib = self
        reprogramming.fib = self
        _ = try makeTable(named: VRF.mainName)
    }

    isolated deinit { readers.unmap() }

    var paths: PathStore { pathLists.paths }

    // MARK: - Tables

    public var main: VRF { tables[0] }

    public func table(named name: String) -> VRF? { tables.first { $0.name == name } }

    public func table(_ index: TableIndex) -> VRF? {
        tables.indices.contains(Int(index.rawValue)) ? tables[Int(index.rawValue)] : nil
    }

    /// The table by which packets that come in at the interface are routed.
    public func table(of interface: Interface) -> VRF { tables[Int(engine.interfaceTable[interface.index].table)] }

    /// The table of that name, made when there is none.
    /// - Throws: When there are as many as there can be, or there is no memory.
    public func makeTable(named name: String) throws(RouteError) -> VRF {
        if let table = table(named: name) { return table }
        guard tables.count < TableReaders.capacity else { throw .tooManyTables(TableReaders.capacity) }
        let table = try newTable(name)
        readers.set(table)
        tables.append(table)
        try addSpecialRoutes(to: table)
        return table
    }

    private func newTable(_ name: String) throws(RouteError) -> VRF {
        do throws(LookupTableError) {
            return try VRF(name, TableIndex(rawValue: UInt32(tables.count)), self)
        } catch {
            throw RouteError("\(error)")
        }
    }

    /// Routes what comes in at the interface by `table`. Its addresses are given to it afterwards.
    public func bind(_ interface: Interface, to table: VRF) {
        engine.interfaceTable[interface.index].table = table.index.rawValue
    }

    // MARK: - Routes

    /// Adds a route, or replaces the same source's route to the prefix; in force when the call returns.
    /// Flows on next hops that a replaced route has too keep them, but for what other shares ask for.
    /// - Parameters:
    ///   - isCounted: Counts this route's packets apart from others with the same paths.
    ///   - priority: How soon the route is brought up to date as long as it lives; what `priorities` say if nil.
    /// - Throws: `RouteError` when the paths cannot be or a table is full; then nothing has changed.
    public func setRoute(
        _ prefix: IPPrefix, _ paths: [Path], from source: RouteSource = .static, in table: VRF? = nil,
        isCounted: Bool = false, priority: RoutePriority? = nil
    ) throws(RouteError) {
        let list = try pathLists.acquire(paths, isCounted: isCounted) { self.list(of: prefix, from: source, in: table) }
        defer { pathLists.release(list.index) }
        try setRoute(prefix, list, from: source, in: table, priority: priority)
    }

    /// The same with a path-list at hand: for many routes with the same paths.
    public func setRoute(
        _ prefix: IPPrefix, _ list: PathList, from source: RouteSource = .static, in table: VRF? = nil,
        priority: RoutePriority? = nil
    ) throws(RouteError) {
        let table = table ?? main
        do throws(LookupTableError) {
            switch prefix {
            case .v4(let prefix): try table.ip4.set(prefix, list, from: source)
            case .v6(let prefix): try table.ip6.set(prefix, list, from: source)
            }
        } catch {
            throw RouteError("\(error)")
        }
        if table.setPriority(priority, prefix, source) { reprogramming.prioritiesChanged() }
    }

    /// The path-list of a source's route to exactly this prefix.
    public func list(
        of prefix: IPPrefix, from source: RouteSource = .static, in table: VRF? = nil
    ) -> PathListIndex? {
        switch prefix {
        case .v4(let prefix): (table ?? main).ip4.list(of: prefix, from: source)
        case .v6(let prefix): (table ?? main).ip6.list(of: prefix, from: source)
        }
    }

    /// Removes a source's route; false when there was none.
    @discardableResult
    public func removeRoute(_ prefix: IPPrefix, from source: RouteSource = .static, in table: VRF? = nil) -> Bool {
        let table = table ?? main
        if table.setPriority(nil, prefix, source) { reprogramming.prioritiesChanged() }
        return switch prefix {
        case .v4(let prefix): table.ip4.remove(prefix, from: source)
        case .v6(let prefix): table.ip6.remove(prefix, from: source)
        }
    }

    /// What the lookup table says about an address; nil when there is no route.
    public func forwarding(to address: IPAddress, in table: VRF? = nil) -> Forwarding? {
        cover(of: address, in: (table ?? main).index)?.1.forwarding
    }

    /// Runs `body`, which changes many routes, and follows up what depends on them once, at its end.
    public func batch<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        try pathLists.batch(body)
    }

    // MARK: - Interfaces

    /// Follows the interface's state: what leads through it stops being used when it goes down, and is used again.
    func watch(_ interface: Interface) {
        guard flags[interface.index] == nil else { return }
        flags[interface.index] = interface.flags
        interface.onChange { [weak self] in self?.interfaceChanged($0) }
    }

    private func interfaceChanged(_ interface: Interface) {
        let isUsable = interface.flags.isSuperset(of: .usable)
        let old = flags.updateValue(interface.flags, forKey: interface.index) ?? []
        let isNews = old.isSuperset(of: .usable) != isUsable
        // A failure first: what else has changed takes time in proportion to the number of paths.
        batch {
            if isNews, !isUsable { adjacencies.setUsable(interface, false) }
            if !isNews, old.symmetricDifference(interface.flags).contains(.absent) { adjacencies.tell(interface) }
            adjacencies.refresh(interface)
            paths.refresh(interface)
            if isNews, isUsable { adjacencies.setUsable(interface, true) }
            if isNews { pathLists.interfaceChanged(interface.index) }
        }
    }

    /// Has `martlet test fib` look at what a feature programs itself.
    /// - Parameter body: Each difference in words; none when all is well. Where it has much to look at, it goes in slices.
    public func addCheck(_ name: String, _ body: @escaping @ControlPlane () async -> [String]) {
        furtherChecks.append((name, body))
    }

    // MARK: - For path-lists

    /// Whether the interface has one other end, which takes all packets: a tunnel's.
    func isPointToPoint(_ index: InterfaceIndex) -> Bool {
        engine.interfaceTable[index].flags.contains(.pointToPoint)
    }

    public func interface(_ index: InterfaceIndex) -> Interface? {
        let position = Int(index) - 1
        return engine.interfaces.indices.contains(position) ? engine.interfaces[position] : nil
    }

    /// The route that a packet to `address` takes, and its paths.
    func cover(
        of address: IPAddress, in index: TableIndex, passing: (PathListIndex) -> Void = { _ in }
    ) -> (IPPrefix, PathList)? {
        guard let table = table(index) else { return nil }
        switch address {
        case .v4(let address):
            guard let entry = table.ip4.longestMatch(address, passing: passing) else { return nil }
            return pathLists[entry.list].map { (.v4(entry.prefix), $0) }
        case .v6(let address):
            guard let entry = table.ip6.longestMatch(address, passing: passing) else { return nil }
            return pathLists[entry.list].map { (.v6(entry.prefix), $0) }
        }
    }

    func track(_ address: IPAddress, in table: TableIndex, for list: PathListIndex) {
        switch address {
        case .v4(let address): self.table(table)?.ip4.track(address, for: list)
        case .v6(let address): self.table(table)?.ip6.track(address, for: list)
        }
    }

    /// The path-lists that lead to a next hop through the route that covers it.
    func followers(of hop: PathList.Hop) -> Set<PathListIndex> {
        switch hop.address {
        case .v4(let address): table(hop.table)?.ip4.followers(of: address) ?? []
        case .v6(let address): table(hop.table)?.ip6.followers(of: address) ?? []
        }
    }

    func untrack(_ address: IPAddress, in table: TableIndex, for list: PathListIndex) {
        switch address {
        case .v4(let address): self.table(table)?.ip4.untrack(address, for: list)
        case .v6(let address): self.table(table)?.ip6.untrack(address, for: list)
        }
    }

    /// Chooses again for every route whose paths have become usable or unusable, the important ones first.
    func reselect(_ lists: Set<PathListIndex>) { reprogramming.add(lists) }
}

/// One virtual router: its IPv4 and its IPv6 routes.
@ControlPlane
public final class VRF {
    public nonisolated static let mainName = "main"

    public nonisolated let name: String
    public nonisolated let index: TableIndex
    public let ip4: RIB<IPv4Prefix>
    public let ip6: RIB<IPv6Prefix>
    /// The priorities that routes have of their own: few, by prefix and source.
    private var priorities: [IPPrefix: [RouteSource: RoutePriority]] = [:]

    init(_ name: String, _ index: TableIndex, _ fib: FIB) throws(LookupTableError) {
        self.name = name
        self.index = index
        ip4 = try RIB(fib.pathLists, fib.engine)
        ip6 = try RIB(fib.pathLists, fib.engine)
    }

    /// What the routes to exactly this prefix say of their priority, the highest; nil when none says anything.
    public func priority(of prefix: IPPrefix) -> RoutePriority? {
        guard !priorities.isEmpty, let own = priorities[prefix] else { return nil }
        return own.values.min { $0.place < $1.place }
    }

    /// Whether a route has this priority of its own.
    func mayBe(_ priority: RoutePriority) -> Bool { priorities.values.contains { $0.values.contains(priority) } }

    /// False when the route had it already.
    fileprivate func setPriority(_ priority: RoutePriority?, _ prefix: IPPrefix, _ source: RouteSource) -> Bool {
        guard priority != nil || !priorities.isEmpty, priorities[prefix]?[source] != priority else { return false }
        priorities[prefix, default: [:]][source] = priority
        if priorities[prefix]?.isEmpty == true { priorities[prefix] = nil }
        return true
    }
}
