// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// For whom an interface answers neighbor solicitations.
public enum NDProxyScope: Sendable, Hashable {
    /// For every host to which a route leads by another interface, as with proxy ARP.
    case all
    /// For those of them in these networks.
    case prefixes([IPv6Prefix])

    func contains(_ address: IPv6Address) -> Bool {
        switch self {
        case .all: true
        case .prefixes(let prefixes): prefixes.contains { $0.contains(address) }
        }
    }

    /// The groups in which single addresses are asked for. A network's are too many; `NDProxy` hears all.
    fileprivate var groups: [IPv6Address] {
        guard case .prefixes(let prefixes) = self else { return [] }
        return prefixes.filter { $0.length == 128 }.map(\.address.solicitedNode)
    }
}

// Speaking for hosts that are reached through the router (RFC 1027, RFC 4861 section 7.2.8).
extension NeighborTable {
    /// Answers ARP requests on the interface for hosts that are reached through the router by another interface.
    public func setProxy(_ isOn: Bool, on interface: Interface) {
        interface.setFlag(.proxyARP, isOn)
    }

    /// Answers neighbor solicitations on the interface for others; nil no longer.
    /// - Throws: When there is no room for the groups; then nothing has changed.
    public func setNDProxy(_ scope: NDProxyScope?, on interface: Interface) throws {
        var joined: [IPv6Address] = []
        do {
            for group in scope?.groups ?? [] {
                try interfaces.join(group, on: interface)
                joined.append(group)
            }
            try engine.setFeature(NDProxy.name, on: "ip6-unicast", interface: interface, scope != nil)
        } catch {
            for group in joined { interfaces.leave(group, on: interface) }
            throw error
        }
        for group in proxies[interface.index]?.groups ?? [] { interfaces.leave(group, on: interface) }
        proxies[interface.index] = scope
    }

    /// Milliseconds that an answer for another waits at most (MAX_ANYCAST_DELAY_TIME of RFC 4861 section 10): a host that has
    /// the address itself comes first.
    private static var proxyDelay: Int { 1000 }
    /// Answers that wait.
    private static var maximumProxied: Int { 4096 }

    func receiveProxySolicitation(_ punted: PuntedPacket) {
        withDiscovery(punted) { discovery, interface in
            let target = discovery.message.target
            guard let scope = proxies[interface.index], scope.contains(target),
                isNeighbor(.v6(discovery.source), on: interface),
                leadsElsewhere(.v6(target), from: interface), proxied < NeighborTable.maximumProxied
            else { return }
            if let station = discovery.message.sourceStation { learn(discovery.source, at: station, on: interface) }
            let station = self[.v6(discovery.source), interface]?.mac ?? .zero
            let receiver = (address: discovery.source, station: station.isZero ? discovery.station : station)
            // Who asks the router's hardware address has had the answer before.
            guard discovery.destination.isMulticast else { return speak(for: target, to: receiver, on: interface) }
            proxied += 1
            engine.timers.after(milliseconds: Int.random(in: 0...NeighborTable.proxyDelay)) { [weak self] in
                self?.proxied -= 1
                self?.speak(for: target, to: receiver, on: interface)
            }
        }
    }

    private func speak(
        for target: IPv6Address, to receiver: (address: IPv6Address, station: MACAddress), on interface: Interface
    ) {
        guard interface.flags.isSuperset(of: .usable), !interfaces.isStopped(interface.index) else { return }
        counters.proxyReplies += 1
        sendAdvertisement(target, to: receiver, isOverriding: false, isRouter: false, on: interface)
    }

    /// Whether packets to an address that come in at the interface leave by another.
    func leadsElsewhere(_ address: IPAddress, from interface: Interface) -> Bool {
        guard let (_, list) = fib.cover(of: address, in: fib.table(of: interface).index), list.state == .usable else {
            return false
        }
        let ways = list.paths.compactMap { way($0) } + list.members.compactMap { $0.leaf.adjacency.map(txInterface) }
        return !ways.isEmpty && !ways.contains(interface.index)
    }

    private func txInterface(_ adjacency: AdjacencyIndex) -> InterfaceIndex { adjacencies.table[adjacency].txInterface }

    private func way(_ path: Path) -> InterfaceIndex? {
        switch path.target {
        case .neighbor(_, let interface), .glean(let interface): interface
        default: nil
        }
    }
}
