// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `interfaces.NAME.reverse-path: strict`
extension IPModule {
    func addReversePath(_ registry: Registry) {
        let check = ReversePathCheck(
            tables: fib.readers, adjacencies: fib.adjacencies.table, paths: fib.paths.table, modes: reversePathModes)
        registry.add(NodeDescriptor(IP4ReversePath.self) { _ in IP4ReversePath(check: check) })
        registry.add(NodeDescriptor(IP6ReversePath.self) { _ in IP6ReversePath(check: check) })
        for (node, arc) in IPModule.reversePathFeatures { registry.add(Feature(node, on: arc)) }
        registry.add(reversePathAttribute)
    }

    private static let reversePathFeatures = [
        (IP4ReversePath.name, "ip4-unicast"), (IP6ReversePath.name, "ip6-unicast"),
    ]

    /// Checks the sources of packets that come in at the interface, or with nil no longer.
    public func setReversePath(_ mode: ReversePathMode?, on interface: Interface) throws(GraphError) {
        if let mode { reversePathModes.set(mode, on: interface.index) }
        for (node, arc) in IPModule.reversePathFeatures {
            try engine.setFeature(node, on: arc, interface: interface, mode != nil)
        }
    }

    private var reversePathAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "reverse-path", .choice(of: ReversePathMode.self),
            "Drops packets from sources to which no route leads, or with strict, none through this interface; "
                + "no check if absent")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let mode = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in
                try setting.choice(of: ReversePathMode.self)
            }
            return { [unowned self] interface in try setReversePath(mode, on: interface) }
        }
    }
}
