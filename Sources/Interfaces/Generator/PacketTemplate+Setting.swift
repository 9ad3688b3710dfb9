// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// How an entry of a generator's `packets` is read.
extension PacketTemplate {
    /// The most packets that one generator makes.
    static let countLimit = 1 << 24
    /// Ranges longer than this are not walked to their end unless `count` says so.
    private static let defaultCount: UInt128 = 65536

    /// - Parameters:
    ///   - station: The interface's own address: where packets go unless the file says otherwise.
    ///   - capacity: Bytes that a buffer holds.
    init(_ setting: Setting, to station: MACAddress, capacity: Int) throws(ConfigurationError) {
        ethernet = try Ethernet(setting["ethernet"], to: station)
        for element in try PacketTemplate.elements(setting["vlan"]) { tags.append(try VLAN(element)) }
        for element in try PacketTemplate.elements(setting["mpls"]) { labels.append(try MPLS(element)) }
        try PacketTemplate.exclude(["ipv4", "ipv6"], setting)
        if let header = setting["ipv4"] { ipv4 = try IPv4(header) }
        if let header = setting["ipv6"] { ipv6 = try IPv6(header) }
        transport = try PacketTemplate.transport(setting)
        if let text = setting["payload"] {
            payload = try text.value("hexadecimal bytes", example: "de ad be ef", [UInt8].init(hexadecimal:))
        }
        if let sizes = setting["size"] { size = try PacketTemplate.sizes(sizes) }
        count = 1
        let longest = fields.map(\.count).max() ?? 1
        let limit = 1...PacketTemplate.countLimit
        count = try setting["count"]?.integer(in: limit) ?? Int(min(longest, PacketTemplate.defaultCount))
        guard largestSize <= capacity else {
            throw (setting["size"] ?? setting).error(
                "the packets do not fit in a buffer, which holds \(capacity) bytes",
                "make them shorter, or set a larger 'buffers.size'")
        }
    }

    private static func transport(_ setting: Setting) throws(ConfigurationError) -> Transport? {
        let names = ["udp", "tcp", "icmp", "icmp6"]
        try exclude(names, setting)
        guard let name = names.first(where: { setting[$0] != nil }), let header = setting[name] else { return nil }
        let needed = name == "icmp" ? ["ipv4"] : name == "icmp6" ? ["ipv6"] : ["ipv4", "ipv6"]
        if needed.allSatisfy({ setting[$0] == nil }) {
            let advice = needed.map { "'\($0):'" }.joined(separator: " or ")
            throw setting.error("'\(name)' needs an IP header before it", "add \(advice)")
        }
        switch name {
        case "udp":
            return .udp(
                source: try port.read(try header.required("source")),
                destination: try port.read(try header.required("destination")))
        case "tcp":
            return .tcp(
                source: try port.read(try header.required("source")),
                destination: try port.read(try header.required("destination")),
                sequence: try long.read(header["sequence"]) ?? 0, flags: try flags(header["flags"]),
                window: try header["window"]?.integer() ?? .max)
        case "icmp6":
            return .icmp6(
                type: try header["type"]?.integer() ?? ICMPv6Type.echoRequest.rawValue,
                code: try header["code"]?.integer() ?? 0, identifier: try short.read(header["identifier"]) ?? 0,
                sequence: try short.read(header["sequence"]) ?? 0)
        default:
            return .icmp(
                type: try header["type"]?.integer() ?? ICMPv4Type.echoRequest.rawValue,
                code: try header["code"]?.integer() ?? 0, identifier: try short.read(header["identifier"]) ?? 0,
                sequence: try short.read(header["sequence"]) ?? 0)
        }
    }

    private static func exclude(_ names: [String], _ setting: Setting) throws(ConfigurationError) {
        let given = names.filter { setting[$0] != nil }
        if given.count > 1 {
            throw setting.error("\(given.joined(separator: " and ")) exclude each other", "keep one of them")
        }
    }

