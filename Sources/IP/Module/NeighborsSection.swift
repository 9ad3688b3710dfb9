// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `neighbors:` static entries, and how dynamic ones behave.
extension IPModule {
    private struct StaticNeighbor {
        let setting: Setting
        let interface: String
        let address: IPAddress
        let mac: MACAddress
    }

    private static let entriesSchema = Schema.list(
        of: .object([
            .required("interface", .text(.name), "The interface on whose link the neighbour is"),
            .required("address", .text(.ipAddress), "The neighbour's IPv4 or IPv6 address"),
            .required("mac", .text(.macAddress), "Its hardware address"),
        ]))

    private static let schema = Schema.either(
        [
            entriesSchema,
            .object([
                .key("static", entriesSchema, "Neighbours that are not asked for their hardware address"),
                .key("maximum", .integer(16...1_000_000), "Entries, static ones included; 65536 if absent"),
                .key(
                    "maximum-incomplete", .integer(16...65536),
                    "Neighbours per interface that have yet to answer; 1024 if absent"),
                .key(
                    "maximum-held", .integer(8...65536),
                    "Packets that wait for addresses, all together; 8 for each neighbour; 4096 if absent"),
                .key(
                    "reachable-time", .duration,
                    "How long an answer holds, half as long to half as long again; 30s if absent"),
                .key(
                    "delay-time", .duration,
                    "How long a neighbour is used after that before it is asked whether it is still there; 5s if absent"
                ),
                .key(
                    "unused-time", .duration,
                    "How long a neighbour to which nothing is sent is remembered; 10min if absent"),
                .key("retransmit-interval", .duration, "Between requests without an answer; 1s if absent"),
                .key("requests", .integer(1...10), "Requests before a neighbour is given up; 3 if absent"),
                .key(
                    "ipv4-probes", .integer(0...10),
                    "Requests for an own IPv4 address before it is used (RFC 5227 has 3); 0, at once, if absent"),
                .key(
                    "ipv6-probes", .integer(0...10),
                    "Solicitations for an own IPv6 address before it is used (RFC 4862); 1 if absent, 0 is at once"),
                .key(
                    "announcements", .integer(1...10),
                    "How often an own address is announced, 2 s apart, when it comes up; 2 if absent"),
            ]),
        ], doc: "Neighbours: a list of static ones, or a map with more to set")

    var neighborsSection: Section {
        Section("neighbors", IPModule.schema) { [unowned self] setting throws(ConfigurationErrors) in
            var isList = false
            if case .list = setting.value { isList = true }
            let entries = try readStatic(isList ? setting : setting["static"])
            let policy = try ConfigurationErrors.collecting { (_) throws(ConfigurationError) in
                try IPModule.policy(setting, neighbors.policy)
            }
            return { [unowned self] in
                neighbors.policy = policy
                for entry in entries { try add(entry) }
            }
        }
    }

    /// `current` where the file says nothing.
    private static func policy(
        _ setting: Setting, _ current: NeighborPolicy
    ) throws(ConfigurationError) -> NeighborPolicy {
        var policy = current
        if let maximum = try setting["maximum"]?.integer(in: 16...1_000_000) { policy.maximum = maximum }
        if let maximum = try setting["maximum-incomplete"]?.integer(in: 16...65536) {
            policy.maximumIncomplete = maximum
        }
        if let maximum = try setting["maximum-held"]?.integer(in: 8...65536) { policy.maximumHeld = maximum }
        if let probes = try setting["ipv4-probes"]?.integer(in: 0...10) { policy.ip4Probes = probes }
        if let probes = try setting["ipv6-probes"]?.integer(in: 0...10) { policy.ip6Probes = probes }
        if let count = try setting["announcements"]?.integer(in: 1...10) { policy.announcements = count }
        if let requests = try setting["requests"]?.integer(in: 1...10) { policy.requests = requests }
        if let time = try setting["delay-time"]?.duration(in: .milliseconds(10) ... .seconds(3600)) {
            policy.delayTime = Int(time / .milliseconds(1))
        }
        if let time = try setting["unused-time"]?.duration(in: .seconds(1) ... .seconds(86400)) {
            policy.unusedTime = Int(time / .milliseconds(1))
        }
        if let time = try setting["reachable-time"]?.duration(in: .seconds(1) ... .seconds(86400)) {
            policy.reachableTime = Int(time / .milliseconds(1))
        }
        if let time = try setting["retransmit-interval"]?.duration(in: .milliseconds(10) ... .seconds(60)) {
            policy.retransmitInterval = Int(time / .milliseconds(1))
        }
        return policy
    }

    private func readStatic(_ setting: Setting?) throws(ConfigurationErrors) -> [StaticNeighbor] {
        guard let setting else { return [] }
        return try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            var found: [StaticNeighbor] = []
            for element in try setting.list {
                let entry = errors.collect { () throws(ConfigurationError) in try readStatic(entry: element) }
                if let entry { found.append(entry) }
            }
            return found
        }
    }

    private func readStatic(entry: Setting) throws(ConfigurationError) -> StaticNeighbor {
        let address = try entry.required("address")
        let found = StaticNeighbor(
            setting: entry, interface: try entry.required("interface").string, address: try address.ipAddress(),
            mac: try entry.required("mac").macAddress())
        if let objection = plan.objection(toNeighbor: found.address, on: found.interface) {
            throw address.error(objection)
        }
        guard found.mac.isStation else {
            throw try entry.required("mac").error(
                "\(found.mac) is not one station's address", "give a unicast MAC address")
        }
        return found
    }

    private func add(_ entry: StaticNeighbor) throws(ConfigurationError) {
        guard let interface = engine.interface(named: entry.interface) else {
            throw entry.setting.error("there is no interface '\(entry.interface)'", "declare it in `interfaces`")
        }
        do throws(RouteError) {
            try neighbors.addStatic(entry.address, at: entry.mac, on: interface)
        } catch {
            throw entry.setting.error(error)
        }
    }
}
