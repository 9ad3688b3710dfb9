// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `bridges:` the bridge domains, by name.
struct BridgesSection {
    static let key = "bridges"
    /// Seconds; what 16 bits of half seconds hold, less a good measure.
    static let agingRange = 1...16_000

    private static let limitDoc = "Stations learned at most, static ones not counted"

    private static let member = Schema.object([
        .required("interface", .string, "A port, a sub-interface (`type: vlan`) or a `type: bvi`"),
        .key(
            "split-horizon-group", .integer(1...65_535),
            "Members of the same group exchange no frames; none if absent"),
        .key("mac-limit", .integer(1...BridgeStore.capacity), "\(limitDoc); the domain's if absent"),
    ])

    static let schema = Schema.map(
        of: .object([
            .key("members", .list(of: .either([.string, member])), "The interfaces between which frames are bridged"),
            .key(
                "aging", .integer(0...agingRange.upperBound),
                "Seconds after which a silent station is forgotten; 0 for never; 300 if absent"),
            .key("mac-limit", .integer(1...BridgeStore.capacity), "\(limitDoc); 1048576 if absent"),
            .key(
                "at-mac-limit", .choice(of: AtLimit.self),
                "What becomes of frames from stations beyond a limit: forward (not learned) or drop; forward if absent"),
            .key(
                "unknown-unicast", .string,
                "Where frames to unknown stations go: flood, drop, or the name of one member; flood if absent"),
            .key(
                "static-macs", .map(of: .string),
                "Stations that stay where they are: MAC address and the member behind which it is"),
        ]), doc: "Bridge domains: interfaces between which frames are forwarded by their MAC addresses")

    enum AtLimit: String, CaseIterable {
        case forward, drop
    }

    /// One domain as it stands in the file.
    struct Entry {
        let domain: BridgeDomain
        let drops: Bool
        var members: [(name: String, setting: Setting, group: UInt16, limit: Int?)] = []
        var stations: [(mac: MACAddress, member: String, setting: Setting)] = []
    }

    private(set) var entries: [Entry] = []
    private var owners: [String: String] = [:]

    init(_ setting: Setting) throws(ConfigurationErrors) {
        var errors = ConfigurationErrors()
        let map = errors.collect { () throws(ConfigurationError) in try setting.map }
        for entry in map ?? [] {
            guard entries.count < BridgeTally.domainCapacity - 1 else {
                errors.append(
                    entry.value.error("there are \(entries.count) bridges, the most that there may be", "have fewer"))
                break
            }
            let number = UInt16(entries.count + 1)
            let found = errors.collect { () throws(ConfigurationError) in try BridgesSection.read(entry, number) }
            if var read = found {
                readMembers(entry.value, &read, &errors)
                readStations(entry.value, &read, &errors)
                entries.append(read)
            }
        }
        try errors.throwIfAny()
    }

    private static func read(_ entry: Setting.Entry, _ number: UInt16) throws(ConfigurationError) -> Entry {
        let setting = entry.value
        let unknown = try setting["unknown-unicast"]?.string ?? "flood"
        let domain = BridgeDomain(
            name: entry.key, number: number,
            aging: try setting["aging"]?.integer(in: 0...BridgesSection.agingRange.upperBound) ?? 300,
            limit: try setting["mac-limit"]?.integer(in: 1...BridgeStore.capacity) ?? BridgeStore.capacity,
            unknownUnicast: unknown == "flood" ? .flood : unknown == "drop" ? .drop : .member(unknown))
        let atLimit = try setting["at-mac-limit"]?.choice(of: AtLimit.self) ?? .forward
        return Entry(domain: domain, drops: atLimit == .drop)
    }