    private static func flags(_ setting: Setting?) throws(ConfigurationError) -> TCPFlags {
        guard let setting else { return .ack }
        var flags: TCPFlags = []
        for element in try setting.list { flags.formUnion(try element.choice(of: Flag.self).bits) }
        return flags
    }

    private static func sizes(_ setting: Setting) throws(ConfigurationError) -> FieldValues {
        guard case .scalar(imix) = setting.value else { return try bytes.read(setting) }
        // The simple IMIX of 40, 576 and 1500 bytes of IP.
        let sizes: [UInt128] = [60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60]
        return FieldValues(sizes.map { $0...$0 }, step: 1, isRandom: false)
    }

    /// One element, or those of a list.
    private static func elements(_ setting: Setting?) throws(ConfigurationError) -> [Setting] {
        guard let setting else { return [] }
        guard case .list(let elements) = setting.value else { return [setting] }
        return elements
    }
}

extension PacketTemplate.Ethernet {
    fileprivate init(_ setting: Setting?, to station: MACAddress) throws(ConfigurationError) {
        let neighbour = MACAddress(derivedFrom: "\(station) neighbour")
        source = try FieldNotation.mac.read(setting?["source"]) ?? FieldValues(UInt128(neighbour.value))
        destination = try FieldNotation.mac.read(setting?["destination"]) ?? FieldValues(UInt128(station.value))
        type = try setting?["type"]?.integer()
    }
}

extension PacketTemplate.VLAN {
    fileprivate init(_ setting: Setting) throws(ConfigurationError) {
        guard case .map = setting.value else {
            self.init(identifier: try PacketTemplate.identifier.read(setting), priority: 0, kind: .vlan)
            return
        }
        let kind: PacketTemplate.TagKind = try setting["kind"]?.choice() ?? .customer
        self.init(
            identifier: try PacketTemplate.identifier.read(try setting.required("id")),
            priority: try setting["priority"]?.integer(in: 0...7) ?? 0, kind: kind == .service ? .serviceVLAN : .vlan)
    }
}

extension PacketTemplate.IPv4 {
    fileprivate init(_ setting: Setting) throws(ConfigurationError) {
        source = try FieldNotation.ipv4.read(try setting.required("source"))
        destination = try FieldNotation.ipv4.read(try setting.required("destination"))
        timeToLive = try PacketTemplate.hops.read(setting["ttl"]) ?? 64
        identification = try PacketTemplate.short.read(setting["identification"]) ?? 0
        dscp = try setting["dscp"]?.integer(in: 0...63) ?? 0
        dontFragment = try setting["dont-fragment"]?.boolean ?? false
        `protocol` = try setting["protocol"]?.integer()
    }
}

extension PacketTemplate.IPv6 {
    fileprivate init(_ setting: Setting) throws(ConfigurationError) {
        source = try FieldNotation.ipv6.read(try setting.required("source"))
        destination = try FieldNotation.ipv6.read(try setting.required("destination"))
        hopLimit = try PacketTemplate.hops.read(setting["hop-limit"]) ?? 64
        flowLabel = try PacketTemplate.flowLabel.read(setting["flow-label"]) ?? 0
        dscp = try setting["dscp"]?.integer(in: 0...63) ?? 0
        nextHeader = try setting["next-header"]?.integer()
    }
}

extension PacketTemplate.MPLS {
    fileprivate init(_ setting: Setting) throws(ConfigurationError) {
        guard case .map = setting.value else {
            self.init(label: try PacketTemplate.label.read(setting), timeToLive: 64, trafficClass: 0)
            return
        }
        self.init(
            label: try PacketTemplate.label.read(try setting.required("label")),
            timeToLive: try PacketTemplate.hops.read(setting["ttl"]) ?? 64,
            trafficClass: try setting["class"]?.integer(in: 0...7) ?? 0)
    }
}
