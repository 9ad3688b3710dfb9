// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `interfaces.NAME.addresses: [10.0.0.1/24, 2001:db8::1/64, ...]`, `interfaces.NAME.link-local: [ipv6]`
extension IPModule {
    var addressesAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "addresses", .list(of: .text(.interfaceAddress)),
            "Own IPv4 and IPv6 addresses with their networks' prefix lengths; none of a family: the interface takes no "
                + "packets of it. An IPv6 link-local address is made of the MAC unless one is given")
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
                    try element.value(
                        Schema.Format.interfaceAddress.name, example: Schema.Format.interfaceAddress.example
                    ) { InterfaceAddress($0) }
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

    var linkLocalAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "link-local", .list(of: .choice(["ipv6"])),
            "[ipv6] gives the interface IPv6 by a link-local address alone; with an IPv6 address it has one anyway")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let isOn = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in
                try !setting.list.isEmpty
            }
            if isOn { plan.linkLocal.insert(AddressPlan.interfaceName(setting.path)) }
            return { [unowned self] interface in
                guard isOn else { return }
                do throws(RouteError) {
                    try interfaces.enableIPv6(interface)
                } catch {
                    throw setting.error(error)
                }
            }
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
