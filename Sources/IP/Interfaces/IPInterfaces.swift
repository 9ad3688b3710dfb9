// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The interfaces' own addresses of both families, and the routes that follow from them.
///
/// An address is unique in its table (VRF), a link-local one on its interface; so are networks. An interface with an IPv6
/// address has a link-local one besides, made of its hardware address unless another was given.
@ControlPlane
public final class IPInterfaces {
    /// What happened to an address.
    public enum Change: Sendable {
        /// It is there, and usable or tentative as its state says.
        case added
        /// It can be used from now on, or no longer, because it turned out to be a duplicate.
        case decided
        case removed
    }

    let engine: Engine
    let fib: FIB
    nonisolated let primary = PrimaryAddressTable()
    nonisolated let networks: IPv4NetworkStore
    var states: [InterfaceIndex: State] = [:]
    private var routes: ConnectedRoutes
    private var owners: [Owner: InterfaceIndex] = [:]
    private var observers: [@ControlPlane (Interface, OwnAddress, Change) -> Void] = []
    /// Whether new addresses of a family have to be asked for on the link first. The neighbour table says so.
    var needsProbe: @ControlPlane (IPAddress, Interface) -> Bool = { _, _ in false }
    /// Places in the primary addresses' pool.
    private var freePlaces: [UInt32] = []
    private var nextPlace: UInt32 = 1

    /// What is known of an interface with addresses.
    struct State {
        var addresses: [OwnAddress] = []
        /// The operator wants IPv6 although no address of it was given.
        var wantsLinkLocal = false
        /// Its table, as the addresses were given.
        var table = TableIndex.main
        /// Groups that are listened to, and how many want that.
        var groups: [IPv6Address: Int] = [:]
        /// Why IPv6 has stopped, if it has.
        var stop: Stop?
        /// Changes of the MTU are followed.
        var isWatched = false
    }

    private struct Owner: Hashable {
        /// The table's number, or the interface's for a link-local address.
        let scope: UInt32
        let address: IPAddress
    }

    init(engine: Engine, fib: FIB) {
        self.engine = engine
        self.fib = fib
        networks = IPv4NetworkStore(engine: engine)
        routes = ConnectedRoutes(fib)
    }

    isolated deinit { primary.unmap() }

    /// The interface with this number.
    public func interface(_ index: InterfaceIndex) -> Interface? { fib.interface(index) }

    /// Calls `body` after each change of an address.
    public func onChange(_ body: @escaping @ControlPlane (Interface, OwnAddress, Change) -> Void) {
        observers.append(body)
    }

    // MARK: - Asking

    /// Interfaces that have addresses, in their order.
    public var indices: [InterfaceIndex] { states.keys.sorted() }

    /// The interface's usable addresses in the order in which they were added.
    public func addresses(of interface: InterfaceIndex) -> [InterfaceAddress] {
        all(of: interface).filter { $0.state == .usable }.map(\.value)
    }

    /// The interface's addresses, those that cannot be used among them.
    public func all(of interface: InterfaceIndex) -> [OwnAddress] { states[interface]?.addresses ?? [] }

    /// The interface's link-local address; nil without IPv6.
    public func linkLocal(of interface: InterfaceIndex) -> IPv6Address? {
        all(of: interface).first { $0.value.isLinkLocal }?.address.v6
    }

    /// The interface that has the router's own address `address`, tentative ones included.
    /// - Parameter interface: For a link-local address, on whose link; else its table counts, the main one if nil.
    public func owner(of address: IPAddress, near interface: Interface? = nil) -> InterfaceIndex? {
        owners[owner(address, interface?.index ?? 0, interface.map { fib.table(of: $0).index } ?? .main)]
    }

    private func owner(_ address: IPAddress, _ interface: InterfaceIndex, _ table: TableIndex) -> Owner {
        Owner(scope: address.isLinkLocal ? interface : table.rawValue, address: address)
    }

    /// The interface's usable address in the network to which a neighbour's address belongs; the longest prefix decides.
    public func address(of interface: InterfaceIndex, facing neighbor: IPAddress) -> InterfaceAddress? {
        addresses(of: interface).filter { $0.isNeighbor(neighbor) }.max { $0.network.length < $1.network.length }
    }

    /// Whether the address is the interface's own and can be used.
    public func isUsable(_ address: IPAddress, on interface: InterfaceIndex) -> Bool {
        all(of: interface).contains { $0.address == address && $0.state == .usable }
    }

