// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The interfaces' IPv4 addresses, and the routes that follow from them.
@ControlPlane
public final class IPInterfaces {
    private let engine: Engine
    private let fib: FIB
    nonisolated let primary = PrimaryAddressTable()
    private var byInterface: [InterfaceIndex: [InterfaceAddress]] = [:]
    private var owners: [IPv4Address: InterfaceIndex] = [:]
    /// Interfaces that got their first address: the neighbour table watches them.
    var onFirstAddress: (@ControlPlane (Interface) -> Void)?

    init(engine: Engine, fib: FIB) {
        self.engine = engine
        self.fib = fib
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

    /// The interface on whose connected network `nextHop` is a neighbour.
    /// - Throws: `RouteError` when there is none, or when no neighbour can have that address.
    public func resolve(
        _ nextHop: IPAddress, on required: Interface? = nil, in table: VRF? = nil
    ) throws(RouteError) -> Interface {
        guard case .v4(let address) = nextHop else { throw .unreachable(nextHop, on: required?.name) }
        var best: (interface: Interface, own: InterfaceAddress)?
        if owners[address] != nil { throw .ownAddress(address) }
        for (index, addresses) in byInterface where required == nil || required?.index == index {
            guard let interface = interface(index) else { continue }
            if required == nil, fib.table(of: interface) !== table ?? fib.main { continue }
            for own in addresses where own.network.contains(address) {
                if own.network.length > best?.own.network.length ?? -1 { best = (interface, own) }
            }
        }
        guard let best else { throw .unreachable(nextHop, on: required?.name) }
        guard best.own.isNeighbor(address) else { throw .noHost(address, in: best.own.network) }
        return best.interface
    }

    // MARK: - Changing

    /// Gives the interface an address: packets to it are for the router, and its network is connected.
    public func add(_ new: InterfaceAddress, to interface: Interface) throws(RouteError) {
        if let objection = new.objection { throw RouteError(objection) }
        if let owner = owners[new.address] {
            throw RouteError("\(new.address) is \(name(owner))'s already", "give another")
        }
        let isFirst = addresses(of: interface.index).isEmpty
        let table = fib.table(of: interface)
        try checkNetwork(new.network, interface, table)
        for (prefix, target) in IPInterfaces.routes(new, on: interface.index) where owners[prefix.address] == nil {
            try fib.setRoute(.v4(prefix), [Path(target)], from: .connected, in: table)
        }
        owners[new.address] = interface.index
        byInterface[interface.index, default: []].append(new)
        if !isFirst { return }
        primary[interface.index] = new.address
        interface.setFlag(.ip4, true)
        fib.watch(interface)
        onFirstAddress?(interface)
    }

    /// What an address means for routing: the network is connected, its first and last address are no hosts', one is the
    /// router's.
    static func routes(_ own: InterfaceAddress, on interface: InterfaceIndex) -> [(IPv4Prefix, Path.Target)] {
        let network = own.network.length < 32 ? [(own.network, Path.Target.glean(interface))] : []
        let nonHosts = own.nonHosts.map { (IPv4Prefix($0, length: 32), Path.Target.broadcast(interface)) }
        return network + nonHosts + [(IPv4Prefix(own.address, length: 32), .receive(interface))]
    }

    /// A network is connected to one interface, or packets to its hosts would leave by one of several at random.
    private func checkNetwork(_ network: IPv4Prefix, _ interface: Interface, _ table: VRF) throws(RouteError) {
        guard let list = table.ip4.list(of: network, from: .connected),
            case .glean(let index)? = fib.pathLists[list]?.paths.first?.target, index != interface.index
        else { return }
        let owner = name(index)
        throw RouteError("\(network) is connected to \(owner) already", "give an address in another network")
    }

    private func name(_ index: InterfaceIndex) -> String { interface(index)?.name ?? "interface \(index)" }
}
