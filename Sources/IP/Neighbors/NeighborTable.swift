// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// The hardware addresses of IPv4 neighbours: asks for them, answers for the router's own, ages them.
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
    let adjacencies: AdjacencyStore
    private let fib: FIB
    private var entries: [NeighborKey: Neighbor] = [:]
    /// What is known of each watched interface, to see what a change was about.
    private var seen: [InterfaceIndex: Seen] = [:]
    private var isStarted = false
    /// Until when (`Clock.now`) an address has been defended and a full table reported enough.
    var quietUntil: [IPAddress: UInt64] = [:]

    private struct Seen: Equatable {
        var mac: UInt64
        var mtu: Int
        var isUp: Bool

        @ControlPlane
        init(_ interface: Interface) {
            mac = interface.mac
            mtu = interface.mtu
            isUp = interface.flags.isSuperset(of: .usable)
        }
    }

    init(engine: Engine, interfaces: IPInterfaces, fib: FIB) {
        self.engine = engine
        self.interfaces = interfaces
        self.fib = fib
        adjacencies = fib.adjacencies
        interfaces.onChange { [weak self] interface, _, _ in self?.watch(interface) }
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
        _ = try interfaces.resolve(address, on: interface)
        let key = NeighborKey(interface: interface.index, address: address)
        var known = entries[key]
        if known == nil { known = try make(key, on: interface) }
        guard let neighbor = known else { throw .tooManyNeighbors(policy.maximum) }
        neighbor.state = .static
        complete(neighbor, at: mac, on: interface)
    }

    /// Removes an entry, static or not; false when there is none.
    @discardableResult
    public func remove(_ address: IPAddress, on interface: Interface) -> Bool {
        guard let neighbor = self[address, interface] else { return false }
        forget(neighbor)
        return true
    }

    /// Removes the dynamic entries of an interface, or of all.
    public func flush(_ interface: Interface? = nil) {
        for neighbor in entries.values where neighbor.state != .static {
            if let interface, neighbor.key.interface != interface.index { continue }
            forget(neighbor)
        }
    }

    /// The entry for `key`, made when there is none; nil when the table is full.
    func make(_ key: NeighborKey, on interface: Interface) throws(RouteError) -> Neighbor? {
        guard entries.count < policy.maximum else {
            counters.tableFull += 1
            if isTime(for: .v4(.any), every: 60) {
                engine.log.warning("the neighbour table is full: \(entries.count) entries; raise `neighbors: maximum`")
            }
            return nil
        }
        let neighbor = Neighbor(key, adjacency: try adjacencies.adjacency(to: key.address, on: interface))
        adjacencies.retain(neighbor.adjacency)
        entries[key] = neighbor
        return neighbor
    }

    /// The neighbour is at `mac`: its adjacency is complete, it has a host route, and what waited is sent.
    func complete(_ neighbor: Neighbor, at mac: MACAddress, on interface: Interface) {
        let isNews = neighbor.mac != mac || !adjacencies.table[neighbor.adjacency].status.isResolved
        neighbor.mac = mac
        neighbor.requests = 0
        neighbor.updated = Clock.now
        if isNews { adjacencies.complete(neighbor.adjacency, at: mac, from: interface) }
        addHostRoute(neighbor, on: interface)
        release(neighbor)
        setTimer(neighbor)
    }

    private func addHostRoute(_ neighbor: Neighbor, on interface: Interface) {
        guard !neighbor.hasRoute else { return }
        do throws(RouteError) {
            let path = Path.neighbor(neighbor.key.address, on: interface)
            let table = fib.table(of: interface)
            try fib.setRoute(neighbor.key.address.host(on: interface.index), [path], from: .neighbor, in: table)
            neighbor.hasRoute = true
        } catch {
            // Packets to the host go on being gleaned, which is slow and still right.
            engine.log.warning("no host route for the neighbour \(neighbor.key.address): \(error)")
        }
    }

    /// Removes the entry; routes through it are asked for again by the next packet.
    func forget(_ neighbor: Neighbor) {
        if let timer = neighbor.timer { engine.timers.cancel(timer) }
        entries[neighbor.key] = nil
        adjacencies.invalidate(neighbor.adjacency)
        if neighbor.hasRoute, let interface = interfaces.interface(neighbor.key.interface) {
            fib.removeRoute(
                neighbor.key.address.host(on: interface.index), from: .neighbor, in: fib.table(of: interface))
        }
        adjacencies.release(neighbor.adjacency)
        counters.unanswered += neighbor.held.count
    }

    // MARK: - Interfaces

    /// Announces the addresses of interfaces that are up; from here on of those that come up.
    func start() {
        isStarted = true
        for index in seen.keys.sorted() {
            if let interface = interfaces.interface(index), seen[index]?.isUp == true { announce(interface) }
        }
    }

    private func watch(_ interface: Interface) {
        guard seen[interface.index] == nil else { return }
        seen[interface.index] = Seen(interface)
        interface.onChange { [weak self] in self?.interfaceChanged($0) }
    }

    private func interfaceChanged(_ interface: Interface) {
        let now = Seen(interface)
        guard let before = seen.updateValue(now, forKey: interface.index), now != before else { return }
        if before.isUp, !now.isUp { flush(interface) }
        let isNews = now.isUp && (!before.isUp || now.mac != before.mac)
        if isNews, isStarted { announce(interface) }
    }

    /// Whether something about an address may be said or logged again, which is then not so for `seconds`.
    func isTime(for address: IPAddress, every seconds: Double) -> Bool {
        let now = Clock.now
        if let until = quietUntil[address], now < until { return false }
        quietUntil[address] = now &+ Clock.ticks(milliseconds: seconds * 1000)
        return true
    }
}
