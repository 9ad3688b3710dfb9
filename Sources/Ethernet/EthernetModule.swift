// SPDX-License-Identifier: Apache-2.0
import Graph

/// The link layer: where frames from devices enter the graph.
@ControlPlane
public final class EthernetModule: Module {
    public nonisolated static let name = "ethernet"

    public init() {}

    public func register(in registry: Registry) {
        registry.add(NodeDescriptor(EthernetInput.self) { EthernetInput(interfaces: $0.interfaces) })
    }
}
