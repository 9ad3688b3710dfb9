// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// IPv4 and IPv6: forwarding, routes, neighbours, ICMP; and the face that other features use of it.
@ControlPlane
public final class IPModule: Module {
    public nonisolated static let name = "ip"

    public private(set) var interfaces: IPInterfaces!
    public private(set) var fib: FIB!
    public private(set) var neighbors: NeighborTable!
    /// Where features claim protocols and UDP ports of packets to the router.
    public private(set) var local: LocalDelivery!
    /// What incoming labels mean.
    public private(set) var labels: LabelFIB!
    /// Backups, and what was switched to them.
    public private(set) var fastReroute: FastReroute!
    /// Tunnels, and what features that use GRE's headers share with them.
    public internal(set) var tunnels: TunnelStore!
    private(set) var engine: Engine!
    /// What the file declares, before anything of it is applied.
    var plan = AddressPlan()
    /// Of the choice among paths, for both families.
    let icmp = Published(ICMPSettings(limits: ICMPErrorLimits()))
    var reassembly: ReassemblyStore!
    let reassemblySettings = Published(ReassemblySettings(timeout: IPModule.reassemblyTimeout))
    let reversePathModes = (input: ReversePathModes(), output: ReversePathModes())
    let hashSeed = FlowHashSeed()
    var vrfUses: [(setting: Setting, name: String)] = []
    var routePlan = RoutePlan()
    /// Where the file names profiles of BFD, whose section comes later.
    var profileUses: [(setting: Setting, name: String)] = []

    public init() {}

    isolated deinit {
        reversePathModes.input.unmap()
        reversePathModes.output.unmap()
    }

    public func register(in registry: Registry) {
        engine = registry.engine
        makeTables(registry.engine)
        setICMP(ICMPSection())
        let process = registry.add(process: "neighbors") { [unowned neighbors = neighbors!] in neighbors.receive($0) }
        addNodes(registry, neighbors: process)
        addIPv6Nodes(registry, neighbors: process)
        addReassembly(registry)
        addFeatureArcs(registry)
        addMPLS(registry, neighbors: process)
        addReversePath(registry)
        addGRE(registry)
        registry.add(icmpSection)
        registry.add(vrfAttribute)
        registry.add(addressesAttribute)
        registry.add(linkLocalAttribute)
        addProxies(registry, neighbors: process)
        addNeighbors(registry)
        registry.add(vrfsSection)
        registry.add(forwardingSection)
        registry.add(routesSection)
        registry.add(mplsSection)
        registry.add(fastRerouteSection)
        for command in commands + fastRerouteCommands { registry.add(command) }
        addMemoryReports()
    }

    public func objections(to file: Setting) -> [ConfigurationError] {
        let known = fastReroute.bfd?.knownProfiles ?? []
        let unknown = profileUses.filter { !known.contains($0.name) }.map { use in
            use.setting.error("there is no BFD profile '\(use.name)'", Spelling.hint(for: use.name, among: known))
        }
        return routePlan.errors() + unknown + plan.objectionsToShortLinks(in: file)
            + objectionsToTunnels(in: file)
    }

    public func start() throws {
        neighbors.start()
        try fastReroute.start()
        try fib.watches.start()
    }

    public func willStop() { neighbors.willStop() }

    private func makeTables(_ engine: Engine) {
        do {
            fib = try FIB(engine: engine)
        } catch {
            fatalError("no memory for the routes: \(error)")
        }
        interfaces = IPInterfaces(engine: engine, fib: fib)
        neighbors = NeighborTable(engine: engine, interfaces: interfaces, fib: fib)
        local = LocalDelivery(engine: engine)
        labels = LabelFIB(fib)
        fib.addCheck("labels") { [unowned labels = labels!] in await labels.differences() }
        fastReroute = FastReroute(engine: engine, fib: fib, interfaces: interfaces, neighbors: neighbors)
    }

    private func addNodes(_ registry: Registry, neighbors: ProcessIndex) {
        let hashSeed = hashSeed
        let tables = fib.readers
        let adjacencies = fib.adjacencies.table
        let paths = fib.paths.table
        let counters = fib.adjacencies.counters
        let loadBalances = fib.pathLists.loadBalances
        let addresses = interfaces.primary
        let networks = interfaces.networks.table
        let claims = local.ip4
        registry.add(
            NodeDescriptor(ARPInput.self) { _ in
                ARPInput(answer: NeighborAnswer(tables: tables, adjacencies: adjacencies), neighbors: neighbors)
            })
        registry.add(NodeDescriptor(IP4Input.self) { _ in IP4Input() })
        let exits = RouteExits(tables: tables, adjacencies: adjacencies, paths: paths)
        registry.add(
            NodeDescriptor(IP4Options.self) { _ in
                IP4Options(RouteRecorder(exits: exits, addresses: addresses, seed: hashSeed.value))
            })
        registry.add(
            NodeDescriptor(IP4Lookup.self) { seat in
                let counters = loadBalances.counters.slot(seat.worker)
                return IP4Lookup(
                    tables: tables,
                    balancer: Balancer(table: tables.loadBalances, counters: counters, seed: hashSeed.value)
                )
            })
        registry.add(
            NodeDescriptor(IP4Path.self) { _ in IP4Path(LabelPusher(paths: paths, adjacencies: adjacencies)) })
        registry.add(
            NodeDescriptor(IP4Rewrite.self) { [icmp = icmp.reader] seat in
                IP4Rewrite(
                    EthernetRewriter(
                        adjacencies: adjacencies, paths: paths, counters: counters.slot(seat.worker)), settings: icmp)
            })
        registry.add(NodeDescriptor(IP4Fragment.self) { _ in IP4Fragment() })
        registry.add(NodeDescriptor(IP4Glean.self) { _ in IP4Glean(adjacencies: adjacencies, neighbors: neighbors) })
        registry.add(NodeDescriptor(IP4ARP.self) { _ in IP4ARP(adjacencies: adjacencies, neighbors: neighbors) })
        registry.add(NodeDescriptor(IP4Local.self) { _ in IP4Local(tables: tables, claims: claims) })
        registry.add(NodeDescriptor(IP4ICMPEcho.self) { _ in IP4ICMPEcho() })
        registry.add(
            NodeDescriptor(IP4NoForwarding.self) {
                IP4NoForwarding(adjacencies: adjacencies, interfaces: $0.interfaces, tables: tables)
            })
        registry.add(
            NodeDescriptor(IP4ICMPError.self) { [icmp = icmp.reader] _ in
                IP4ICMPError(tables: tables, addresses: addresses, settings: icmp)
            })
        registry.add(
            NodeDescriptor(IP4TCPReset.self) { [icmp = icmp.reader] _ in IP4TCPReset(tables: tables, settings: icmp) })
        registry.add(
            NodeDescriptor(IP4Redirect.self) { [icmp = icmp.reader] _ in
                IP4Redirect(tables: tables, adjacencies: adjacencies, networks: networks, settings: icmp)
            })
    }

    /// Packets with options and broadcasts visit the same features as all others: no way around a firewall.
    private func addFeatureArcs(_ registry: Registry) {
        registry.add(
            FeatureArc(
                "ip4-unicast", by: .receive,
                startsAt: [("ip4-input", "lookup"), ("ip4-input", "local"), ("ip4-options", "lookup")],
                endsAt: IP4Lookup.name))
        registry.add(
            FeatureArc(
                "ip4-output", by: .transmit,
                startsAt: [
                    ("ip4-rewrite", "output"), ("ip4-redirect", "output"), ("ip4-no-forwarding", "output"),
                ],
                endsAt: InterfaceOutput.name))
    }
}