    /// Whether the address is the subnet-router anycast address of one of the interface's networks.
    func isAnycast(_ address: IPv6Address, on interface: InterfaceIndex) -> Bool {
        addresses(of: interface).contains { $0.anycast == address }
    }

    /// Whether the address is in one of the interface's networks, tentative ones included.
    func hasNetwork(of address: IPAddress, on interface: InterfaceIndex) -> Bool {
        all(of: interface).contains { $0.state.isHeld && $0.value.network.contains(address) }
    }

    /// Whether packets to a host with this address leave by the interface: of the networks that contain it, the one with the
    /// longest prefix is connected there.
    func isConnected(_ address: IPAddress, to interface: InterfaceIndex) -> Bool {
        if address.isLinkLocal { return hasNetwork(of: address, on: interface) }
        guard let table = states[interface]?.table else { return false }
        return routes.interface(for: address, in: table) == interface
    }

    /// The interface on whose connected network `nextHop` is a neighbour, or was before IPv6 stopped there: it waits for that.
    /// - Throws: `RouteError` when there is none, or when no neighbour can have that address.
    public func resolve(
        _ nextHop: IPAddress, on required: Interface? = nil, in table: VRF? = nil
    ) throws(RouteError) -> Interface {
        if nextHop.isLinkLocal, required == nil { throw .linkLocalNeedsInterface(nextHop) }
        let table = required.map { fib.table(of: $0) } ?? table ?? fib.main
        if owners[owner(nextHop, required?.index ?? 0, table.index)] != nil { throw .ownAddress(nextHop) }
        let index =
            required?.index ?? routes.interface(for: nextHop, in: table.index)
            ?? stoppedInterface(for: nextHop, in: table.index)
        let best = index.flatMap { index in
            all(of: index).filter { $0.value.network.contains(nextHop) && $0.state != .duplicate }
                .max { $0.value.network.length < $1.value.network.length }
        }
        guard let index, let best, let interface = interface(index) else {
            throw .unreachable(nextHop, on: required?.name)
        }
        guard best.value.isNeighbor(nextHop) else { throw .noHost(nextHop, in: best.value.network) }
        return interface
    }

    // MARK: - Changing

    /// Gives the interface an address: packets to it are for the router, and its network is connected.
    public func add(_ new: InterfaceAddress, to interface: Interface) throws(RouteError) {
        if new.isLinkLocal, let old = all(of: interface.index).first(where: { $0.value.isLinkLocal }) {
            guard old.isAutomatic else {
                throw RouteError("\(interface.name) has the link-local address \(old.address) already", "remove that")
            }
            take(old, from: interface)
        }
        try put(new, on: interface, isAutomatic: false)
        if new.family == .ipv6 { try completeIPv6(interface) }
    }

    /// Has the interface take part in IPv6 by its link-local address alone.
    public func enableIPv6(_ interface: Interface) throws(RouteError) {
        states[interface.index, default: State()].wantsLinkLocal = true
        try completeIPv6(interface)
    }

    /// Takes an address off the interface with the routes that followed from it. False when it has no such address.
    @discardableResult
    public func remove(_ old: InterfaceAddress, from interface: Interface) -> Bool {
        guard let own = all(of: interface.index).first(where: { $0.value == old && !$0.isAutomatic }) else {
            return false
        }
        take(own, from: interface)
        if old.family == .ipv6 { try? completeIPv6(interface) }
        return true
    }

    /// Routes what comes in at the interface by `table`; its addresses move with it.
    /// - Throws: When an address or a network is there already; then the interface has only those before it.
    public func bind(_ interface: Interface, to table: VRF) throws(RouteError) {
        let given = all(of: interface.index).filter { !$0.isAutomatic }.map(\.value)
        for address in given { remove(address, from: interface) }
        for rest in all(of: interface.index) { take(rest, from: interface) }
        fib.bind(interface, to: table)
        for address in given { try add(address, to: interface) }
        try completeIPv6(interface)
    }

