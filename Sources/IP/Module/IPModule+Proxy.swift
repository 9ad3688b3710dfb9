// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `interfaces.NAME.proxy-arp`, `interfaces.NAME.proxy-nd`: answering for hosts behind the router.
extension IPModule {
    func addProxies(_ registry: Registry, neighbors process: ProcessIndex) {
        let tables = fib.readers
        registry.add(NodeDescriptor(NDProxy.self) { _ in NDProxy(tables: tables, neighbors: process) })
        registry.add(Feature(NDProxy.name, on: "ip6-unicast"))
        registry.add(proxyARPAttribute)
        registry.add(proxyNDAttribute)
    }

    private var proxyARPAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "proxy-arp", .boolean,
            "Answers ARP requests for hosts that are reached by another interface (RFC 1027); false if absent")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let isOn = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in try setting.boolean }
            return { [unowned self] interface in neighbors.setProxy(isOn, on: interface) }
        }
    }

    private var proxyNDAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "proxy-nd", .either([.boolean, .list(of: .text(.ipv6Block))]),
            "Answers neighbour solicitations for hosts that are reached by another interface (RFC 4861, 7.2.8): all, or "
                + "those in a list of networks and addresses; false if absent")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let scope = try IPModule.ndProxyScope(setting)
            return { [unowned self] interface in try neighbors.setNDProxy(scope, on: interface) }
        }
    }

    private static func ndProxyScope(_ setting: Setting) throws(ConfigurationErrors) -> NDProxyScope? {
        try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            guard case .list = setting.value else { return try setting.boolean ? .all : nil }
            var prefixes: [IPv6Prefix] = []
            for element in try setting.list {
                let prefix = errors.collect { () throws(ConfigurationError) in
                    try element.value(Schema.Format.ipv6Block.name, example: Schema.Format.ipv6Block.example) {
                        IPv6Prefix(block: $0)
                    }
                }
                if let prefix { prefixes.append(prefix) }
            }
            return prefixes.isEmpty ? nil : .prefixes(prefixes)
        }
    }
}

extension IPv6Prefix {
    /// A network, or an address by itself.
    fileprivate init?(block text: String) {
        if let address = IPv6Address(text) {
            self.init(address, length: 128)
        } else {
            self.init(text)
        }
    }
}

extension Schema.Format {
    fileprivate static let ipv6Block = Schema.Format(
        "an IPv6 prefix or address", example: "2001:db8:1::/64 or 2001:db8:1::5"
    ) { IPv6Prefix(block: $0) != nil }
}
