// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The interfaces' IPv4 addresses, and the routes that follow from them.
@ControlPlane
public final class IPInterfaces {
    private let engine: Engine
    private let rib: RIB
    private let adjacencies: AdjacencyStore
    nonisolated let primary = PrimaryAddressTable()
    private var byInterface: [InterfaceIndex: [InterfaceAddress]] = [:]
    private var owners: [IPv4Address: InterfaceIndex] = [:]
    /// Interfaces that got their first address: the neighbour table watches them.
    var onFirstAddress: (@ControlPlane (Interface) -> Void)?

    init(engine: Engine, rib: RIB, adjacencies: AdjacencyStore) {
        self.engine = engine
        self.rib = rib
        self.adjacencies = adjacencies
    }

    isolated deinit { primary.unmap() }

    /// The interface with this number.
    public func interface(_ index: InterfaceIndex) -> Interface? {
        let position = Int(index) - 1
        return engine.interfaces.indices.contains(position) ? engine.interfaces[position] : nil
    }

    // MARK: - Asking

    /// The interface's addresses in the order in which they were added.
    public func addresses(of interface: InterfaceIndex) -> [InterfaceAddress] { byInterface[interface] ?? [] }

    /// The interface that has the router's own address `address`.
    public func owner(of address: IPv4Address) -> InterfaceIndex? { owners[address] }

    /// The interface's address in the network to which a neighbour's address belongs; the longest prefix decides.
    public func address(of interface: InterfaceIndex, facing neighbor: IPv4Address) -> InterfaceAddress? {
        addresses(of: interface).filter { $0.isNeighbor(neighbor) }.max { $0.network.length < $1.network.length }
    }

    /// The connected network through which `nextHop` is a neighbour.
    /// - Throws: `RouteError` when there is none, or when no neighbour can have that address.
    public func resolve(
        _ nextHop: IPv4Address, on required: Interface? = nil
    ) throws(RouteError) -> (interface: Interface, own: InterfaceAddress) {
        var best: (interface: InterfaceIndex, own: InterfaceAddress)?
        if owners[nextHop] != nil { throw .ownAddress(nextHop) }
        for (index, addresses) in byInterface where required == nil || required?.index == index {
            for own in addresses where own.network.contains(nextHop) {
                if own.network.length > best?.own.network.length ?? -1 { best = (index, own) }
            }
        }
        guard let best, let interface = interface(best.interface) else {
            throw .unreachable(nextHop, on: required?.name)
        }
        guard best.own.isNeighbor(nextHop) else { throw .noHost(nextHop, in: best.own.network) }
        return (interface, best.own)
    }

    // MARK: - Changing

    /// Gives the interface an address: packets to it are for the router, and its network is connected.
    public func add(_ new: InterfaceAddress, to interface: Interface) throws(RouteError) {
        if let objection = new.objection { throw RouteError(objection) }
        if let owner = owners[new.address] {
            throw RouteError("\(new.address) is \(name(owner))'s already", "give another")
        }
        let isFirst = addresses(of: interface.index).isEmpty
        let glean = try adjacencies.glean(interface)
        try checkNetwork(new.network, glean)
        do throws(LookupTableError) {
            for (prefix, forwarding) in IPInterfaces.routes(new, glean: glean) where owners[prefix.address] == nil {
                try rib.set(prefix, forwarding, from: .connected)
            }
        } catch {
            throw RouteError("\(error)")
        }
        owners[new.address] = interface.index
        byInterface[interface.index, default: []].append(new)
        if !isFirst { return }
        primary[interface.index] = new.address
        interface.setFlag(.ip4, true)
        onFirstAddress?(interface)
    }

    /// What an address means for routing: the network is connected, its first and last address are no hosts', one is the
    /// router's.
    static func routes(_ own: InterfaceAddress, glean: AdjacencyIndex) -> [(IPv4Prefix, Forwarding)] {
        let network = own.network.length < 32 ? [(own.network, Forwarding(.glean, adjacency: glean))] : []
        let nonHosts = own.nonHosts.map {
            (IPv4Prefix($0, length: 32), Forwarding(.directedBroadcast, adjacency: glean))
        }
        return network + nonHosts + [(IPv4Prefix(own.address, length: 32), Forwarding(.local, adjacency: glean))]
    }

    /// A network is connected to one interface, or packets to its hosts would leave by one of several at random.
    private func checkNetwork(_ network: IPv4Prefix, _ glean: AdjacencyIndex) throws(RouteError) {
        guard let other = rib.entries(for: network).first(where: { $0.source == .connected })?.forwarding,
            other.adjacency != glean
        else { return }
        let owner = name(adjacencies.table[other.adjacency].txInterface)
        throw RouteError("\(network) is connected to \(owner) already", "give an address in another network")
    }

    private func name(_ index: InterfaceIndex) -> String { interface(index)?.name ?? "interface \(index)" }
}
