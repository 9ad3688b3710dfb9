// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// Follows the routes to the far ends of tunnels: whether there is one, by which next hops, and how long packets may be.
///
/// A tunnel's link is up while a route leads to its far end, and not through the tunnel itself. Next hops are kept resolved
/// for as long as they are on the way, so that the tunnel's first packet need not wait.
@ControlPlane
public final class TunnelRoutes {
    private let engine: Engine
    private let fib: FIB
    private let neighbors: NeighborTable
    private var byList: [PathListIndex: [TunnelRoute]] = [:]
    private var byInterface: [InterfaceIndex: TunnelRoute] = [:]
    /// Underlying interfaces whose MTU is followed.
    private var watched: Set<InterfaceIndex> = []

    init(engine: Engine, fib: FIB, neighbors: NeighborTable) {
        self.engine = engine
        self.fib = fib
        self.neighbors = neighbors
        fib.pathLists.onChange { [weak self] lists in
            guard let self else { return }
            for list in lists { for route in byList[list] ?? [] { judge(route) } }
        }
    }

    /// Follows the route of a tunnel from now on.
    /// - Parameters:
    ///   - interface: The tunnel's. Its link goes up and down with the route.
    ///   - overhead: Bytes that the tunnel puts in front of a packet.
    ///   - mtu: What the operator gave; the path's less `overhead` if nil.
    /// - Throws: `RouteError` when there is no room for a path-list, or no host can have the address.
    public func follow(
        _ destination: IPAddress, in table: VRF, for interface: Interface, overhead: Int, mtu: TunnelMTU? = nil
    ) throws(RouteError) -> TunnelRoute {
        let list = try fib.pathLists.acquire([.recursive(destination, in: table.index)])
        let route = TunnelRoute(
            destination: destination, interface: interface, overhead: overhead, mtu: mtu, list: list, fib: fib)
        byList[list.index, default: []].append(route)
        byInterface[interface.index] = route
        judge(route)
        return route
    }

    /// Milliseconds for which a tunnel stays down that led through itself. Its own routes go with it, so that the way is free
    /// at once: without the pause it would go up and down without end.
    private nonisolated static let pause = 10_000

    private func judge(_ route: TunnelRoute) {
        let hops = hops(of: route)
        keep(hops, for: route)
        guard !route.isHeld else { return }
        let problem = problem(of: route)
        if leadsBack(route, to: route.interface.index) {
            hold(route)
        } else {
            route.problem = problem
        }
        let mtu = hops.compactMap { hop in fib.interface(hop.interface).map { $0.mtu - hop.labelBytes } }.min()
        if let mtu { route.pathMTU = mtu }
        if route.interface.mtu != route.wantedMTU { route.interface.mtu = route.wantedMTU }
        settle(route)
    }

    private func settle(_ route: TunnelRoute) {
        let isUp = route.problem == nil
        if route.interface.isLinkUp != isUp { route.interface.isLinkUp = isUp }
        route.tell()
    }

    private func hold(_ route: TunnelRoute) {
        route.isHeld = true
        route.problem = "the route to \(route.destination) leads through the tunnel itself"
        engine.log.error(
            "\(route.interface.name) is down for a while: the route to \(route.destination) leads through it; give that address a route of its own"
        )
        engine.timers.after(milliseconds: TunnelRoutes.pause) { [weak self, weak route] in
            guard let self, let route else { return }
            route.isHeld = false
            judge(route)
        }
    }

    // MARK: - Where a route leads

    private struct Hop {
        let adjacency: AdjacencyIndex
        let interface: InterfaceIndex
        let labelBytes: Int
    }

    private func hops(of route: TunnelRoute) -> [Hop] {
        route.list.members.compactMap { member in
            guard let adjacency = member.leaf.adjacency else { return nil }
            return Hop(
                adjacency: adjacency, interface: fib.adjacencies.table[adjacency].txInterface,
                labelBytes: member.leaf.labels.count * 4)
        }
    }

    /// Whether packets of the tunnel come to the interface again, through whatever other tunnels.
    private func leadsBack(_ route: TunnelRoute, to interface: InterfaceIndex) -> Bool {
        var seen: Set<InterfaceIndex> = []
        var rest = [route]
        while let next = rest.popLast() {
            for hop in hops(of: next) where seen.insert(hop.interface).inserted {
                if hop.interface == interface { return true }
                if let other = byInterface[hop.interface] { rest.append(other) }
            }
        }
        return false
    }

