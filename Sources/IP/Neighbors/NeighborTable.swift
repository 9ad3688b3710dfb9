// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// The hardware addresses of neighbours of both families: asks for them by ARP and neighbor discovery, answers for the
/// router's own, sees to it that they are still there, and forgets those that nobody needs.
///
/// A neighbour that answers completes its adjacency with one store and becomes a host route; what waited for it is sent.
/// Entries are made by packets that need them and by requests to the router, never by news that nobody asked for.
@ControlPlane
public final class NeighborTable {
    /// Packets that are kept for a neighbour while its address is asked for; the latest, as RFC 1122 section 2.3.2.2 wants.
    public nonisolated static let heldPerNeighbor = 8

    public var policy = NeighborPolicy()
    public internal(set) var counters = NeighborCounters()
    let engine: Engine
    let interfaces: IPInterfaces
    let fib: FIB
    let adjacencies: AdjacencyStore
    private(set) var entries: [NeighborKey: Neighbor] = [:]
    /// What is known of each watched interface, to see what a change was about.
    var seen: [InterfaceIndex: Seen] = [:]
    var isStarted = false
    /// Until when (`Clock.now`) an address has been defended and a full table reported enough.
    private var quietUntil: [IPAddress: UInt64] = [:]
    /// Those who want a neighbour kept resolved, by the probe interval that they want.
    private var keepers: [AdjacencyIndex: [Int: Int]] = [:]
    /// Entries whose address is still asked for, by interface, the oldest first; some may have got it meanwhile.
    var incomplete: [InterfaceIndex: Queue<Neighbor>] = [:]
    var incompleteCount: [InterfaceIndex: Int] = [:]
    /// Entries with packets that wait, the oldest first; some may have none any more.
    var waiting = Queue<Neighbor>()
    var heldCount = 0
    /// Stale entries, to be looked at in turn.
    var stale = Queue<Neighbor>()
    var isSweeping = false
    /// Own addresses that are being asked for.
    var probes: [NeighborKey: AddressProbe] = [:]
    /// For whom interfaces speak, and how many of their answers wait.
    var proxies: [InterfaceIndex: NDProxyScope] = [:]
    var proxied = 0
    public let advertiser: RouterAdvertiser

    init(engine: Engine, interfaces: IPInterfaces, fib: FIB) {
        self.engine = engine
        self.interfaces = interfaces
        self.fib = fib
        adjacencies = fib.adjacencies
        advertiser = RouterAdvertiser(engine: engine, interfaces: interfaces)
        interfaces.onChange { [weak self] in self?.addressChanged($0, $1, $2) }
        interfaces.needsProbe = { [weak self] address, interface in self?.needsProbe(address, on: interface) ?? false }
    }

    // MARK: - Asking

    public var count: Int { entries.count }

    /// All entries, by interface and address.
    public var all: [Neighbor] {
        entries.values.sorted { ($0.key.interface, $0.key.address) < ($1.key.interface, $1.key.address) }
    }

    public subscript(address: IPAddress, interface: Interface) -> Neighbor? {
        entries[NeighborKey(interface: interface.index, address: address)]
    }

    subscript(key: NeighborKey) -> Neighbor? { entries[key] }

    // MARK: - Changing

    /// Adds a static entry, or makes a dynamic one static; it stays until it is removed.
    /// - Throws: `RouteError` when the address is not on the interface's networks, or the table is full.
    public func addStatic(_ address: IPAddress, at mac: MACAddress, on interface: Interface) throws(RouteError) {
        guard mac.isStation else { throw RouteError("\(mac) is not a station's address", "give a unicast MAC address") }
        guard !interface.flags.contains(.pointToPoint) else {
            throw RouteError("\(interface.name) is a tunnel, where no neighbour has a hardware address", "remove it")
        }
        _ = try interfaces.resolve(address, on: interface)
        let key = NeighborKey(interface: interface.index, address: address)
        var known = entries[key]
        if known == nil { known = try make(key, on: interface) }
        guard let neighbor = known else { throw .tooManyNeighbors(policy.maximum) }
        complete(neighbor, at: mac, .static, on: interface)
    }

