// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Who says that a route exists. Of several for one prefix the first in this order is in force.
public enum RouteSource: Int, Sendable, CaseIterable, Codable {
    /// Holds by itself: the limited broadcast address.
    case special
    /// From an interface's addresses.
    case connected
    /// From the configuration, or added by the operator.
    case `static`
    /// From a routing protocol, or a plugin.
    case dynamic
    /// A host whose hardware address is known.
    case neighbor

    public var name: String { "\(self)" }
}

/// All routes of a router with their sources, and beneath them the table that workers look up in.
///
/// Removing a route uncovers that of the next source. Adjacencies of routes are retained here.
@ControlPlane
public final class RIB {
    /// A prefix's route from one source.
    public struct Entry: Sendable, Hashable {
        public let prefix: IPv4Prefix
        public let source: RouteSource
        public let forwarding: Forwarding
    }

    private let table: RouteTable<IPv4Prefix>
    private let adjacencies: AdjacencyStore
    /// By source, in the order of preference.
    private var stores = RouteSource.allCases.map { _ in RouteStore<IPv4Prefix>() }

    init(table: RouteTable<IPv4Prefix>, adjacencies: AdjacencyStore) {
        self.table = table
        self.adjacencies = adjacencies
    }

    /// What workers look up with; valid as long as this RIB lives.
    public var reader: IP4TableReader { IP4TableReader(main: table.reader) }

    /// Prefixes with a route.
    public var count: Int { table.count }

    public func count(from source: RouteSource) -> Int { stores[source.rawValue].count }

    // MARK: - Changing

    /// Adds a route, or replaces the same source's route to the same prefix; in force when the call returns.
    /// - Throws: When the lookup table is full or has no memory; then nothing has changed.
    public func set(_ prefix: IPv4Prefix, _ forwarding: Forwarding, from source: RouteSource) throws(LookupTableError) {
        if !isHidden(prefix, from: source) { try table.set(prefix, result: forwarding.rawValue) }
        adjacencies.retain(forwarding.adjacency)
        if let old = stores[source.rawValue].set(prefix, forwarding.rawValue) {
            adjacencies.release(Forwarding(rawValue: old).adjacency)
        }
    }

    /// Removes a source's route; false when there was none.
    @discardableResult
    public func remove(_ prefix: IPv4Prefix, from source: RouteSource) -> Bool {
        guard let old = stores[source.rawValue].remove(prefix) else { return false }
        defer { adjacencies.release(Forwarding(rawValue: old).adjacency) }
        guard !isHidden(prefix, from: source) else { return true }
        guard let next = entries(for: prefix).first else {
            table.remove(prefix)
            return true
        }
        // The prefix is in the table: to replace its result takes no memory.
        _ = try? table.set(prefix, result: next.forwarding.rawValue)
        return true
    }

    /// Whether a better source has a route to the prefix.
    private func isHidden(_ prefix: IPv4Prefix, from source: RouteSource) -> Bool {
        for better in 0..<source.rawValue where stores[better][prefix] != nil { return true }
        return false
    }

    // MARK: - Asking

    /// The routes to exactly `prefix`, the one in force first.
    public func entries(for prefix: IPv4Prefix) -> [Entry] {
        RouteSource.allCases.compactMap { source in
            stores[source.rawValue][prefix].map {
                Entry(prefix: prefix, source: source, forwarding: Forwarding(rawValue: $0))
            }
        }
    }

    /// The route that a packet to `address` takes.
    public func longestMatch(_ address: IPv4Address) -> Entry? {
        table.longestMatch(address).flatMap { entries(for: $0.prefix).first }
    }

    /// The routes of a source, in the order of their prefixes.
    public func entries(from source: RouteSource) -> [Entry] {
        stores[source.rawValue].sorted.map { route in
            Entry(prefix: route.prefix, source: source, forwarding: Forwarding(rawValue: route.result))
        }
    }

    /// The prefixes' routes in force, in order, at most `limit`.
    public func entries(limit: Int) -> [Entry] {
        table.lazy.prefix(limit).compactMap { self.entries(for: $0.prefix).first }
    }

    /// Bytes in use: the workers' lookup table, and the routes behind it with their sources.
    public var memoryBytes: RouteTableMemory {
        var memory = table.memoryBytes
        for store in stores { memory.store += store.memoryBytes }
        return memory
    }
}
