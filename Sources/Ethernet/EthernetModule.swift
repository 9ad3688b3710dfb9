// SPDX-License-Identifier: Apache-2.0
import Graph

/// The link layer: where frames from devices enter the graph, sub-interfaces, bundles, and bridge domains.
@ControlPlane
public final class EthernetModule: Module {
    public nonisolated static let name = "ethernet"

    private var engine: Engine!
    /// The bridge domains.
    public private(set) var bridges: BridgeStore!
    private var bridgesSection: BridgesSection?
    private var crossConnects: CrossConnectsSection?
    private var tags: TagStore!
    /// Whose a port's frames are.
    public private(set) var subInterfaces: SubInterfaceFinder!
    /// The bundles.
    var bundles: BundleManager!
    unowned var registry: Registry!

    public init() {}

    public func register(in registry: Registry) {
        engine = registry.engine
        self.registry = registry
        let tags = TagStore(interfaces: registry.engine.interfaceTable)
        self.tags = tags
        subInterfaces = SubInterfaceFinder(interfaces: registry.engine.interfaceTable, tags: tags.table)
        registry.add(NodeDescriptor(EthernetInput.self) { [table = tags.table] in EthernetInput($0, tags: table) })
        registry.add(
            NodeDescriptor(VLANOutput.self) { [table = tags.table] in
                VLANOutput(interfaces: $0.interfaces, tags: table)
            })
        registry.add(
            NodeDescriptor(VLANRewrite.self) { [table = tags.table] in
                VLANRewrite(interfaces: $0.interfaces, tags: table)
            })
        registry.add(VLANDriver.driver(registry.engine, tags))
        bridges = BridgeStore(engine: registry.engine, tags: tags.table)
        addBridges(registry)
        addBundles(registry)
        registry.add(.deviceInput.starting(alsoAt: (BundleInput.name, BundleInput.Next.ethernet.name)))
        registry.add(.interfaceOutput)
        registry.add(NodeDescriptor(WorkerHandoff.self) { WorkerHandoff($0) })
        registry.add(Feature(WorkerHandoff.name, on: FeatureArc.deviceInput.name))
        registry.add(handoffAttribute)
    }

    public func objections(to file: Setting) -> [ConfigurationError] {
        let members = bridgesSection?.entries.flatMap(\.members) ?? []
        return tags.objections(to: file) + (bridgesSection?.objections(to: file) ?? [])
            + (crossConnects?.objections(to: file, members: members) ?? [])
            + bundleObjections(to: file)
    }

    private func addBridges(_ registry: Registry) {
        let (table, fdb, counts) = (bridges.table, bridges.fdb, bridges.counts)
        registry.add(
            NodeDescriptor(BridgeInput.self) { [scratch = bridges.scratch] in
                BridgeInput($0, table, fdb, counts, scratch)
            })
        registry.add(NodeDescriptor(BridgeFlood.self) { BridgeFlood($0, table, counts) })
        let listening = bridges.listeners.reader
        let process = registry.add(process: "bridge-control") { [unowned self] in bridges.listeners.receive($0, engine)
        }
        registry.add(NodeDescriptor(BridgeControl.self) { _ in BridgeControl(table, listening, process) })
        registry.add(NodeDescriptor(BridgeARP.self) { BridgeARP($0, table) })
        registry.add(NodeDescriptor(CrossConnect.self) { CrossConnect($0, table) })
        registry.add(NodeDescriptor(BridgeOutput.self) { [tags = tags.table] in BridgeOutput($0, table, tags) })
        registry.add(NodeDescriptor(BVIOutput.self) { _ in BVIOutput() })
        registry.add(BVIDriver.driver(registry.engine))
        registry.add(
            Section(BridgesSection.key, BridgesSection.schema) { [unowned self] setting throws(ConfigurationErrors) in
                let section = try BridgesSection(setting)
                bridgesSection = section
                return { [unowned self] in try section.apply(to: bridges) }
            })
        registry.add(
            Section(CrossConnectsSection.key, CrossConnectsSection.schema) {
                [unowned self] setting throws(ConfigurationErrors) in
                let section = try CrossConnectsSection(setting)
                crossConnects = section
                return { [unowned self] in section.apply(to: bridges) }
            })
        for command in BridgeCommands(bridges).all { registry.add(command) }
        registry.add(CrossConnectReport.command(bridges))
    }

    /// `interfaces.NAME.handoff: true`
    private var handoffAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "handoff", .boolean,
            "Spread this interface's packets over the workers by flow, for devices with fewer queues than workers; "
                + "false if absent")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let isOn = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in try setting.boolean }
            return { [unowned self] interface in
                try engine.setFeature(WorkerHandoff.name, on: FeatureArc.deviceInput.name, interface: interface, isOn)
            }
        }
    }
}
