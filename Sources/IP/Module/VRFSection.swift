// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `vrfs: [red, blue]` and `interfaces.NAME.vrf: red`
extension IPModule {
    private static let vrfSchema = Schema(
        .list(of: .text(.name), count: 0...(TableReaders.capacity - 1)),
        doc: "VRFs, each with its own routes; where this section is, an interface's `vrf` must be one of them")

    /// Applied before the interface's addresses, which go into the VRF's table.
    var vrfAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "vrf", .text(.name),
            "The VRF by whose routes packets that come in here are forwarded, and which has this interface's networks; "
                + "the main table if absent")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let name = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in try setting.string }
            plan.tables[AddressPlan.interfaceName(setting.path)] = name
            vrfUses.append((setting, name))
            return { [unowned self] interface in
                do throws(RouteError) {
                    fib.bind(interface, to: try fib.makeTable(named: name))
                } catch {
                    throw setting.error(error)
                }
            }
        }
    }

    var vrfsSection: Section {
        Section("vrfs", IPModule.vrfSchema) { [unowned self] setting throws(ConfigurationErrors) in
            let names = try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
                var names: [String] = []
                for element in try setting.list {
                    let name = try element.string
                    if names.contains(name) { errors.append(element.error("'\(name)' is here twice", "keep one")) }
                    names.append(name)
                }
                plan.declaredTables = Set(names)
                let known = plan.declaredTables.union([VRF.mainName])
                for (use, name) in vrfUses where !known.contains(name) {
                    errors.append(
                        use.error(
                            "there is no VRF '\(name)' in `vrfs`", Spelling.hint(for: name, among: known)))
                }
                return names
            }
            return { [unowned self] in for name in names { _ = try fib.makeTable(named: name) } }
        }
    }
}

extension Setting {
    /// The name of a VRF that the file has.
    func vrf(_ plan: AddressPlan) throws(ConfigurationError) -> String {
        let name = try string
        if let objection = plan.objection(toTable: name) { throw error(objection) }
        return name
    }
}
