// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `interfaces.NAME.reverse-path: strict`, `interfaces.NAME.reverse-path-output: strict`
extension IPModule {
    func addReversePath(_ registry: Registry) {
        let exits = RouteExits(
            tables: fib.readers, adjacencies: fib.adjacencies.table, paths: fib.paths.table)
        let check = ReversePathCheck(exits: exits, modes: reversePathModes.input)
        registry.add(NodeDescriptor(IP4ReversePath.self) { _ in IP4ReversePath(check: check) })
        registry.add(NodeDescriptor(IP6ReversePath.self) { _ in IP6ReversePath(check: check) })
        let outputCheck = ReversePathOutputCheck(exits: exits, modes: reversePathModes.output)
        registry.add(NodeDescriptor(IP4ReversePathOutput.self) { _ in IP4ReversePathOutput(check: outputCheck) })
        registry.add(NodeDescriptor(IP6ReversePathOutput.self) { _ in IP6ReversePathOutput(check: outputCheck) })
        for (node, arc) in IPModule.reversePathFeatures + IPModule.reversePathOutputFeatures {
            registry.add(Feature(node, on: arc))
        }
        registry.add(
            reversePathAttribute(
                "reverse-path",
                "Drops packets from sources to which no route leads, or with strict, none through this interface; "
                    + "no check if absent"
            ) { [unowned self] mode, interface in try setReversePath(mode, on: interface) })
        registry.add(
            reversePathAttribute(
                "reverse-path-output",
                "Of packets that leave here, drops those from sources to which no route leads by the interface's table, "
                    + "or with strict, also those to whose source one leads through this interface; no check if absent"
            ) { [unowned self] mode, interface in try setReversePathOutput(mode, on: interface) })
    }

    private static let reversePathFeatures = [
        (IP4ReversePath.name, "ip4-unicast"), (IP6ReversePath.name, "ip6-unicast"),
    ]
    private static let reversePathOutputFeatures = [
        (IP4ReversePathOutput.name, "ip4-output"), (IP6ReversePathOutput.name, "ip6-output"),
    ]

    /// Checks the sources of packets that come in at the interface, or with nil no longer.
    public func setReversePath(_ mode: ReversePathMode?, on interface: Interface) throws(GraphError) {
        if let mode { reversePathModes.input.set(mode, on: interface.index) }
        for (node, arc) in IPModule.reversePathFeatures {
            try engine.setFeature(node, on: arc, interface: interface, mode != nil)
        }
    }

    /// Checks the sources of packets that go out by the interface, or with nil no longer.
    public func setReversePathOutput(_ mode: ReversePathMode?, on interface: Interface) throws(GraphError) {
        if let mode { reversePathModes.output.set(mode, on: interface.index) }
        for (node, arc) in IPModule.reversePathOutputFeatures {
            try engine.setFeature(node, on: arc, interface: interface, mode != nil)
        }
    }

    private func reversePathAttribute(
        _ name: String, _ doc: String, _ set: @escaping @ControlPlane (ReversePathMode, Interface) throws -> Void
    ) -> InterfaceAttribute {
        let key = Schema.Key.key(name, .choice(of: ReversePathMode.self), doc)
        return InterfaceAttribute(key) { (setting) throws(ConfigurationErrors) in
            let mode = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in
                try setting.choice(of: ReversePathMode.self)
            }
            return { interface in try set(mode, interface) }
        }
    }
}
