// SPDX-License-Identifier: Apache-2.0
import Graph

/// The link layer: where frames from devices enter the graph.
@ControlPlane
public final class EthernetModule: Module {
    public nonisolated static let name = "ethernet"

    private var engine: Engine!

    public init() {}

    public func register(in registry: Registry) {
        engine = registry.engine
        registry.add(NodeDescriptor(EthernetInput.self) { EthernetInput(interfaces: $0.interfaces) })
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
