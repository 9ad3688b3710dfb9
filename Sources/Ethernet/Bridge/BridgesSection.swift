// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `bridges:` the bridge domains, by name.
struct BridgesSection {
    static let key = "bridges"
    /// Seconds; what 16 bits of half seconds hold, less a good measure.
    static let agingRange = 1...16_000

    static let limitDoc = "Stations learned at most, static ones not counted"

    static let schema = Schema.map(
        of: .object([
            .key(
                "members", .list(of: .either([.string, BridgeMemberEntry.schema])),
                "The interfaces between which frames are bridged"),
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
            .key(
                "move-limit", .integer(1...255),
                "How often a station may move in 'move-interval'; beyond that it stays where it is until the interval is over; "
                    + "any number if absent"),
            .key("move-interval", .integer(1...3600), "Seconds; 10 if absent"),
            .key(
                "at-move-limit", .choice(of: AtLimit.self),
                "What becomes of frames from stations that move too often: forward or drop; forward if absent"),
            .key(
                "arp-termination", .map(of: .string),
                "IPv4 addresses and their stations: requests for them are answered here and not flooded"),
        ]), doc: "Bridge domains: interfaces between which frames are forwarded by their MAC addresses")

    enum AtLimit: String, CaseIterable {
        case forward, drop
    }

    /// One domain as it stands in the file.
    struct Entry {
        let domain: BridgeDomain
        /// Of all its ports.
        let flags: BridgePortFlags
        let moves: MoveDamper.Limit
        var arp: [IPv4Address: MACAddress] = [:]
        var members: [BridgeMemberEntry] = []
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
                readARP(entry.value, &read, &errors)
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
        let atMoveLimit = try setting["at-move-limit"]?.choice(of: AtLimit.self) ?? .forward
        let moves = MoveDamper.Limit(
            moves: UInt8(try setting["move-limit"]?.integer(in: 1...255) ?? 0),
            interval: FDBStamp.units(seconds: try setting["move-interval"]?.integer(in: 1...3600) ?? 10))
        var flags: BridgePortFlags = []
        if atLimit == .drop { flags.insert(.dropsAtLimit) }
        if atMoveLimit == .drop { flags.insert(.dropsMoving) }
        return Entry(domain: domain, flags: flags, moves: moves)
    }

    private mutating func readMembers(_ setting: Setting, _ entry: inout Entry, _ errors: inout ConfigurationErrors) {
        let list = errors.collect { () throws(ConfigurationError) in try setting["members"]?.list ?? [] }
        for element in list ?? [] {
            let member = errors.collect { () throws(ConfigurationError) in try BridgeMemberEntry(element) }
            guard let member else { continue }
            if let owner = owners[member.name] {
                errors.append(
                    member.setting.error("\(member.name) is a member of \(owner) already", "keep it in one bridge"))
                continue
            }
            owners[member.name] = entry.domain.name
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

    private func readARP(_ setting: Setting, _ entry: inout Entry, _ errors: inout ConfigurationErrors) {
        let map = errors.collect { () throws(ConfigurationError) in try setting["arp-termination"]?.map ?? [] }
        for pair in map ?? [] {
            let mac = errors.collect { () throws(ConfigurationError) in try pair.value.station }
            guard let address = IPv4Address(pair.key), IPAddress.v4(address).isOneHost else {
                errors.append(
                    ConfigurationError(
                        at: pair.mark, path: pair.value.path, "'\(pair.key)' is no host's IPv4 address",
                        "give one like 192.0.2.1"))
                continue
            }
            if let mac { entry.arp[address] = mac }
        }
    }

    /// Names in this section that no interface has, and interfaces that cannot be members.
    func objections(to file: Setting) -> [ConfigurationError] {
        BridgeMemberEntry.objections(entries.flatMap(\.members), to: file) {
            "'type: bvi' in \(owners[$0] ?? "the bridge")"
        }
    }

    /// Makes the domains.
    @ControlPlane
    func apply(to store: BridgeStore) throws {
        for entry in entries {
            store.add(entry.domain, moves: entry.moves, arp: entry.arp)
            for member in entry.members {
                guard let interface = store.engine.interface(named: member.name) else { continue }
                store.add(interface, as: member, to: entry.domain, flags: entry.flags)
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
