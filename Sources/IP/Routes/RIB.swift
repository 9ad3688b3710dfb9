// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The routes of one table and address family with their sources, and beneath them the table that workers look up in.
///
/// Of the sources of a prefix the best with a usable path-list is in force; while none is, a shorter prefix takes over.
@ControlPlane
public final class RIB<Prefix: RoutePrefix> {
    /// A prefix's route from one source.
    public struct Entry: Sendable, Hashable {
        public let prefix: Prefix
        public let source: RouteSource
        public let list: PathListIndex
    }

    private let table: RouteTable<Prefix>
    private let lists: PathListStore
    /// Path-lists by source, in the order of preference.
    private var stores = RouteSource.allCases.map { _ in RouteStore<Prefix>() }
    /// Next hops that path-lists are resolved by, in order.
    private var hops: [TrackedHop] = []

    private struct TrackedHop {
        let address: Prefix.Address
        /// A list with the same address in two paths counts twice.
        var lists: [PathListIndex: Int]
    }

    init(_ lists: PathListStore, _ engine: Engine) throws(LookupTableError) {
        self.lists = lists
        table = try RouteTable { [weak engine] release in
            // Runs here, in this isolation, only later.
            nonisolated(unsafe) let release = release
            engine?.retire { release() }
        }
    }

    /// What workers look up with; valid as long as this RIB lives.
    public var reader: Prefix.Lookup.Reader { table.reader }

    /// Prefixes with a route in force.
    public var count: Int { table.count }

    public func count(from source: RouteSource) -> Int { stores[source.rawValue].count }

    // MARK: - Changing

    /// Adds a route, or replaces the same source's route to the same prefix; in force when the call returns.
    /// - Throws: When the lookup table is full or has no memory; then nothing has changed.
    public func set(_ prefix: Prefix, _ list: PathListIndex, from source: RouteSource) throws(LookupTableError) {
        let isBest = !isHidden(prefix, from: source)
        let isUsable = lists.isUsable(list)
        if isBest, isUsable, let forwarding = lists[list]?.forwarding {
            try table.set(prefix, result: forwarding.rawValue)
        }
        lists.retain(list)
        let old = stores[source.rawValue].set(prefix, list)
        if isBest {
            if !isUsable { reselect(prefix) } else if old != list { hopsChanged(in: prefix) }
        }
        if let old { lists.release(old) }
    }

    /// Removes a source's route; false when there was none.
    @discardableResult
    public func remove(_ prefix: Prefix, from source: RouteSource) -> Bool {
        guard let old = stores[source.rawValue].remove(prefix) else { return false }
        if lists.isUsable(old), !isHidden(prefix, from: source) { reselect(prefix) }
        lists.release(old)
        return true
    }

    /// Whether a better source has a usable route to the prefix.
    private func isHidden(_ prefix: Prefix, from source: RouteSource) -> Bool {
        for better in 0..<source.rawValue {
            if let list = stores[better][prefix], lists.isUsable(list) { return true }
        }
        return false
    }

    /// Puts the best usable route to the prefix in force, or none.
    func reselect(_ prefix: Prefix) {
        if let best = entries(for: prefix).first(where: { lists.isUsable($0.list) }),
            let forwarding = lists[best.list]?.forwarding
        {
            // Fails for a prefix that had no route in force alone: then it goes on without.
            _ = try? table.set(prefix, result: forwarding.rawValue)
        } else {
            table.remove(prefix)
        }
        hopsChanged(in: prefix)
    }

    // MARK: - Asking

    /// The routes to exactly `prefix`, the best source first.
    public func entries(for prefix: Prefix) -> [Entry] {
        RouteSource.allCases.compactMap { source in
            stores[source.rawValue][prefix].map { Entry(prefix: prefix, source: source, list: $0) }
        }
    }

    /// The route to exactly `prefix` that is in force.
    public func active(_ prefix: Prefix) -> Entry? {
        entries(for: prefix).first { lists.isUsable($0.list) }
    }

    /// The source's route to exactly `prefix`.
    public func list(of prefix: Prefix, from source: RouteSource) -> PathListIndex? { stores[source.rawValue][prefix] }

    /// The route that a packet to `address` takes.
    public func longestMatch(_ address: Prefix.Address) -> Entry? {
        table.longestMatch(address).flatMap { active($0.prefix) }
    }

    /// The routes in force, in order, at most `limit`.
    public func entries(limit: Int) -> [Entry] {
        table.lazy.prefix(limit).compactMap { self.active($0.prefix) }
    }

    /// Calls `body` for each route of each source, in no order.
    public func forEach(_ body: (Entry) -> Void) {
        for source in RouteSource.allCases {
            stores[source.rawValue].forEach { prefix, list in
                body(Entry(prefix: prefix, source: source, list: list))
            }
        }
    }

    /// What the lookup table was told about exactly `prefix`; nil when nothing.
    public func programmed(_ prefix: Prefix) -> Forwarding? { table[prefix].map { Forwarding(rawValue: $0) } }

    /// All prefixes in force, in order.
    public var programmed: some Sequence<Route<Prefix>> { table }

    /// Bytes in use: the workers' lookup table, and the routes behind it with their sources.
    public var memoryBytes: RouteTableMemory {
        var memory = table.memoryBytes
        for store in stores { memory.store += store.memoryBytes }
        return memory
    }

    /// The prefixes whose routes use one of `wanted`, from small stores to big ones, until all uses are found.
    func prefixes(using wanted: Set<PathListIndex>) -> [Prefix] {
        var found: [Prefix] = []
        for store in stores.sorted(by: { $0.count < $1.count }) where store.count > 0 {
            store.forEach { prefix, list in if wanted.contains(list) { found.append(prefix) } }
        }
        return found
    }

    // MARK: - Next hops

    /// Tells the path-list when the route that covers `address` changes.
    func track(_ address: Prefix.Address, for list: PathListIndex) {
        let place = place(of: address)
        if place < hops.count, hops[place].address == address {
            hops[place].lists[list, default: 0] += 1
        } else {
            hops.insert(TrackedHop(address: address, lists: [list: 1]), at: place)
        }
    }

    func untrack(_ address: Prefix.Address, for list: PathListIndex) {
        let place = place(of: address)
        guard place < hops.count, hops[place].address == address, let uses = hops[place].lists[list] else { return }
        hops[place].lists[list] = uses > 1 ? uses - 1 : nil
        if hops[place].lists.isEmpty { hops.remove(at: place) }
    }

    /// The first hop that is not below `address`.
    private func place(of address: Prefix.Address) -> Int {
        var range = 0..<hops.count
        while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
            range = hops[middle].address < address ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }

    private func hopsChanged(in prefix: Prefix) {
        guard !hops.isEmpty else { return }
        var concerned: [PathListIndex] = []
        var place = place(of: prefix.address)
        while place < hops.count, prefix.contains(hops[place].address) {
            concerned += hops[place].lists.keys
            place += 1
        }
        guard !concerned.isEmpty else { return }
        lists.batch { for list in concerned { lists.invalidate(list) } }
    }
}
