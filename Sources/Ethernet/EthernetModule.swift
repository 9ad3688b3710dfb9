// SPDX-License-Identifier: Apache-2.0
import Graph

/// The link layer: where frames from devices enter the graph, and sub-interfaces.
@ControlPlane
public final class EthernetModule: Module {
    public nonisolated static let name = "ethernet"

    private var engine: Engine!

    public init() {}

    public func register(in registry: Registry) {
        engine = registry.engine
        let tags = TagStore(interfaces: registry.engine.interfaceTable)
        registry.add(NodeDescriptor(EthernetInput.self) { [table = tags.table] in EthernetInput($0, tags: table) })
        registry.add(
            NodeDescriptor(VLANOutput.self) { [table = tags.table] in
                VLANOutput(interfaces: $0.interfaces, tags: table)
            })
        registry.add(VLANDriver.driver(registry.engine, tags))
        registry.add(.deviceInput)
        registry.add(NodeDescriptor(WorkerHandoff.self) { WorkerHandoff($0) })
        registry.add(Feature(WorkerHandoff.name, on: FeatureArc.deviceInput.name))
        registry.add(handoffAttribute)
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
