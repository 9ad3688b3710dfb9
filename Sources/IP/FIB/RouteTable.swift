// SPDX-License-Identifier: Apache-2.0
import Wire

/// An IPv4 prefix and what it leads to: a number that means something to the user of the table, such as an adjacency.
public struct Route: Hashable, Sendable {
    public var prefix: IPv4Prefix
    /// 0...`IPv4LookupTable.maximumResult`; 0 is also what a lookup without any route gives, so 0 should mean "drop".
    public var result: UInt32

    public init(prefix: IPv4Prefix, result: UInt32) {
        self.prefix = prefix
        self.result = result
    }
}

/// The routes of one IPv4 table: the writer's side, with all prefixes, and beneath it the lookup table for the workers.
///
/// Used from one isolation domain; every change is in force for the workers when the call returns. There is one
/// result per prefix: several sources and their preference are decided above, before `set` and `remove`.
/// Iterating visits the routes in the order of `IPv4Prefix`, as they are when the iteration begins.
public final class RouteTable {
    private var store = RouteStore()
    private let table: IPv4LookupTable

    /// Makes an empty table; the parameters are those of `IPv4LookupTable`.
    public init(
        maximumGroups: Int = 1 << 22,
        afterQuiescence: @escaping IPv4LookupTable.AfterQuiescence = { release in release() }
    ) throws(LookupTableError) {
        table = try IPv4LookupTable(maximumGroups: maximumGroups, afterQuiescence: afterQuiescence)
    }

    /// What workers look up with; valid for as long as this table lives.
    public var reader: IPv4LookupTable.Reader { table.reader }

    /// The number of routes.
    public var count: Int { store.count }

    /// Adds a route or replaces the one with the same prefix, in which case its old result is returned.
    @discardableResult
    public func set(_ prefix: IPv4Prefix, result: UInt32) throws(LookupTableError) -> UInt32? {
        try table.set(prefix, result: result)
        return store.set(prefix, result)
    }

    /// Adds or replaces many routes; on an error those before the one that failed are in the table.
    public func set(contentsOf routes: some Sequence<Route>) throws(LookupTableError) {
        for route in routes {
            try set(route.prefix, result: route.result)
        }
    }

    /// Removes a route and returns its result; nil if there was none. The shorter prefix below it, if any, takes over.
    @discardableResult
    public func remove(_ prefix: IPv4Prefix) -> UInt32? {
        guard let result = store.remove(prefix) else { return nil }
        let cover = prefix.length > 0 ? store.longestMatch(prefix.address, upTo: prefix.length - 1) : nil
        table.remove(prefix, uncovering: cover.map { ($0.prefix.length, $0.result) })
        return result
    }

    /// The result of exactly `prefix`; nil if there is no such route.
    public subscript(prefix: IPv4Prefix) -> UInt32? { store[prefix] }

    /// The route that a packet to `address` takes; nil if there is none.
    public func longestMatch(_ address: IPv4Address) -> Route? {
        store.longestMatch(address)
    }

    /// The route that takes over when `prefix` goes: the longest one that contains it, itself excepted.
    public func cover(of prefix: IPv4Prefix) -> Route? {
        guard prefix.length > 0 else { return nil }
        return store.longestMatch(prefix.address, upTo: prefix.length - 1)
    }

    /// Groups of slots for routes longer than /24: in use, and given up but possibly still read.
    public var groupCount: (used: Int, retired: Int) { table.groupCount }

    /// Bytes in use, of each part.
    public struct Memory: Hashable, Sendable, Codable {
        /// The workers' lookup table, as far as it is in memory.
        public var lookupTable: Int
        /// The routes themselves.
        public var store: Int
        public var total: Int { lookupTable + store }
    }

    /// Asks the kernel about every page of the lookup table: for `show memory`, not for a loop.
    public var memoryBytes: Memory {
        Memory(lookupTable: table.memoryBytes, store: store.memoryBytes)
    }
}

extension RouteTable: Sequence {
    public struct Iterator: IteratorProtocol {
        private var rest: IndexingIterator<[UInt64]>

        fileprivate init(_ store: RouteStore) {
            rest = store.packed().sorted().makeIterator()
        }

        public mutating func next() -> Route? {
            guard let packed = rest.next() else { return nil }
            let address = IPv4Address(UInt32(packed >> 32))
            let prefix = IPv4Prefix(address, length: Int(packed >> 26 & 63))
            return Route(prefix: prefix, result: UInt32(packed & (1 << 26 - 1)))
        }
    }

    public func makeIterator() -> Iterator { Iterator(store) }
    public var underestimatedCount: Int { count }
}
