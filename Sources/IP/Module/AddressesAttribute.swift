// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `interfaces.NAME.addresses: [10.0.0.1/24, ...]`
extension IPModule {
    var addressesAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "addresses", .list(of: .text(.ipv4InterfaceAddress)),
            "Own IPv4 addresses with their networks' prefix lengths; none: the interface takes no IPv4 packets")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let addresses = try readAddresses(setting)
            return { [unowned self] interface in
                for (setting, own) in addresses {
                    do throws(RouteError) {
                        try interfaces.add(own, to: interface)
                    } catch {
                        throw setting.error(error)
                    }
                }
            }
        }
    }

    private func readAddresses(_ setting: Setting) throws(ConfigurationErrors) -> [(Setting, InterfaceAddress)] {
        let interface = AddressPlan.interfaceName(setting.path)
        return try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            var found: [(Setting, InterfaceAddress)] = []
            for element in try setting.list {
                let own = errors.collect { () throws(ConfigurationError) in
                    try element.value("an IPv4 address with its prefix length", example: "10.0.0.1/24") {
                        InterfaceAddress($0)
                    }
                }
                guard let own else { continue }
                if let objection = plan.add(own, to: interface) {
                    errors.append(element.error(objection))
                } else {
                    found.append((element, own))
                }
            }
            return found
        }
    }
}

extension AddressPlan {
    /// The NAME of "interfaces.NAME.addresses", which may have points in it.
    static func interfaceName(_ path: String) -> String {
        let parts = path.split(separator: ".")
        return parts.count < 3 ? path : parts[1..<(parts.count - 1)].joined(separator: ".")
    }
}
