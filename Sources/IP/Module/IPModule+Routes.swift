// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// Routes, as the configuration, commands and other features set them.
extension IPModule {
    /// The way to a next hop: the neighbour, if a connected network contains it, or whatever other route leads there.
    /// - Parameters:
    ///   - interface: Where the neighbour must be; any interface if nil.
    ///   - mustExist: Refuses a next hop to which nothing leads now.
    /// - Throws: `RouteError` when no neighbour can have the address.
    public func path(
        via nextHop: IPAddress, on interface: Interface? = nil, in table: VRF? = nil, mustExist: Bool = true
    ) throws(RouteError) -> Path {
        let table = table ?? fib.main
        do throws(RouteError) {
            return .neighbor(nextHop, on: try interfaces.resolve(nextHop, on: interface, in: table))
        } catch {
            guard error.isNotConnected, interface == nil else { throw error }
            guard !mustExist || fib.cover(of: nextHop, in: table.index) != nil else {
                throw .nothingLeads(to: nextHop, in: table.name)
            }
            return .recursive(nextHop, in: table.index)
        }
    }

    /// The path by a next hop of a file or a command, for a route of `table`.
    func path(_ hop: NextHop, in table: VRF, mustExist: Bool) throws(RouteError) -> Path {
        var place = table
        if let name = hop.table { place = try self.table(name) }
        let interface = try hop.interface.map { name throws(RouteError) in try self.interface(named: name) }
        var path = try path(via: hop.address, on: interface, in: place, mustExist: mustExist)
        path.weight = hop.weight
        path.preference = hop.preference
        path.labels = hop.labels
        path.mode = hop.mode
        path.viaHost = hop.viaHost
        path.bfd = hop.bfd
        if let backup = hop.backup.first { path.backup = [try self.path(backup, in: place, mustExist: mustExist)] }
        return path
    }

    /// The existing table of that name.
    func table(_ name: String) throws(RouteError) -> VRF {
        if let table = fib.table(named: name) { return table }
        throw RouteError("there is no VRF '\(name)'", Spelling.hint(for: name, among: fib.tables.map(\.name)))
    }

    func interface(named name: String) throws(RouteError) -> Interface {
        if let interface = engine.interface(named: name) { return interface }
        throw RouteError(
            "there is no interface '\(name)'", Spelling.hint(for: name, among: engine.interfaces.map(\.name)))
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
        func add(_ name: String, _ bytes: @escaping @ControlPlane (FIB) -> Int) {
            engine.addMemoryReport(name) { [unowned fib = fib!] in bytes(fib) }
        }
        add("ipv4 lookup tables") { $0.tables.reduce(0) { $0 + $1.ip4.memoryBytes.lookupTable } }
        add("ipv4 routes") { $0.tables.reduce(0) { $0 + $1.ip4.memoryBytes.store } }
        add("ipv6 lookup tables") { $0.tables.reduce(0) { $0 + $1.ip6.memoryBytes.lookupTable } }
        add("ipv6 routes") { $0.tables.reduce(0) { $0 + $1.ip6.memoryBytes.store } }
        add("adjacencies") { fib in
            (fib.adjacencies.count + Int(Forwarding.firstAdjacency)) * MemoryLayout<AdjacencyRecord>.stride
        }
        add("paths") { $0.paths.count * MemoryLayout<PathRecord>.stride }
        add("load-balances") { fib in
            let store = fib.pathLists.loadBalances
            return store.count * MemoryLayout<UInt64>.stride + store.bucketCount * MemoryLayout<UInt32>.stride
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
