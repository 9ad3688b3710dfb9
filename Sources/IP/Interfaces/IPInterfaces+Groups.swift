// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// The IPv6 groups that the router listens to on each link: routes to itself, as `IPv6Address.scoped(to:)` has them.
extension IPInterfaces {
    /// Has packets to a group of the link (ff02::/16) that come in at the interface delivered to the router, until as many
    /// have left it as have joined.
    public func join(_ group: IPv6Address, on interface: Interface) throws(RouteError) {
        guard group.isMulticast, group.isOfLink, group.isScopable else {
            throw RouteError("\(group) is no group of a link", "give one of ff02::/16")
        }
        let uses = states[interface.index]?.groups[group] ?? 0
        states[interface.index, default: State()].groups[group] = uses + 1
        guard uses == 0 else { return }
        let path = Path(.receive(interface.index))
        try fib.setRoute(
            IPAddress.v6(group).host(on: interface.index), [path], from: .special, in: fib.table(of: interface))
    }

    /// Takes one `join` of the group back; nothing where there is none.
    public func leave(_ group: IPv6Address, on interface: Interface) {
        guard let uses = states[interface.index]?.groups[group] else { return }
        states[interface.index]?.groups[group] = uses > 1 ? uses - 1 : nil
        guard uses == 1 else { return }
        fib.removeRoute(
            IPAddress.v6(group).host(on: interface.index), from: .special, in: fib.table(of: interface))
    }

    /// The groups that are listened to on the interface.
    public func groups(on interface: InterfaceIndex) -> [IPv6Address] {
        (states[interface]?.groups ?? [:]).keys.sorted()
    }

    /// All nodes, all routers, and those who have an address that ends like this one (RFC 4291 section 2.8).
    private func groups(of own: InterfaceAddress) -> [IPv6Address] {
        guard case .v6(let address) = own.address else { return [] }
        let anycast = own.anycast.map { [$0.solicitedNode] } ?? []
        return [.allNodes, .allRouters, address.solicitedNode] + anycast
    }

    func joinGroups(of own: InterfaceAddress, on interface: Interface) {
        for group in groups(of: own) {
            do throws(RouteError) {
                try join(group, on: interface)
            } catch {
                engine.log.error("\(interface.name) cannot listen to \(group): \(error)")
            }
        }
    }

    func leaveGroups(of own: InterfaceAddress, on interface: Interface) {
        for group in groups(of: own) { leave(group, on: interface) }
    }
}
