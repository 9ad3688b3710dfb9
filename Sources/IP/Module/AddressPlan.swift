// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The addresses that the file gives to interfaces, as read: what is wrong with them, and with next hops, is found while
/// the file is checked and nothing is applied yet.
struct AddressPlan {
    /// An address or a network where it counts.
    private struct Place<Value: Hashable>: Hashable {
        let table: String
        let value: Value
    }

    private var addresses: [String: [InterfaceAddress]] = [:]
    private var owners: [Place<IPAddress>: String] = [:]
    /// One interface has a network.
    private var networks: [Place<IPPrefix>: String] = [:]
    /// The tables (VRFs) of interfaces that are not in the main one; to be known before their addresses.
    var tables: [String: String] = [:]
    /// The tables of the section `vrfs`.
    var declaredTables: Set<String> = []
    /// Interfaces that have IPv6 by their link-local address alone.
    var linkLocal: Set<String> = []
    /// Interfaces with one other end: tunnels.
    var pointToPoint: Set<String> = []
    /// Where tunnels begin: addresses that the router must have.
    var tunnelSources: [(setting: Setting, address: IPAddress, table: String)] = []
    private var tunnels: [TunnelPlace: String] = [:]

    private struct TunnelPlace: Hashable {
        let source: IPAddress
        let destination: IPAddress
        let table: String
        let key: UInt32?
    }

    /// Notes a GRE tunnel; returns the interface that has the same one already.
    mutating func claim(_ tunnel: GRETunnel, for name: String) -> String? {
        let place = TunnelPlace(
            source: tunnel.source, destination: tunnel.destination, table: tunnel.table, key: tunnel.key)
        if let other = tunnels[place], other != name { return other }
        tunnels[place] = name
        return nil
    }

    /// Whether an interface of the table has the address.
    func isOwn(_ address: IPAddress, in table: String) -> Bool {
        owners[Place(table: table, value: address)] != nil
    }

    func table(of interface: String) -> String { tables[interface] ?? VRF.mainName }

    /// What speaks against the name of a table where one must exist.
    func objection(toTable name: String) -> RouteError? {
        let known = declaredTables.union(tables.values).union([VRF.mainName])
        return known.contains(name)
            ? nil : RouteError("there is no VRF '\(name)'", Spelling.hint(for: name, among: known))
    }

    /// Notes an address; returns what speaks against it.
    mutating func add(_ own: InterfaceAddress, to interface: String) -> RouteError? {
        if let objection = own.objection { return RouteError(objection) }
        let table = table(of: interface)
        if own.isLinkLocal {
            if let other = addresses[interface]?.first(where: \.isLinkLocal) {
                return RouteError("\(interface) has the link-local address \(other.address) already", "give one")
            }
        } else if let objection = objection(to: own, of: interface, in: table) {
            return objection
        }
        addresses[interface, default: []].append(own)
        guard !own.isLinkLocal else { return nil }
        owners[Place(table: table, value: own.address)] = interface
        networks[Place(table: table, value: own.network)] = interface
        return nil
    }

    private func objection(to own: InterfaceAddress, of interface: String, in table: String) -> RouteError? {
        if let other = owners[Place(table: table, value: own.address)] {
            return RouteError("\(own.address) is given to \(other) already", "give each address once")
        }
        if let other = networks[Place(table: table, value: own.network)], other != interface {
            return RouteError("\(own.network) is connected to \(other) already", "give an address in another network")
        }
        return nil
    }

    /// What speaks against `address` as a neighbour's, on `interface` if given, or else in the table of that name.
    func objection(
        toNeighbor address: IPAddress, on interface: String?, in table: String = VRF.mainName
    ) -> RouteError? {
        if let interface, !hasAddress(interface, of: address.family) {
            let names = Set(addresses.filter { $0.value.contains { $0.family == address.family } }.keys).union(
                linkLocal)
            let article = address.family == .ipv4 ? "an IPv4" : "an IPv6"
            return RouteError(
                "no interface '\(interface)' has \(article) address", Spelling.hint(for: interface, among: names))
        }
        if address.isLinkLocal { return objection(toLinkLocal: address, on: interface) }
        let table = interface.map { self.table(of: $0) } ?? table
        if owners[Place(table: table, value: address)] != nil { return .ownAddress(address) }
        guard let best = network(of: address, on: interface, in: table) else {
            return .unreachable(address, on: interface)
        }
        return best.contains { $0.isNeighbor(address) } ? nil : .noHost(address, in: best[0].network)
    }

    /// The addresses of the longest network that contains a neighbour's; nil without one.
    private func network(of neighbor: IPAddress, on interface: String?, in table: String) -> [InterfaceAddress]? {
        for length in stride(from: neighbor.family.bitCount, through: 0, by: -1) {
            let network = IPPrefix(neighbor, length: length)
            guard let owner = networks[Place(table: table, value: network)], owner == interface ?? owner else {
                continue
            }
            return addresses[owner]?.filter { $0.network == network }
        }
        return nil
    }

    private func objection(toLinkLocal address: IPAddress, on interface: String?) -> RouteError? {
        guard let interface else { return .linkLocalNeedsInterface(address) }
        let isOwn = addresses[interface]?.contains { $0.address == address } ?? false
        return isOwn ? .ownAddress(address) : nil
    }

    func hasIPv6(_ interface: String) -> Bool { hasAddress(interface, of: .ipv6) }

    private func hasAddress(_ interface: String, of family: AddressFamily) -> Bool {
        if family == .ipv6, linkLocal.contains(interface) { return true }
        return addresses[interface]?.contains { $0.family == family } ?? false
    }
}

extension Setting {
    func error(_ error: RouteError) -> ConfigurationError { self.error(error.problem, error.remedy) }

    func ipv4Address() throws(ConfigurationError) -> IPv4Address {
        try value("an IPv4 address", example: "192.0.2.1") { IPv4Address($0) }
    }

    func ipv6Address() throws(ConfigurationError) -> IPv6Address {
        try value("an IPv6 address", example: "2001:db8::1") { IPv6Address($0) }
    }

    func ipAddress() throws(ConfigurationError) -> IPAddress {
        try value("an IP address", example: "192.0.2.1 or 2001:db8::1") { IPAddress($0) }
    }

    func macAddress() throws(ConfigurationError) -> MACAddress {
        try value("a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) }
    }
}