    private func problem(of route: TunnelRoute) -> String? {
        guard route.list.state != .usable else { return nil }
        let paths = FIBExplainer(fib: fib).detail(of: route.list).paths
        return paths.first?.problem ?? "no route leads to \(route.destination)"
    }

    private func keep(_ hops: [Hop], for route: TunnelRoute) {
        let wanted = Set(hops.map(\.adjacency))
        let old = route.kept
        route.kept = wanted
        for adjacency in wanted.subtracting(old).sorted() { neighbors.keepResolved(adjacency) }
        for adjacency in old.subtracting(wanted).sorted() { neighbors.stopKeeping(adjacency) }
        for hop in hops where watched.insert(hop.interface).inserted {
            fib.interface(hop.interface)?.onChange { [weak self] changed in
                guard let self else { return }
                for route in byInterface.values where hopsContain(route, changed.index) { judge(route) }
            }
        }
    }

    private func hopsContain(_ route: TunnelRoute, _ interface: InterfaceIndex) -> Bool {
        route.kept.contains { fib.adjacencies.table[$0].txInterface == interface }
    }
}

/// What an operator says of a tunnel's MTU.
public enum TunnelMTU: Sendable, Hashable {
    /// The interface's, whatever the path takes.
    case fixed(Int)
    /// The longest outer packet, as far as the path takes it.
    case outer(atMost: Int)
}

/// The route to the far end of one tunnel.
@ControlPlane
public final class TunnelRoute {
    /// The least MTU that an interface has.
    nonisolated static let leastMTU = 68

    public let destination: IPAddress
    public let interface: Interface
    let overhead: Int
    /// What the operator gave.
    let mtu: TunnelMTU?
    let list: PathList
    private let fib: FIB
    /// Bytes of the longest packet that the way to the far end takes, as far as the first link; the tunnel's own headers among
    /// them.
    public internal(set) var pathMTU = 1500
    /// Why packets cannot be sent; nil when they can.
    public internal(set) var problem: String?
    /// It led through itself a short time ago.
    var isHeld = false
    /// The next hops that are kept resolved.
    var kept: Set<AdjacencyIndex> = []
    private var observers: [@ControlPlane (TunnelRoute) -> Void] = []

    init(destination: IPAddress, interface: Interface, overhead: Int, mtu: TunnelMTU?, list: PathList, fib: FIB) {
        self.destination = destination
        self.interface = interface
        self.overhead = overhead
        self.mtu = mtu
        self.list = list
        self.fib = fib
    }

    /// The interface's MTU as things stand.
    var wantedMTU: Int {
        switch mtu {
        case .fixed(let mtu): mtu
        case .outer(let most): max(TunnelRoute.leastMTU, min(most, pathMTU) - overhead)
        case nil: max(TunnelRoute.leastMTU, pathMTU - overhead)
        }
    }

    /// Calls `body` after each change of the way, and once now.
    public func onChange(_ body: @escaping @ControlPlane (TunnelRoute) -> Void) {
        observers.append(body)
        body(self)
    }

    func tell() { for observer in observers { observer(self) } }

    /// A next hop on the way at the moment.
    public struct NextHop: Sendable, Hashable {
        /// Nil on a point-to-point link that needs none.
        public let address: IPAddress?
        public let interface: String
        /// Its hardware address is known and nothing speaks against it.
        public let isReady: Bool
    }

    public var nextHops: [NextHop] {
        list.members.compactMap { member in
            guard let index = member.leaf.adjacency else { return nil }
            let record = fib.adjacencies.table[index]
            return NextHop(
                address: record.neighbor, interface: fib.interface(record.txInterface)?.name ?? "",
                isReady: record.status.isReady)
        }
    }

    /// Has `show interfaces` tell the way.
    public func showWay() {
        // Others may have something to say of the interface as well.
        interface.details.removeAll { $0.name == TunnelRoute.detailName }
        interface.details.append((TunnelRoute.detailName, text))
    }

    private static var detailName: String { "underlay" }

    /// "via 10.0.0.2 on wan0", or why packets cannot be sent.
    var text: String {
        if let problem { return problem }
        let hops = nextHops.map { hop in
            hop.address.map { "\($0) on \(hop.interface)" } ?? hop.interface
        }
        return "via " + hops.joined(separator: ", ")
    }
}