    private mutating func readMembers(_ setting: Setting, _ entry: inout Entry, _ errors: inout ConfigurationErrors) {
        let list = errors.collect { () throws(ConfigurationError) in try setting["members"]?.list ?? [] }
        for element in list ?? [] {
            let member = errors.collect { () throws(ConfigurationError) in
                guard case .map = element.value else { return (try element.string, element, UInt16(0), nil as Int?) }
                let name = try element.required("interface")
                return (
                    try name.string, name,
                    UInt16(try element["split-horizon-group"]?.integer(in: 1...65_535) ?? 0),
                    try element["mac-limit"]?.integer(in: 1...BridgeStore.capacity)
                )
            }
            guard let member else { continue }
            if let owner = owners[member.0] {
                errors.append(member.1.error("\(member.0) is a member of \(owner) already", "keep it in one bridge"))
                continue
            }
            owners[member.0] = entry.domain.name
            entry.members.append(member)
        }
        if case .member(let name) = entry.domain.unknownUnicast, let setting = setting["unknown-unicast"],
            !entry.members.contains(where: { $0.name == name })
        {
            errors.append(
                setting.error(
                    "'\(name)' is no member of \(entry.domain.name)", "write flood, drop or the name of a member"))
        }
    }

    private func readStations(_ setting: Setting, _ entry: inout Entry, _ errors: inout ConfigurationErrors) {
        let map = errors.collect { () throws(ConfigurationError) in try setting["static-macs"]?.map ?? [] }
        for pair in map ?? [] {
            let station = errors.collect { () throws(ConfigurationError) in
                guard let mac = MACAddress(pair.key), mac.isStation else {
                    throw ConfigurationError(
                        at: pair.mark, path: pair.value.path, "'\(pair.key)' is no station's address",
                        "give one like 02:00:00:00:00:01")
                }
                let name = try pair.value.string
                guard entry.members.contains(where: { $0.name == name }) else {
                    throw pair.value.error(
                        "'\(name)' is no member of \(entry.domain.name)",
                        Spelling.hint(for: name, among: entry.members.map(\.name)))
                }
                return (mac, name, pair.value)
            }
            if let station { entry.stations.append(station) }
        }
    }

    /// Names in this section that no interface has, and ports that cannot be members.
    func objections(to file: Setting) -> [ConfigurationError] {
        let interfaces = (try? file["interfaces"]?.map) ?? []
        let names = interfaces.map(\.key)
        var parents: [String: String] = [:]
        for interface in interfaces {
            if let parent = try? interface.value["parent"]?.string { parents[parent] = interface.key }
        }
        return entries.flatMap(\.members).compactMap { member in
            guard let interface = interfaces.first(where: { $0.key == member.name }) else {
                return member.setting.error(
                    "there is no interface '\(member.name)'", Spelling.hint(for: member.name, among: names))
            }
            if let child = parents[member.name] {
                return member.setting.error(
                    "\(member.name) has a sub-interface, \(child): whose its frames are would not be clear",
                    "make its sub-interfaces members")
            }
            guard interface.value["addresses"] == nil || (try? interface.value["type"]?.string) == BVIDriver.kind else {
                return member.setting.error(
                    "\(member.name) has addresses, but what comes in by it is bridged",
                    "give them to an interface with 'type: bvi' in \(owners[member.name] ?? "the bridge")")
            }
            return nil
        }
    }

    /// Makes the domains.
    @ControlPlane
    func apply(to store: BridgeStore) throws {
        for entry in entries {
            store.add(entry.domain)
            for member in entry.members {
                guard let interface = store.engine.interface(named: member.name) else { continue }
                store.add(
                    interface, to: entry.domain, group: member.group, limit: member.limit, drops: entry.drops)
            }
            for station in entry.stations {
                guard let member = entry.domain.members.first(where: { $0.interface.name == station.member }) else {
                    continue
                }
                guard store.setStatic(station.mac, to: member, in: entry.domain) else {
                    throw station.setting.error("there is no room for \(station.mac)", "have fewer static addresses")
                }
            }
        }
        if !entries.isEmpty { store.sweeper.start(store) }
    }
}
