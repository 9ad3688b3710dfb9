// SPDX-License-Identifier: Apache-2.0
import Wire

/// A prefix and what it leads to: a number that means something to the user of the table, such as an adjacency.
public struct Route<Prefix: RoutePrefix>: Hashable, Sendable {
    public var prefix: Prefix
    /// 0...`maximumResult` of the table; 0 is also what a lookup without any route gives, so 0 should mean "drop".
    public var result: UInt32

    public init(prefix: Prefix, result: UInt32) {
        self.prefix = prefix
        self.result = result
    }
}

/// The routes of one table: the writer's side, with all prefixes, and beneath it the lookup table for the workers.
///
/// Used from one isolation domain; every change is in force for the workers when the call returns. There is one
/// result per prefix: several sources and their preference are decided above, before `set` and `remove`.
/// Iterating visits the routes in the order of their prefixes, as they are when the iteration begins.
public final class RouteTable<Prefix: RoutePrefix> {
    private var store = RouteStore<Prefix>()
    private let table: Prefix.Lookup

    /// Makes an empty table.
    /// - Parameters:
    ///   - maximumGroups: How many groups of slots for long prefixes there may be; they cost address space only.
    ///   - afterQuiescence: The default is for tables without concurrent readers and runs its argument at once.
    public init(
        maximumGroups: Int = Prefix.Lookup.defaultMaximumGroups,
        afterQuiescence: @escaping AfterQuiescence = { release in release() }
    ) throws(LookupTableError) {
        table = try Prefix.Lookup(maximumGroups: maximumGroups, afterQuiescence: afterQuiescence)
    }

    /// What workers look up with; valid for as long as this table lives.
    public var reader: Prefix.Lookup.Reader { table.reader }

    /// The number of routes.
    public var count: Int { store.count }

    /// Adds a route or replaces the one with the same prefix, in which case its old result is returned.
    @discardableResult
    public func set(_ prefix: Prefix, result: UInt32) throws(LookupTableError) -> UInt32? {
        try table.set(prefix, result: result)
        return store.set(prefix, result)
    }

    /// Adds or replaces many routes; on an error those before the one that failed are in the table.
    public func set(contentsOf routes: some Sequence<Route<Prefix>>) throws(LookupTableError) {
        for route in routes {
            try set(route.prefix, result: route.result)
        }
    }

    /// Removes a route and returns its result; nil if there was none. The shorter prefix below it, if any, takes over.
    @discardableResult
    public func remove(_ prefix: Prefix) -> UInt32? {
        guard let result = store.remove(prefix) else { return nil }
        table.remove(prefix, uncovering: cover(of: prefix).map { ($0.prefix.length, $0.result) })
        return result
    }

    /// The result of exactly `prefix`; nil if there is no such route.
    public subscript(prefix: Prefix) -> UInt32? { store[prefix] }

    /// The route that a packet to `address` takes; nil if there is none.
    public func longestMatch(_ address: Prefix.Address) -> Route<Prefix>? {
        store.longestMatch(address)
    }

    /// The route that takes over when `prefix` goes: the longest one that contains it, itself excepted.
    public func cover(of prefix: Prefix) -> Route<Prefix>? {
        store.cover(of: prefix)
    }

    /// Groups of slots for long prefixes: in use, and given up but possibly still read.
    public var groupCount: (used: Int, retired: Int) { table.groupCount }

    /// Asks the kernel about every page of the lookup table: for `show memory`, not for a loop.
    public var memoryBytes: RouteTableMemory {
        RouteTableMemory(lookupTable: table.memoryBytes, store: store.memoryBytes)
    }

    // MARK: - In slices

    /// Where a walk in slices goes on.
    public struct Cursor {
        fileprivate var inner = RouteStore<Prefix>.Cursor()

        /// Begins at the beginning.
        public init() {}
    }

    /// Calls `body` for about `limit` routes from `cursor` on, unordered, and moves it; false at the end of the walk.
    ///
    /// The table may change between the calls: a route that is there throughout is visited once, one that comes or
    /// goes meanwhile at most once. `body` must not change the table.
    @discardableResult
    public func forEach(from cursor: inout Cursor, limit: Int, _ body: (Prefix, UInt32) -> Void) -> Bool {
        store.forEach(from: &cursor.inner, limit: limit, body)
    }
}

/// Bytes that a route table uses, of each part.
public struct RouteTableMemory: Hashable, Sendable, Codable {
    /// The workers' lookup table, as far as it is in memory.
    public var lookupTable: Int
    /// The routes themselves.
    public var store: Int
    public var total: Int { lookupTable + store }

    public init(lookupTable: Int = 0, store: Int = 0) {
        self.lookupTable = lookupTable
        self.store = store
    }
}

extension RouteTable: Sequence {
    public func makeIterator() -> IndexingIterator<[Route<Prefix>]> { store.sorted.makeIterator() }
    public var underestimatedCount: Int { count }
}
