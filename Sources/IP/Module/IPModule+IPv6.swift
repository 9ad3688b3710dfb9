// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// The nodes of IPv6.
extension IPModule {
    func addIPv6Nodes(_ registry: Registry, neighbors: ProcessIndex) {
        addIPv6Forwarding(registry, neighbors)
        addIPv6Local(registry, neighbors)
        addIPv6FeatureArcs(registry)
    }

    private func addIPv6Forwarding(_ registry: Registry, _ neighbors: ProcessIndex) {
        let tables = fib.readers
        let adjacencies = fib.adjacencies.table
        let paths = fib.paths.table
        let counters = fib.adjacencies.counters
        let loadBalances = fib.pathLists.loadBalances
        let hashSeed = hashSeed
        let claims = local.ip6
        registry.add(NodeDescriptor(IP6Input.self) { _ in IP6Input(tables: tables, adjacencies: adjacencies) })
        registry.add(NodeDescriptor(IP6HopByHop.self) { _ in IP6HopByHop(claims: claims) })
        registry.add(
            NodeDescriptor(IP6Lookup.self) { seat in
                let counters = loadBalances.counters.slot(seat.worker)
                return IP6Lookup(
                    tables: tables,
                    balancer: Balancer(table: tables.loadBalances, counters: counters, seed: hashSeed.value))
            })
        registry.add(NodeDescriptor(IP6Path.self) { _ in IP6Path(LabelPusher(paths: paths, adjacencies: adjacencies)) })
        registry.add(
            NodeDescriptor(IP6Rewrite.self) { [icmp = icmp.reader] seat in
                IP6Rewrite(
                    EthernetRewriter(
                        adjacencies: adjacencies, paths: paths, counters: counters.slot(seat.worker)), settings: icmp)
            })
        registry.add(NodeDescriptor(IP6Glean.self) { _ in IP6Glean(adjacencies: adjacencies, neighbors: neighbors) })
        registry.add(
            NodeDescriptor(IP6DiscoverNeighbor.self) { _ in
                IP6DiscoverNeighbor(adjacencies: adjacencies, neighbors: neighbors)
            })
        registry.add(NodeDescriptor(IP6NoForwarding.self) { _ in IP6NoForwarding(tables: tables) })
    }

    private func addIPv6Local(_ registry: Registry, _ neighbors: ProcessIndex) {
        let tables = fib.readers
        let addresses = interfaces.primary
        let claims = local.ip6
        let adjacencies = fib.adjacencies.table
        let sources = IPv6SourceChoice(tables: tables, addresses: addresses)
        registry.add(NodeDescriptor(IP6Local.self) { _ in IP6Local(tables: tables, claims: claims) })
        registry.add(NodeDescriptor(IP6ICMPEcho.self) { _ in IP6ICMPEcho(sources: sources) })
        registry.add(
            NodeDescriptor(NDInput.self) { _ in
                let answer = NeighborAnswer(tables: tables, adjacencies: adjacencies)
                return NDInput(answer: answer, addresses: addresses, neighbors: neighbors)
            })
        registry.add(
            NodeDescriptor(IP6ICMPError.self) { [icmp = icmp.reader] _ in
                IP6ICMPError(tables: tables, sources: sources, settings: icmp)
            })
        registry.add(
            NodeDescriptor(IP6TCPReset.self) { [icmp = icmp.reader] _ in IP6TCPReset(tables: tables, settings: icmp) })
        registry.add(
            NodeDescriptor(IP6Redirect.self) { [icmp = icmp.reader] _ in
                IP6Redirect(tables: tables, adjacencies: adjacencies, addresses: addresses, settings: icmp)
            })
    }

    /// Packets with hop-by-hop options visit the same features as all others: no way around a firewall.
    private func addIPv6FeatureArcs(_ registry: Registry) {
        registry.add(
            FeatureArc(
                "ip6-unicast", by: .receive,
                startsAt: [
                    (IP6Input.name, "lookup"), (IP6HopByHop.name, "lookup"), (IP6HopByHop.name, "local"),
                ],
                endsAt: IP6Lookup.name))
        registry.add(
            FeatureArc(
                "ip6-output", by: .transmit, startsAt: [(IP6Rewrite.name, "output"), (IP6Redirect.name, "output")],
                endsAt: InterfaceOutput.name))
    }
}
