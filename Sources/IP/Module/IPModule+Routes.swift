// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// Routes, as the configuration, commands and other features set them.
extension IPModule {
    /// What a next hop means for forwarding: the adjacency of that neighbour, made when there is none. The neighbour is
    /// asked for its hardware address when the first packet wants to go there.
    /// - Throws: `RouteError` when no connected network contains the next hop.
    public func forwarding(via nextHop: IPv4Address, on interface: Interface? = nil) throws(RouteError) -> Forwarding {
        let (interface, _) = try interfaces.resolve(nextHop, on: interface)
        return Forwarding(.rewrite, adjacency: try adjacencies.adjacency(to: nextHop, on: interface))
    }

    /// Adds a route through a neighbour, or replaces the same source's route to the prefix.
    public func addRoute(
        _ prefix: IPv4Prefix, via nextHop: IPv4Address, on interface: Interface? = nil,
        from source: RouteSource = .static
    ) throws(RouteError) {
        try addRoute(prefix, try forwarding(via: nextHop, on: interface), from: source)
    }

    /// Adds a route to anything that lookup knows, or replaces the same source's route to the prefix.
    public func addRoute(
        _ prefix: IPv4Prefix, _ forwarding: Forwarding, from source: RouteSource = .static
    ) throws(RouteError) {
        do throws(LookupTableError) {
            try rib.set(prefix, forwarding, from: source)
        } catch {
            throw RouteError("\(error)")
        }
    }

    /// Removes a source's route; false when there was none.
    @discardableResult
    public func removeRoute(_ prefix: IPv4Prefix, from source: RouteSource = .static) -> Bool {
        rib.remove(prefix, from: source)
    }

    /// What routes and adjacencies take of memory, for `show memory`.
    func addMemoryReports() {
        engine.addMemoryReport("ipv4 lookup table") { [unowned rib = rib!] in rib.memoryBytes.lookupTable }
        engine.addMemoryReport("ipv4 routes") { [unowned rib = rib!] in rib.memoryBytes.store }
        engine.addMemoryReport("adjacencies") { [unowned adjacencies = adjacencies!] in
            (adjacencies.count + Int(Forwarding.firstAdjacency)) * MemoryLayout<AdjacencyRecord>.stride
        }
    }
}

/// A route that leads to no neighbour, by the word that the configuration has for it.
public enum RouteType: String, CaseIterable, Sendable {
    case unicast, blackhole, unreachable, prohibit

    /// Nil for `unicast`, which has a next hop.
    public var forwarding: Forwarding? {
        switch self {
        case .unicast: nil
        case .blackhole: .blackhole
        case .unreachable: .unreachable
        case .prohibit: .prohibit
        }
    }
}