    /// Removes an entry, static or not; false when there is none.
    @discardableResult
    public func remove(_ address: IPAddress, on interface: Interface) -> Bool {
        guard let neighbor = self[address, interface] else { return false }
        forget(neighbor)
        return true
    }

    /// Removes the dynamic entries of an interface, or of all. What is to be kept resolved is asked for anew.
    public func flush(_ interface: Interface? = nil) {
        for neighbor in entries.values where neighbor.state != .static {
            if let interface, neighbor.key.interface != interface.index { continue }
            forget(neighbor)
        }
    }

    /// Makes an entry for `key`, for which there is none; nil when the table is full.
    func make(_ key: NeighborKey, on interface: Interface) throws(RouteError) -> Neighbor? {
        guard makeRoom() else {
            counters.tableFull += 1
            if isTime(for: .v4(.any), every: 60) {
                engine.log.warning("the neighbour table is full: \(entries.count) entries; raise `neighbors: maximum`")
            }
            return nil
        }
        let neighbor = Neighbor(key, adjacency: try adjacencies.adjacency(to: key.address, on: interface))
        adjacencies.retain(neighbor.adjacency)
        neighbor.packets = adjacencies.counters.count(of: neighbor.adjacency).packets
        neighbor.keepers = keepers[neighbor.adjacency] ?? [:]
        entries[key] = neighbor
        return neighbor
    }

    /// Removes the entry; routes through it are asked for again by the next packet, or at once if somebody wants that.
    func forget(_ neighbor: Neighbor) {
        drop(neighbor)
        if neighbor.isKept, isStarted { want(neighbor.adjacency) }
    }

    /// Removes the entry. What waited for it is lost.
    func drop(_ neighbor: Neighbor) {
        enter(neighbor, nil)
        entries[neighbor.key] = nil
        counters.unanswered += takeHeld(neighbor).count
        adjacencies.invalidate(neighbor.adjacency)
        removeHostRoute(neighbor)
        adjacencies.setFailure(.neighbor, false, neighbor.adjacency)
        adjacencies.release(neighbor.adjacency)
    }

    // MARK: - Host routes

    /// Of several ports with networks that contain the host, the one with the longest prefix leads to it: others' entries
    /// are for routes that name the port.
    func addHostRoute(_ neighbor: Neighbor, on interface: Interface) {
        guard !neighbor.hasRoute, interfaces.isConnected(neighbor.key.address, to: interface.index) else { return }
        do throws(RouteError) {
            let path = Path.neighbor(neighbor.key.address, on: interface)
            let prefix = neighbor.key.address.host(on: interface.index)
            try fib.setRoute(prefix, [path], from: .neighbor, in: fib.table(of: interface))
            neighbor.hasRoute = true
        } catch {
            // Packets to the host go on being gleaned, which is slow and still right.
            engine.log.warning("no host route for the neighbour \(neighbor.key.address): \(error)")
        }
    }

    func removeHostRoute(_ neighbor: Neighbor) {
        guard neighbor.hasRoute, let interface = interfaces.interface(neighbor.key.interface) else { return }
        let prefix = neighbor.key.address.host(on: interface.index)
        fib.removeRoute(prefix, from: .neighbor, in: fib.table(of: interface))
        neighbor.hasRoute = false
    }

    /// Brings the host routes in a network in line with the networks that are connected now.
    func settleHostRoutes(in network: IPPrefix) {
        let concerned = entries.values.filter { network.contains($0.key.address) }
        // One prefix may change from one port to another: first it goes.
        for neighbor in concerned where neighbor.hasRoute {
            if !interfaces.isConnected(neighbor.key.address, to: neighbor.key.interface) { removeHostRoute(neighbor) }
        }
        for neighbor in concerned where neighbor.state.isUsable {
            if let interface = interfaces.interface(neighbor.key.interface) { addHostRoute(neighbor, on: interface) }
        }
    }

    /// Whether a station that speaks with this address on the interface is one of its neighbours: by the networks, or because
    /// somebody asked for it there.
    func isNeighbor(_ address: IPAddress, on interface: Interface) -> Bool {
        guard interfaces.address(of: interface.index, facing: address) != nil,
            interfaces.isConnected(address, to: interface.index) || self[address, interface] != nil
        else {
            counters.senderOffSubnet += 1
            return false
        }
        return true
    }

