// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// Routes, as the configuration, commands and other features set them.
extension IPModule {
    /// The way to a next hop: the neighbour, if a connected network contains it, or whatever other route leads there.
    /// - Parameter interface: Where the neighbour must be; any interface if nil.
    /// - Throws: `RouteError` when nothing leads to the next hop now.
    public func path(
        via nextHop: IPAddress, on interface: Interface? = nil, in table: VRF? = nil
    ) throws(RouteError) -> Path {
        do throws(RouteError) {
            return .neighbor(nextHop, on: try interfaces.resolve(nextHop, on: interface, in: table))
        } catch {
            guard error.isNotConnected, interface == nil,
                fib.cover(of: nextHop, in: (table ?? fib.main).index) != nil
            else { throw error }
            return .recursive(nextHop, in: (table ?? fib.main).index)
        }
    }

    /// Adds a route through a next hop, or replaces the same source's route to the prefix.
    public func addRoute(
        _ prefix: IPPrefix, via nextHop: IPAddress, on interface: Interface? = nil,
        from source: RouteSource = .static, in table: VRF? = nil
    ) throws(RouteError) {
        try fib.setRoute(prefix, [try path(via: nextHop, on: interface, in: table)], from: source, in: table)
    }

    /// What routes and adjacencies take of memory, for `show memory`.
    func addMemoryReports() {
        engine.addMemoryReport("ipv4 lookup tables") { [unowned fib = fib!] in
            fib.tables.reduce(0) { $0 + $1.ip4.memoryBytes.lookupTable }
        }
        engine.addMemoryReport("ipv4 routes") { [unowned fib = fib!] in
            fib.tables.reduce(0) { $0 + $1.ip4.memoryBytes.store }
        }
        engine.addMemoryReport("ipv6 lookup tables") { [unowned fib = fib!] in
            fib.tables.reduce(0) { $0 + $1.ip6.memoryBytes.lookupTable }
        }
        engine.addMemoryReport("ipv6 routes") { [unowned fib = fib!] in
            fib.tables.reduce(0) { $0 + $1.ip6.memoryBytes.store }
        }
        engine.addMemoryReport("adjacencies") { [unowned fib = fib!] in
            (fib.adjacencies.count + Int(Forwarding.firstAdjacency)) * MemoryLayout<AdjacencyRecord>.stride
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
