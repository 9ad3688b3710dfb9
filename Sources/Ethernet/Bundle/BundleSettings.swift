// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// One `bundle` interface as it stands in the file, checked.
struct BundleSettings: Sendable {
    /// Whether the links are agreed upon with the other side.
    enum LACP: String, CaseIterable, Sendable, Encodable {
        case off, passive, active
    }

    /// How often the other side is to be heard.
    enum Rate: String, CaseIterable, Sendable, Encodable {
        case slow, fast
    }

    struct Member: Sendable {
        let name: String
        /// Lower ones are used first.
        let priority: UInt16
        let setting: Setting
    }

    static let standardPriority = 32_768
    private static let priority = Schema.integer(0...65_535)
    static let memberCount = 1...BundleChoices.places

    static let keys: [Schema.Key] = [
        .required(
            "members",
            .list(
                of: .either([
                    .text(.name),
                    .object([
                        .required("port", .text(.name), "The port"),
                        .key(
                            "priority", priority,
                            "Which members are used, if not all of them, those of the lowest; 32768 if absent"),
                    ]),
                ]), count: memberCount), "The ports, 1 to 8, by name or with a priority"),
        .key(
            "lacp", .choice(of: LACP.self),
            "Whether the links are agreed upon with the other side: active, passive (speaks when spoken to) or off; active "
                + "if absent"),
        .key(
            "rate", .choice(of: Rate.self),
            "How often LACP wants to hear of the other side: fast (each second, lost after 3 s) or slow (each 30 s, lost "
                + "after 90 s); slow if absent"),
        .key(
            "hash", .choice(BundleHash.allCases.map(\.name)),
            "What makes a flow, which keeps to one member: l2 (stations, VLAN), l3 (IP addresses) or l34 (and ports); l34 "
                + "if absent"),
        .key(
            "minimum-links", .integer(memberCount), "Links without which the bundle is down; 1 if absent"),
        .key(
            "maximum-links", .integer(memberCount),
            "Links that are used at a time, others stand by; all if absent"),
        .key(
            "system-priority", priority, "The side with the lower one says which links stand by; 32768 if absent"),
        .key("mac", .text(.any), "Own Ethernet address; the first member's if absent"),
        .key(
            "mtu", .integer(68...16_000),
            "Longest network-layer packet, bytes; the least of the members' if absent"),
    ]

    let name: String
    let members: [Member]
    let lacp: LACP
    let rate: Rate
    let hash: BundleHash
    let minimum: Int
    let maximum: Int
    let systemPriority: UInt16
    let mac: MACAddress?
    let mtu: Setting?

    init(
        _ name: String, _ setting: Setting, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) {
        self.name = name
        lacp = try setting["lacp"]?.choice(of: LACP.self) ?? .active
        rate = try setting["rate"]?.choice(of: Rate.self) ?? .slow
        hash =
            try setting["hash"].flatMap { value throws(ConfigurationError) in
                try BundleHash(name: value.string)
            } ?? .l34
        systemPriority = UInt16(
            try setting["system-priority"]?.integer(in: 0...65_535) ?? BundleSettings.standardPriority)
        mac = try setting["mac"]?.station
        mtu = setting["mtu"]
        members = try BundleSettings.members(setting.required("members"), &errors)
        minimum = try setting["minimum-links"]?.integer(in: BundleSettings.memberCount) ?? 1
        maximum = try setting["maximum-links"]?.integer(in: BundleSettings.memberCount) ?? members.count
        if let place = setting["minimum-links"], minimum > members.count {
            errors.append(place.error("\(minimum) are more links than \(name) has", "give \(members.count) or less"))
        }
        if let place = setting["maximum-links"], maximum < minimum {
            errors.append(place.error("of \(maximum) links there are never \(minimum)", "give \(minimum) or more"))
        }
        if lacp == .off, let place = setting["rate"] ?? setting["system-priority"] {
            errors.append(place.error("without LACP this means nothing", "leave it out, or set 'lacp: active'"))
        }
    }

    private static func members(
        _ setting: Setting, _ errors: inout ConfigurationErrors
    ) throws(ConfigurationError) -> [Member] {
        var members: [Member] = []
        for element in try setting.list {
            let port = port(element)
            let name = try port.string
            let priority = try element["priority"]?.integer(in: 0...65_535) ?? standardPriority
            if members.contains(where: { $0.name == name }) {
                errors.append(port.error("\(name) is named twice", "name each member once"))
                continue
            }
            members.append(Member(name: name, priority: UInt16(priority), setting: port))
        }
        return members
    }

    /// Where an element of the list names its port.
    static func port(_ element: Setting) -> Setting { element["port"] ?? element }
}
