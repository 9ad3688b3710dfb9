// SPDX-License-Identifier: Apache-2.0
import Graph

/// An interface of the file, checked and ready to be created.
struct PlannedInterface {
    let name: String
    let mark: Mark
    /// The settings that name the interfaces on which it stands.
    let lower: [Setting]
    let create: @ControlPlane () throws -> Interface

    /// In an order in which each stands behind those that it stands on; otherwise as given.
    /// - Parameter names: Of all interfaces in the file, also of those in which there were mistakes.
    /// - Throws: What stands on an interface that does not exist, or in the end on itself.
    static func inOrder(
        _ interfaces: [PlannedInterface], among names: [String]
    ) throws(ConfigurationErrors) -> [PlannedInterface] {
        var errors = ConfigurationErrors()
        let known = Set(names)
        for setting in interfaces.lazy.flatMap(\.lower) {
            guard let name = try? setting.string, !known.contains(name) else { continue }
            errors.append(setting.error("there is no interface '\(name)'", Spelling.hint(for: name, among: names)))
        }
        try errors.throwIfAny()
        var order: [PlannedInterface] = []
        var done: Set<String> = known.subtracting(interfaces.map(\.name))
        var waiting = interfaces
        while !waiting.isEmpty {
            let ready = waiting.filter { $0.lower.allSatisfy { done.contains((try? $0.string) ?? "") } }
            guard !ready.isEmpty else {
                for interface in waiting {
                    errors.append(
                        interface.lower[0].error(
                            "\(interface.name) stands, by way of others, on itself", "name the port below it"))
                }
                throw errors
            }
            order += ready
            done.formUnion(ready.map(\.name))
            waiting.removeAll { done.contains($0.name) }
        }
        return order
    }
}
