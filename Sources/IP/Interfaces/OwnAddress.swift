// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// One of the router's own addresses, as an interface has it.
public struct OwnAddress: Sendable {
    /// Whether the address is used.
    public enum State: String, Sendable, Codable {
        /// Asked for on the link; not used before it is clear that nobody else has it (RFC 4862 section 5.4, RFC 5227
        /// section 2.1).
        case tentative
        case usable
        /// Another station has it: not used until the operator takes it off, or gives it again.
        case duplicate
        /// IPv6 has stopped on the interface: another station has its link-local address and with it, most likely, its hardware
        /// address (RFC 4862 section 5.4.5), or the MTU is too small (RFC 8200 section 5).
        case stopped

        /// Whether the router has the address, or is about to.
        var isHeld: Bool { self == .tentative || self == .usable }
    }

    public let value: InterfaceAddress
    /// The link-local address that the interface has by itself.
    public let isAutomatic: Bool
    public internal(set) var state: State

    public var address: IPAddress { value.address }
}

/// The routes that follow from the interfaces' addresses. Of several claims to a prefix, an address of the router's own
/// comes before what no host has, and that before a network.
@ControlPlane
struct ConnectedRoutes {
    struct Key: Hashable {
        let table: TableIndex
        let prefix: IPPrefix
    }

    private struct Network {
        let interface: InterfaceIndex
        /// The interface's addresses in it.
        var uses: Int
    }

    private let fib: FIB
    private var claims: [Key: [Path.Target]] = [:]
    private var networks: [Key: Network] = [:]
    /// How many networks there are of each length, by family.
    private var lengths: [AddressFamily: [Int: Int]] = [:]

    init(_ fib: FIB) { self.fib = fib }

    // MARK: - Networks

    /// The interface to which exactly this network is connected.
    func owner(of network: IPPrefix, in table: TableIndex) -> InterfaceIndex? {
        networks[Key(table: table, prefix: network)]?.interface
    }

    /// The interface to whose network an address belongs; the longest prefix decides.
    func interface(for address: IPAddress, in table: TableIndex) -> InterfaceIndex? {
        for length in (lengths[address.family] ?? [:]).keys.sorted(by: >) {
            let key = Key(table: table, prefix: IPPrefix(address, length: length))
            if let network = networks[key] { return network.interface }
        }
        return nil
    }

    private mutating func count(_ network: IPPrefix, _ interface: InterfaceIndex, _ table: TableIndex, _ change: Int) {
        let key = Key(table: table, prefix: network)
        let uses = (networks[key]?.uses ?? 0) + change
        if uses == change, change > 0 { lengths[network.family, default: [:]][network.length, default: 0] += 1 }
        networks[key] = uses > 0 ? Network(interface: interface, uses: uses) : nil
        guard uses == 0 else { return }
        let left = (lengths[network.family]?[network.length] ?? 1) - 1
        lengths[network.family]?[network.length] = left > 0 ? left : nil
    }

    // MARK: - Addresses

    /// Puts what follows from an address in force.
    /// - Throws: When a table is full; then nothing has changed.
    mutating func add(_ own: OwnAddress, on interface: InterfaceIndex, in table: TableIndex) throws(RouteError) {
        var done: [(IPPrefix, Path.Target)] = []
        do throws(RouteError) {
            for (prefix, target) in ConnectedRoutes.routes(own, on: interface) {
                let key = Key(table: table, prefix: prefix)
                claims[key, default: []].append(target)
                done.append((prefix, target))
                try enforce(key)
            }
        } catch {
            for (prefix, target) in done { withdraw(Key(table: table, prefix: prefix), target) }
            throw error
        }
        if own.hasNetwork { count(own.value.network, interface, table, 1) }
    }

    /// Says that the address's network has one address fewer: nobody is a neighbour there for its sake. Its routes are in
    /// force until `withdraw`.
    mutating func disconnect(_ own: OwnAddress, on interface: InterfaceIndex, in table: TableIndex) {
        if own.hasNetwork { count(own.value.network, interface, table, -1) }
    }

    mutating func withdraw(_ own: OwnAddress, on interface: InterfaceIndex, in table: TableIndex) {
        for (prefix, target) in ConnectedRoutes.routes(own, on: interface) {
            withdraw(Key(table: table, prefix: prefix), target)
        }
    }

    private mutating func withdraw(_ key: Key, _ target: Path.Target) {
        guard let place = claims[key]?.firstIndex(of: target) else { return }
        claims[key]?.remove(at: place)
        if claims[key]?.isEmpty == true { claims[key] = nil }
        // Putting back what was there before needs no new memory.
        try? enforce(key)
    }

    private func enforce(_ key: Key) throws(RouteError) {
        let table = fib.table(key.table)
        let best = claims[key]?.min { ConnectedRoutes.rank($0) < ConnectedRoutes.rank($1) }
        guard let best else {
            fib.removeRoute(key.prefix, from: .connected, in: table)
            return
        }
        try fib.setRoute(key.prefix, [Path(best)], from: .connected, in: table)
    }

    private static func rank(_ target: Path.Target) -> Int {
        switch target {
        case .receive: 0
        case .discard: 1
        case .broadcast: 2
        default: 3
        }
    }

    /// What an address means for routing: the network is connected, its first and last address are no hosts' in IPv4 and
    /// the first is every router's in IPv6, one is the router's own.
    private static func routes(
        _ own: OwnAddress, on interface: InterfaceIndex
    ) -> [(IPPrefix, Path.Target)] {
        let value = own.value
        guard own.state.isHeld else { return [] }
        var routes: [(IPPrefix, Path.Target)] = []
        if own.hasNetwork { routes.append((network(value, interface), .glean(interface))) }
        routes += value.nonHosts.map { ($0.host, .broadcast(interface)) }
        let isUsable = own.state == .usable
        if isUsable, let anycast = value.anycast { routes.append((IPAddress.v6(anycast).host, .receive(interface))) }
        let target: Path.Target = isUsable ? .receive(interface) : .discard(.tentative)
        return routes + [(value.address.host(on: interface), target)]
    }

    private static func network(_ value: InterfaceAddress, _ interface: InterfaceIndex) -> IPPrefix {
        guard case .v6(let network) = value.network, value.isLinkLocal else { return value.network }
        return .v6(IPv6Prefix(network.address.scoped(to: interface), length: network.length))
    }
}

extension OwnAddress {
    /// Whether there are other hosts in its network that are reached through it.
    fileprivate var hasNetwork: Bool { state.isHeld && value.network.length < value.family.bitCount }
}