    /// Whether other routes than its own lead through the neighbour: then its silence is a failure.
    func hasRoutesBehind(_ neighbor: Neighbor) -> Bool {
        let uses = fib.pathLists.users(of: neighbor.adjacency).reduce(0) { $0 + (fib.pathLists[$1]?.references ?? 0) }
        return uses > (neighbor.hasRoute ? 1 : 0)
    }

    // MARK: - Keeping resolved

    /// Has the neighbour asked for and kept resolved although no packet is sent to it, until `stopKeeping` was called as
    /// often: for next hops that must be ready before they are needed, and for those whose loss must be seen soon.
    /// - Parameter interval: Milliseconds between probes while the neighbour answers, at least 10; nil leaves it with the
    ///   reachable time. The neighbour is given up after `policy.requests` of them. A static one is resolved anyway: it is
    ///   asked only if there is an interval.
    public func keepResolved(_ adjacency: AdjacencyIndex, every interval: Int? = nil) {
        keepers[adjacency, default: [:]][interval.map { max(10, $0) } ?? 0, default: 0] += 1
        adjacencies.retain(adjacency)
        keepersChanged(adjacency)
        if isStarted { want(adjacency) }
    }

    public func stopKeeping(_ adjacency: AdjacencyIndex, every interval: Int? = nil) {
        let key = interval.map { max(10, $0) } ?? 0
        guard let uses = keepers[adjacency]?[key] else { return }
        keepers[adjacency]?[key] = uses > 1 ? uses - 1 : nil
        if keepers[adjacency]?.isEmpty == true { keepers[adjacency] = nil }
        keepersChanged(adjacency)
        adjacencies.release(adjacency)
    }

    /// Says that the neighbour answered in another protocol: BFD, for instance (RFC 4861 section 7.3.1).
    public func confirm(_ adjacency: AdjacencyIndex) {
        guard let key = adjacencies.key(of: adjacency), let neighbor = entries[key], neighbor.state.isUsable else {
            return
        }
        if neighbor.state == .static { return confirmStatic(neighbor) }
        neighbor.confirmed = Clock.now
        neighbor.requests = 0
        enter(neighbor, .reachable)
    }

    private func keepersChanged(_ adjacency: AdjacencyIndex) {
        guard let key = adjacencies.key(of: adjacency), let neighbor = entries[key] else { return }
        neighbor.keepers = keepers[adjacency] ?? [:]
        if neighbor.state == .reachable { enter(neighbor, .reachable) }
        if neighbor.state == .static { keepersChangedStatic(neighbor) }
    }

    /// Asks for an adjacency's neighbour, unless that is under way or done.
    func want(_ adjacency: AdjacencyIndex) {
        guard let key = adjacencies.key(of: adjacency), let interface = interfaces.interface(key.interface),
            !interface.flags.contains(.pointToPoint), interface.flags.isSuperset(of: .usable),
            interfaces.address(of: key.interface, facing: key.address) != nil
        else { return }
        if let neighbor = entries[key] {
            if neighbor.state == .stale { enter(neighbor, .delay) }
        } else if let neighbor = try? make(key, on: interface) {
            begin(neighbor)
        }
    }

    /// Asks for all neighbours on the interface that are to be kept resolved.
    func keepAll(on interface: Interface) {
        for adjacency in keepers.keys.sorted() where adjacencies.key(of: adjacency)?.interface == interface.index {
            want(adjacency)
        }
    }

    // MARK: - Words

    /// Whether something about an address may be said or logged again, which is then not so for `seconds`.
    func isTime(for address: IPAddress, every seconds: Double) -> Bool {
        let now = Clock.now
        if let until = quietUntil[address], now < until { return false }
        if quietUntil.count >= 1024 { quietUntil = quietUntil.filter { now < $0.value } }
        quietUntil[address] = now &+ Clock.ticks(milliseconds: seconds * 1000)
        return true
    }

    func name(_ index: InterfaceIndex) -> String { interfaces.interface(index)?.name ?? "interface \(index)" }
}

extension RouteError {
    static func tooManyNeighbors(_ maximum: Int) -> RouteError {
        RouteError("the neighbour table is full: \(maximum) entries", "raise `neighbors: maximum`")
    }
}
