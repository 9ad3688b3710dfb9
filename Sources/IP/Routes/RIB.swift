// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
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

    let table: RouteTable<Prefix>
    /// Prefixes with routes of which none can be used: who sends there without another way hears of that.
    let unusable: RouteTable<Prefix>
    private let lists: PathListStore
    /// Path-lists by source, in the order of preference.
    private var stores = RouteSource.allCases.map { _ in RouteStore<Prefix>() }
    /// Next hops that path-lists are resolved by, in order.
    private var hops: [TrackedHop] = []
    /// Counts changes.
    private(set) var generation: UInt64 = 0

    private struct TrackedHop {
        let address: Prefix.Address
        var lists: Set<PathListIndex>
    }

    init(_ lists: PathListStore, _ engine: Engine) throws(LookupTableError) {
        self.lists = lists
        let retire: AfterQuiescence = { [weak engine] release in
            // Runs here, in this isolation, only later.
            nonisolated(unsafe) let release = release
            engine?.retire { release() }
        }
        table = try RouteTable(afterQuiescence: retire)
        unusable = try RouteTable(afterQuiescence: retire)
    }

    /// What workers look up with; valid as long as this RIB lives.
    public var reader: Prefix.Lookup.Reader { table.reader }

    /// Prefixes with a route in force.
    public var count: Int { table.count }

    public func count(from source: RouteSource) -> Int { stores[source.rawValue].count }

    // MARK: - Changing

    /// Adds a route, or replaces the same source's route to the same prefix; in force when the call returns.
    /// - Throws: When the lookup table is full or has no memory; then nothing has changed.
    func set(_ prefix: Prefix, _ list: PathList, from source: RouteSource) throws(LookupTableError) {
        let isBest = !isHidden(prefix, from: source)
        if isBest, list.isInForce {
            try table.set(prefix, result: list.forwarding.rawValue)
            noteUsable(prefix)
        }
        list.references += 1
        routeChanged()
        let old = stores[source.rawValue].set(prefix, list.index)
        if isBest {
            if !list.isInForce { reselect(prefix) } else if old != list.index { hopsChanged(in: prefix) }
        }
        if let old { lists.release(old) }
    }

    /// Removes a source's route; false when there was none.
    @discardableResult
    func remove(_ prefix: Prefix, from source: RouteSource) -> Bool {
        guard let old = stores[source.rawValue].remove(prefix) else { return false }
        routeChanged()
        if !isHidden(prefix, from: source) { reselect(prefix) }
        lists.release(old)
        return true
    }

    private func routeChanged() {
        generation &+= 1
        lists.routeChanges &+= 1
    }

    /// Whether a better source's route to the prefix is in force.
    private func isHidden(_ prefix: Prefix, from source: RouteSource) -> Bool {
        for better in 0..<source.rawValue where stores[better].count > 0 {
            if let list = stores[better][prefix], lists.isInForce(list) { return true }
        }
        return false
    }

    /// Puts the best usable route to the prefix in force, or none.
    func reselect(_ prefix: Prefix) {
        if let best = best(prefix) {
            let result = best.forwarding.rawValue
            noteUsable(prefix)
            guard table[prefix] != result || isFollowed(prefix) else { return }
            do throws(LookupTableError) {
                try table.set(prefix, result: result)
            } catch {
                // It goes on without a route of its own.
                lists.engine.log.error("no route to \(prefix): \(error)")
            }
        } else {
            table.remove(prefix)
            noteUnusable(prefix)
        }
        generation &+= 1
        hopsChanged(in: prefix)
    }

    /// The prefix has no route in force.
    private func noteUnusable(_ prefix: Prefix) {
        guard stores.contains(where: { $0.count > 0 && $0[prefix] != nil }) else { return noteUsable(prefix) }
        // Without room for it the sender hears that there is no route.
        if unusable[prefix] == nil { _ = try? unusable.set(prefix, result: Forwarding.nextHopDown.index) }
    }

    /// The prefix has a route in force, or none at all.
    private func noteUsable(_ prefix: Prefix) { if unusable.count > 0 { unusable.remove(prefix) } }

    /// The path-list of the best usable route to exactly `prefix`.
    private func best(_ prefix: Prefix) -> PathList? {
        for source in stores.indices where stores[source].count > 0 {
            if let index = stores[source][prefix], let list = lists[index], list.isInForce { return list }
        }
        return nil
    }

    // MARK: - Asking

    /// The routes to exactly `prefix`, the best source first.
    public func entries(for prefix: Prefix) -> [Entry] {
        RouteSource.inOrder.compactMap { source in
            stores[source.rawValue][prefix].map { Entry(prefix: prefix, source: source, list: $0) }
        }
    }

    /// The route to exactly `prefix` that is in force.
    public func active(_ prefix: Prefix) -> Entry? {
        for source in RouteSource.inOrder where stores[source.rawValue].count > 0 {
            guard let list = stores[source.rawValue][prefix], lists.isInForce(list) else { continue }
            return Entry(prefix: prefix, source: source, list: list)
        }
        return nil
    }

    /// The source's route to exactly `prefix`.
    public func list(of prefix: Prefix, from source: RouteSource) -> PathListIndex? { stores[source.rawValue][prefix] }

    /// The route that a packet to `address` takes; where a route has just become unusable and the lookup table has not been
    /// told yet, the one that takes over.
    /// - Parameter passing: Told of the path-lists that would come first if they worked.
    public func longestMatch(_ address: Prefix.Address, passing: (PathListIndex) -> Void = { _ in }) -> Entry? {
        var route = table.longestMatch(address)
        while let found = route {
            for source in RouteSource.inOrder where stores[source.rawValue].count > 0 {
                guard let list = stores[source.rawValue][found.prefix] else { continue }
                if lists.isInForce(list) { return Entry(prefix: found.prefix, source: source, list: list) }
                passing(list)
            }
            route = table.cover(of: found.prefix)
        }
        return nil
    }

    /// The routes in force, in order, at most `limit`.
    @_specialize(where Prefix == IPv4Prefix)
    @_specialize(where Prefix == IPv6Prefix)
    public func entries(limit: Int) -> [Entry] {
        table.lazy.prefix(limit).compactMap { self.active($0.prefix) }
    }

    /// The prefixes of a source's routes, unordered.
    func prefixes(from source: RouteSource) -> [Prefix] {
        var found: [Prefix] = []
        stores[source.rawValue].forEach { prefix, _ in found.append(prefix) }
        return found
    }

    /// What the lookup table was told about exactly `prefix`; nil when nothing.
    public func programmed(_ prefix: Prefix) -> Forwarding? { table[prefix].map { Forwarding(rawValue: $0) } }

    /// All prefixes in force, in order.
    public var programmed: some Sequence<Route<Prefix>> { table }

    /// Calls `body` for about `limit` prefixes and what the lookup table was told about them, and moves `cursor`; false at
    /// the end of the walk.
    func forEachProgrammed(
        from cursor: inout RouteTable<Prefix>.Cursor, limit: Int, _ body: (Prefix, Forwarding) -> Void
    ) -> Bool {
        table.forEach(from: &cursor, limit: limit) { body($0, Forwarding(rawValue: $1)) }
    }

    /// The same for a source's routes.
    func forEach(
        of source: RouteSource, from cursor: inout RouteStore<Prefix>.Cursor, limit: Int,
        _ body: (Prefix, PathListIndex) -> Void
    ) -> Bool {
        stores[source.rawValue].forEach(from: &cursor, limit: limit, body)
    }

    /// Bytes in use: the workers' lookup table, and the routes behind it with their sources.
    public var memoryBytes: RouteTableMemory {
        var memory = table.memoryBytes
        memory.lookupTable += unusable.memoryBytes.lookupTable
        memory.store += unusable.memoryBytes.store
        for store in stores { memory.store += store.memoryBytes }
        return memory
    }

    // MARK: - Next hops

    /// Tells the path-list when the route that covers `address` changes.
    func track(_ address: Prefix.Address, for list: PathListIndex) {
        let place = place(of: address)
        if place < hops.count, hops[place].address == address {
            hops[place].lists.insert(list)
        } else {
            hops.insert(TrackedHop(address: address, lists: [list]), at: place)
        }
    }

    func untrack(_ address: Prefix.Address, for list: PathListIndex) {
        let place = place(of: address)
        guard place < hops.count, hops[place].address == address else { return }
        hops[place].lists.remove(list)
        if hops[place].lists.isEmpty { hops.remove(at: place) }
    }

    /// The path-lists that are resolved by the route that covers `address`.
    func followers(of address: Prefix.Address) -> Set<PathListIndex> {
        let place = place(of: address)
        return place < hops.count && hops[place].address == address ? hops[place].lists : []
    }

    /// The first hop that is not below `address`.
    private func place(of address: Prefix.Address) -> Int {
        var range = 0..<hops.count
        while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
            range = hops[middle].address < address ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }

    /// Calls `body` for the routes, whether in force or not, to the next `limit` next hops behind `last`, which it moves;
    /// false at the end.
    func forEachToNextHops(
        after last: inout Prefix.Address?, limit: Int, _ body: (Prefix, PathListIndex) -> Void
    ) -> Bool {
        var place = last.map { self.place(of: $0) } ?? 0
        if let last, place < hops.count, hops[place].address == last { place += 1 }
        let end = min(hops.count, place + limit)
        while place < end {
            for store in stores.indices where stores[store].count > 0 {
                stores[store].forEachCover(of: hops[place].address, body)
            }
            last = hops[place].address
            place += 1
        }
        return end < hops.count
    }

    /// Whether a next hop lies in the prefix.
    private func isFollowed(_ prefix: Prefix) -> Bool {
        guard !hops.isEmpty else { return false }
        let place = place(of: prefix.address)
        return place < hops.count && prefix.contains(hops[place].address)
    }

    private func hopsChanged(in prefix: Prefix) {
        guard isFollowed(prefix) else { return }
        var concerned: Set<PathListIndex> = []
        var place = place(of: prefix.address)
        while place < hops.count, prefix.contains(hops[place].address) {
            concerned.formUnion(hops[place].lists)
            place += 1
        }
        lists.batch { for list in concerned { lists.invalidate(list) } }
    }
}