    /// A tentative address turned out to be free, or not.
    func decide(_ address: IPAddress, on interface: Interface, _ state: OwnAddress.State) {
        guard let place = states[interface.index]?.addresses.firstIndex(where: { $0.address == address }),
            let table = states[interface.index]?.table, var own = states[interface.index]?.addresses[place],
            own.state != state
        else { return }
        routes.disconnect(own, on: interface.index, in: table)
        routes.withdraw(own, on: interface.index, in: table)
        own.state = state
        // The routes were there a moment ago: there is room for them.
        try? routes.add(own, on: interface.index, in: table)
        states[interface.index]?.addresses[place] = own
        publish(interface)
        tell(interface, own, .decided)
        followStop(on: interface)
    }

    private func put(_ new: InterfaceAddress, on interface: Interface, isAutomatic: Bool) throws(RouteError) {
        if let objection = new.objection { throw RouteError(objection) }
        let table = fib.table(of: interface).index
        let key = owner(new.address, interface.index, table)
        if let owner = owners[key] { throw RouteError("\(new.address) is \(name(owner))'s already", "give another") }
        if !new.isLinkLocal, let other = routes.owner(of: new.network, in: table), other != interface.index {
            // Packets to its hosts would leave by one of several at random.
            throw RouteError(
                "\(new.network) is connected to \(name(other)) already", "give an address in another network")
        }
        let state = firstState(of: new.address, on: interface)
        let own = OwnAddress(value: new, isAutomatic: isAutomatic, state: state)
        try routes.add(own, on: interface.index, in: table)
        owners[key] = interface.index
        states[interface.index, default: State()].addresses.append(own)
        states[interface.index]?.table = table
        joinGroups(of: new, on: interface)
        watchMTU(of: interface)
        followStop(on: interface)
        publish(interface)
        fib.watch(interface)
        tell(interface, own, .added)
    }

    private func take(_ own: OwnAddress, from interface: Interface) {
        guard let table = states[interface.index]?.table else { return }
        states[interface.index]?.addresses.removeAll { $0.address == own.address }
        owners[owner(own.address, interface.index, table)] = nil
        leaveGroups(of: own.value, on: interface)
        publish(interface)
        routes.disconnect(own, on: interface.index, in: table)
        // What leads to neighbours of the network goes before the network itself.
        tell(interface, own, .removed)
        routes.withdraw(own, on: interface.index, in: table)
        followStop(on: interface)
    }

    /// Every interface with IPv6 has a link-local address (RFC 4291 section 2.1), and no other has one.
    private func completeIPv6(_ interface: Interface) throws(RouteError) {
        guard let state = states[interface.index] else { return }
        let linkLocal = state.addresses.first { $0.value.isLinkLocal }
        let isWanted = state.wantsLinkLocal || state.addresses.contains { $0.value.family == .ipv6 && !$0.isAutomatic }
        if isWanted, linkLocal == nil {
            let address = IPv6Address(linkLocalOf: MACAddress(littleEndian: interface.mac), interface.index)
            try put(InterfaceAddress(.v6(address), length: 64), on: interface, isAutomatic: true)
        } else if !isWanted, let linkLocal {
            take(linkLocal, from: interface)
        }
    }

    private func tell(_ interface: Interface, _ own: OwnAddress, _ change: Change) {
        for observer in observers { observer(interface, own, change) }
    }

    private func name(_ index: InterfaceIndex) -> String { interface(index)?.name ?? "interface \(index)" }

    // MARK: - For workers

    /// Tells workers by which addresses the interface speaks, and which families it takes.
    func publish(_ interface: Interface) {
        let usable = addresses(of: interface.index)
        primary[interface.index] = usable.lazy.compactMap(\.address.v4).first ?? .any
        let ip6 = usable.compactMap(\.address.v6)
        let old = primary.publish(
            interface.index, global: place(ip6.first { !$0.isLinkLocal }),
            linkLocal: place(ip6.first { $0.isLinkLocal }))
        if !old.isEmpty { engine.retire { [weak self] in self?.freePlaces += old } }
        networks.publish(usable, of: interface.index)
        let families = Set(all(of: interface.index).map(\.value.family))
        interface.setFlag(.ip4, families.contains(.ipv4))
        interface.setFlag(.ip6, families.contains(.ipv6) && !isStopped(interface.index))
    }

    private func place(_ address: IPv6Address?) -> UInt32 {
        guard let address else { return 0 }
        let place: UInt32
        if let free = freePlaces.popLast() {
            place = free
        } else {
            guard nextPlace < PrimaryAddressTable.places else { return 0 }
            place = nextPlace
            nextPlace += 1
        }
        primary.fill(place, address)
        return place
    }
}
