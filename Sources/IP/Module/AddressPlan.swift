// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The addresses that the file gives to interfaces, as read: what is wrong with them, and with next hops, is found while
/// the file is checked and nothing is applied yet.
struct AddressPlan {
    private var networks: [(interface: String, own: InterfaceAddress)] = []

    /// Notes an address; returns what speaks against it.
    mutating func add(_ own: InterfaceAddress, to interface: String) -> RouteError? {
        if let objection = own.objection { return RouteError(objection) }
        if let other = networks.first(where: { $0.own.address == own.address }) {
            return RouteError("\(own.address) is given to \(other.interface) already", "give each address once")
        }
        if let other = networks.first(where: { $0.own.network == own.network && $0.interface != interface }) {
            return RouteError(
                "\(own.network) is connected to \(other.interface) already", "give an address in another network")
        }
        networks.append((interface, own))
        return nil
    }

    /// What speaks against `address` as a neighbour's, on `interface` if given.
    func objection(toNeighbor address: IPv4Address, on interface: String?) -> RouteError? {
        if let interface, !networks.contains(where: { $0.interface == interface }) {
            let names = Set(networks.map(\.interface))
            return RouteError(
                "no interface '\(interface)' has an IPv4 address", Spelling.hint(for: interface, among: names))
        }
        if networks.contains(where: { $0.own.address == address }) { return .ownAddress(address) }
        let candidates = networks.filter {
            $0.own.network.contains(address) && $0.interface == interface ?? $0.interface
        }
        guard let best = candidates.max(by: { $0.own.network.length < $1.own.network.length }) else {
            return .unreachable(.v4(address), on: interface)
        }
        return best.own.isNeighbor(address) ? nil : .noHost(address, in: best.own.network)
    }
}

extension Setting {
    func error(_ error: RouteError) -> ConfigurationError { self.error(error.problem, error.remedy) }

    func ipv4Address() throws(ConfigurationError) -> IPv4Address {
        try value("an IPv4 address", example: "192.0.2.1") { IPv4Address($0) }
    }

    func macAddress() throws(ConfigurationError) -> MACAddress {
        try value("a MAC address", example: "02:00:00:00:00:01") { MACAddress($0) }
    }

    /// The destination of a route: a prefix, or the word "default".
    func ipv4Destination() throws(ConfigurationError) -> IPv4Prefix {
        let text = try string
        if text == "default" { return .all }
        do throws(AddressSyntaxError) {
            return try IPv4Prefix(parsing: text)
        } catch let reason {
            throw error("\(reason)")
        }
    }
}
