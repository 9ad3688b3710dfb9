// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `interfaces.NAME.router-advertisements: {interval: 10min, prefixes: [{prefix: 2001:db8::/64}], ...}`
extension IPModule {
    private enum Preference: String, CaseIterable {
        case low, medium, high

        var value: NDPreference {
            switch self {
            case .low: .low
            case .medium: .medium
            case .high: .high
            }
        }
    }

    private static let prefixSchema = Schema.object([
        .required("prefix", .text(.ipv6Prefix), "The network"),
        .key("valid", .duration, "For how long addresses made of it hold; 30d if absent"),
        .key("preferred", .duration, "For how long they are preferred to others, no longer than valid; 7d if absent"),
        .key("on-link", .boolean, "Its addresses are neighbours; true if absent"),
        .key("autonomous", .boolean, "Hosts make addresses of it by themselves; true if absent for a /64"),
    ])

    private static let advertisementSchema = Schema.object(
        [
            .key("interval", .duration, "Longest time between two, 4s to 30min; 10min if absent"),
            .key(
                "lifetime", .duration,
                "For how long hosts take the router as a default router, 0s (not at all) or interval to 2h30min; three "
                    + "intervals if absent"),
            .key("managed", .boolean, "Hosts get addresses by DHCPv6; false if absent"),
            .key("other", .boolean, "Hosts get other configuration by DHCPv6; false if absent"),
            .key("mtu", .integer(1280...65535), "The link's MTU for hosts, bytes; not said if absent"),
            .key("hop-limit", .integer(0...255), "What hosts begin with, 0 leaves it to them; 64 if absent"),
            .key(
                "reachable-time", .duration, "For how long hosts take a neighbour as reachable; left to them if absent"),
            .key("retransmit-interval", .duration, "Between hosts' solicitations; left to them if absent"),
            .key("preference", .choice(of: Preference.self), "Among several routers (RFC 4191); medium if absent"),
            .key(
                "prefixes", .list(of: prefixSchema),
                "Networks of the link; those of the interface's addresses if absent"),
            .key("dns", .list(of: .text(.ipv6Address), count: 0...127), "DNS servers (RFC 8106); none if absent"),
            .key("dns-lifetime", .duration, "For how long these are asked; three intervals if absent"),
        ])

    var routerAdvertisementsAttribute: InterfaceAttribute {
        let key = Schema.Key.key(
            "router-advertisements", IPModule.advertisementSchema,
            "Tells hosts on the link that this is a router, and how they get addresses; {} with all defaults")
        return InterfaceAttribute(key) { [unowned self] setting throws(ConfigurationErrors) in
            let policy = try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
                try IPModule.policy(setting, &errors)
            }
            let name = AddressPlan.interfaceName(setting.path)
            guard plan.hasIPv6(name) else {
                throw ConfigurationErrors([
                    setting.error("\(name) has no IPv6", "give it an IPv6 address, or `link-local: [ipv6]`")
                ])
            }
            return { [unowned self] interface in neighbors.advertiser.set(policy, on: interface) }
        }
    }

    private static func policy(
        _ setting: Setting, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) -> RouterAdvertisementPolicy {
        var policy = RouterAdvertisementPolicy()
        if let interval = try setting["interval"]?.duration(in: .seconds(4) ... .seconds(1800)) {
            policy.interval = seconds(interval)
        }
        policy.lifetime = 3 * policy.interval
        if let lifetime = setting["lifetime"] {
            policy.lifetime = seconds(try lifetime.duration(in: .zero ... .seconds(9000)))
            if policy.lifetime > 0, policy.lifetime < policy.interval {
                throw lifetime.error("is below the interval of \(policy.interval)s", "give 0s, or the interval or more")
            }
        }
        policy.isManaged = try setting["managed"]?.boolean ?? false
        policy.hasOtherConfiguration = try setting["other"]?.boolean ?? false
        policy.mtu = try setting["mtu"]?.integer(in: 1280...65535)
        policy.hopLimit = try setting["hop-limit"]?.integer(in: 0...255) ?? 64
        policy.reachableTime = try milliseconds(setting["reachable-time"])
        policy.retransmitTime = try milliseconds(setting["retransmit-interval"])
        policy.preference = try setting["preference"]?.choice(of: Preference.self).value ?? .medium
        if let prefixes = setting["prefixes"] {
            var found: [NDPrefix] = []
            for element in try prefixes.list {
                let prefix = errors.collect { () throws(ConfigurationError) in try readPrefix(element) }
                if let prefix { found.append(prefix) }
            }
            policy.prefixes = found
        }
        for server in try setting["dns"]?.list ?? [] { policy.dnsServers.append(try server.ipv6Address()) }
        policy.dnsLifetime = 3 * policy.interval
        if let lifetime = try setting["dns-lifetime"]?.duration(in: .zero ... .seconds(86400)) {
            policy.dnsLifetime = seconds(lifetime)
        }
        return policy
    }

    private static func readPrefix(_ setting: Setting) throws(ConfigurationError) -> NDPrefix {
        let place = try setting.required("prefix")
        let prefix = try place.value("an IPv6 prefix", example: "2001:db8::/64") { IPv6Prefix($0) }
        if prefix.address.isLinkLocal || prefix.address.isMulticast {
            throw place.error("\(prefix) is no network that hosts can have addresses in", "give a global or local one")
        }
        let valid = try lifetime(setting["valid"]) ?? 2_592_000
        let preferred = try lifetime(setting["preferred"]) ?? min(604_800, valid)
        if preferred > valid, let place = setting["preferred"] {
            throw place.error("is longer than the valid lifetime", "give that at most")
        }
        let autonomous = try setting["autonomous"]?.boolean
        if autonomous == true, prefix.length != 64, let place = setting["autonomous"] {
            throw place.error("hosts make addresses of a /64 alone", "give one, or `autonomous: false`")
        }
        return NDPrefix(
            prefix, isOnLink: try setting["on-link"]?.boolean ?? true,
            isAutonomous: autonomous ?? (prefix.length == 64), validLifetime: valid, preferredLifetime: preferred)
    }

    private static func lifetime(_ setting: Setting?) throws(ConfigurationError) -> UInt32? {
        guard let setting else { return nil }
        return UInt32(clamping: seconds(try setting.duration(in: .zero ... .seconds(Int(UInt32.max) - 1))))
    }

    private static func seconds(_ duration: Duration) -> Int { Int(duration.components.seconds) }

    private static func milliseconds(_ setting: Setting?) throws(ConfigurationError) -> UInt32 {
        guard let setting else { return 0 }
        return UInt32(clamping: Int(try setting.duration(in: .zero ... .seconds(3600)) / .milliseconds(1)))
    }
}
