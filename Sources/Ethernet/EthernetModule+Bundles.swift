// SPDX-License-Identifier: Apache-2.0
import Graph

// What link bundles bring.
extension EthernetModule {
    func addBundles(_ registry: Registry) {
        let manager = BundleManager(engine: registry.engine)
        bundles = manager
        let process = registry.add(process: "lacp") { [unowned manager] in manager.receive($0) }
        let table = manager.table
        registry.add(NodeDescriptor(BundleInput.self) { BundleInput($0, table, lacp: process) })
        registry.add(NodeDescriptor(BundleOutput.self) { _ in BundleOutput(table) })
        registry.add(
            Feature(
                BundleInput.name, on: FeatureArc.deviceInput.name, runsAfter: [WorkerHandoff.name, "span-input"]))
        registry.add(BundleDriver.driver(manager))
        for command in BundleCommands(manager).all { registry.add(command) }
    }

    func bundleObjections(to file: Setting) -> [ConfigurationError] {
        bundles.objections(to: file, attributes: registry.interfaceAttributes.map(\.key.name))
    }

    public func start() throws { try bundles.start() }

    public func willStop() { bundles.sayFarewell() }
}
