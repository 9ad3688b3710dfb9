// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// How a template is written in the file.
extension PacketTemplate {
    private static let port = FieldNotation.number(0...0xFFFF, example: "53 or 1024-2047")
    private static let short = FieldNotation.number(0...0xFFFF, example: "1 or 1-100")
    private static let long = FieldNotation.number(0...0xFFFF_FFFF, example: "1 or 1-100")
    private static let identifier = FieldNotation.number(0...4095, example: "10 or 10-19")
    private static let hops = FieldNotation.number(0...255, example: "64")
    private static let bytes = FieldNotation.number(60...65535, example: "60, 1514 or 60-1514")
    private static let imix = "imix"
    private static let imixOrBytes = Schema.Format("imix, or \(bytes.name)", example: "imix or \(bytes.example)") {
        $0 == imix || bytes.parse($0) != nil
    }

    private enum TagKind: String, CaseIterable {
        case customer, service
    }

    static let schema: Schema = {
        let tag = Schema.either([
            .text(Schema.Format(identifier.name, example: identifier.example) { identifier.parse($0) != nil }),
            .object([
                .required("id", identifier.schema, "VLAN, 0 to 4095"),
                .key("priority", .integer(0...7), "Priority code point; 0 if absent"),
                .key("kind", .choice(of: TagKind.self), "EtherType 0x8100 (customer, if absent) or 0x88A8 (service)"),
            ]),
        ])
        return .object([
            .key(
                "ethernet",
                .object([
                    .key("source", FieldNotation.mac.schema, "A neighbour's address if absent"),
                    .key("destination", FieldNotation.mac.schema, "The interface's own address if absent"),
                    .key("type", .integer(0...0xFFFF), "EtherType of what follows; from the next header if absent"),
                ]), "Ethernet header"),
            .key("vlan", .either([tag, .list(of: tag, count: 1...4)]), "VLAN tags, the outermost first; none if absent"),
            .key(
                "ipv4",
                .object([
                    .required("source", FieldNotation.ipv4.schema, "Source address"),
                    .required("destination", FieldNotation.ipv4.schema, "Destination address"),
                    .key("ttl", hops.schema, "Time to live; 64 if absent"),
                    .key("dscp", .integer(0...63), "Differentiated services code point; 0 if absent"),
                    .key("identification", short.schema, "0 if absent"),
                    .key("dont-fragment", .boolean, "False if absent"),
                    .key("protocol", .integer(0...255), "From the next header if absent, 253 without one"),
                ]), "IPv4 header"),
            .key(
                "udp",
                .object([
                    .required("source", port.schema, "Source port"),
                    .required("destination", port.schema, "Destination port"),
                ]), "UDP header"),
            .key(
                "tcp",
                .object([
                    .required("source", port.schema, "Source port"),
                    .required("destination", port.schema, "Destination port"),
                    .key("flags", .list(of: .choice(Array(flagNames.keys).sorted())), "[ack] if absent"),
                    .key("sequence", long.schema, "Sequence number; 0 if absent"),
                    .key("window", .integer(0...0xFFFF), "Bytes; 65535 if absent"),
                ]), "TCP header"),
            .key(
                "icmp",
                .object([
                    .key("type", .integer(0...255), "8, echo request, if absent"),
                    .key("code", .integer(0...255), "0 if absent"),
                    .key("identifier", short.schema, "0 if absent"),
                    .key("sequence", short.schema, "0 if absent"),
                ]), "ICMP header"),
            .key("payload", .text(.hexadecimal), "Bytes behind the headers"),
            .key(
                "size", .either([.text(imixOrBytes), bytes.schema]),
                "Bytes of the frame without FCS, filled up behind the payload; imix is 60, 590 and 1514 as 7:4:1"),
            .key("count", .integer(1...16_777_216), "Packets to make; enough for the longest range, if absent"),
        ])
    }()

    private static let flagNames: [String: TCPFlags] = [
        "fin": .fin, "syn": .syn, "rst": .rst, "psh": .psh, "ack": .ack, "urg": .urg, "ece": .ece, "cwr": .cwr,
    ]

    /// Ranges longer than this are not walked to their end unless `count` says so.
    private static let defaultCount: UInt64 = 65536

    /// - Parameters:
    ///   - station: The interface's own address: where packets go unless the file says otherwise.
    ///   - capacity: Bytes that a buffer holds.
    init(_ setting: Setting, to station: MACAddress, capacity: Int) throws(ConfigurationError) {
        var longest: UInt64 = 1
        func field(_ parent: Setting?, _ key: String, _ notation: FieldNotation) throws(ConfigurationError) -> FieldValues? {
            guard let setting = parent?[key] else { return nil }
            let values = try notation.read(setting)
            longest = max(longest, values.count)
            return values
        }
        let neighbour = MACAddress(derivedFrom: "\(station) neighbour")
        ethernet = Ethernet(
            source: try field(setting["ethernet"], "source", .mac) ?? FieldValues(neighbour.value),
            destination: try field(setting["ethernet"], "destination", .mac) ?? FieldValues(station.value),
            type: try setting["ethernet"]?["type"]?.integer())
        if let vlan = setting["vlan"] {
            var elements = [vlan]
            if case .list(let list) = vlan.value { elements = list }
            for element in elements {
                tags.append(try PacketTemplate.tag(element))
                longest = max(longest, tags.last?.identifier.count ?? 1)
            }
        }
        if let header = setting["ipv4"] {
            _ = try header.required("source")
            _ = try header.required("destination")
            ipv4 = IPv4(
                source: try field(header, "source", .ipv4) ?? FieldValues(0),
                destination: try field(header, "destination", .ipv4) ?? FieldValues(0),
                timeToLive: try field(header, "ttl", PacketTemplate.hops) ?? FieldValues(64),
                identification: try field(header, "identification", PacketTemplate.short) ?? FieldValues(0),
                dscp: try header["dscp"]?.integer(in: 0...63) ?? 0,
                dontFragment: try header["dont-fragment"]?.boolean ?? false,
                protocol: try header["protocol"]?.integer())
        }
        let zero = FieldValues(0)
        if let header = setting["udp"] {
            transport = .udp(
                source: try field(header, "source", PacketTemplate.port) ?? zero,
                destination: try field(header, "destination", PacketTemplate.port) ?? zero)
        } else if let header = setting["tcp"] {
            transport = .tcp(
                source: try field(header, "source", PacketTemplate.port) ?? zero,
                destination: try field(header, "destination", PacketTemplate.port) ?? zero,
                sequence: try field(header, "sequence", PacketTemplate.long) ?? zero,
                flags: try PacketTemplate.flags(header["flags"]), window: try header["window"]?.integer() ?? 65535)
        } else if let header = setting["icmp"] {
            transport = .icmp(
                type: try header["type"]?.integer() ?? ICMPv4Type.echoRequest.rawValue,
                code: try header["code"]?.integer() ?? 0,
                identifier: try field(header, "identifier", PacketTemplate.short) ?? zero,
                sequence: try field(header, "sequence", PacketTemplate.short) ?? zero)
        }
        if let text = setting["payload"] {
            payload = try text.value("hexadecimal bytes", example: "'de ad be ef'", [UInt8].init(hexadecimal:))
        }
        if let setting = setting["size"] {
            let sizes = try PacketTemplate.sizes(setting)
            longest = max(longest, sizes.count)
            size = sizes
        }
        count = try setting["count"]?.integer(in: 1...16_777_216) ?? Int(min(longest, PacketTemplate.defaultCount))
        try check(setting, capacity: capacity)
    }

    private func check(_ setting: Setting, capacity: Int) throws(ConfigurationError) {
        let transports = ["udp", "tcp", "icmp"].filter { setting[$0] != nil }
        if transports.count > 1 {
            throw setting.error("\(transports.joined(separator: " and ")) exclude each other", "keep one of them")
        }
        if let transport = transports.first, ipv4 == nil {
            throw setting.error("'\(transport)' needs an IP header before it", "add 'ipv4:'")
        }
        let minimum = minimumSize
        guard max(minimum, Int(size?.largest ?? 0)) <= capacity else {
            throw (setting["size"] ?? setting).error(
                "the packets do not fit in a buffer, which holds \(capacity) bytes",
                "make them shorter, or set a larger 'buffers.chunk-size'")
        }
    }

    private static func tag(_ setting: Setting) throws(ConfigurationError) -> VLAN {
        guard case .map = setting.value else {
            return VLAN(identifier: try identifier.read(setting), priority: 0, kind: .vlan)
        }
        let kind: TagKind = try setting["kind"]?.choice() ?? .customer
        return VLAN(
            identifier: try identifier.read(try setting.required("id")),
            priority: try setting["priority"]?.integer(in: 0...7) ?? 0, kind: kind == .service ? .serviceVLAN : .vlan)
    }

    private static func flags(_ setting: Setting?) throws(ConfigurationError) -> TCPFlags {
        guard let setting else { return .ack }
        var flags: TCPFlags = []
        for element in try setting.list {
            flags.formUnion(try element.value("a TCP flag", example: "syn") { flagNames[$0] })
        }
        return flags
    }

    private static func sizes(_ setting: Setting) throws(ConfigurationError) -> FieldValues {
        guard case .scalar(imix) = setting.value else { return try bytes.read(setting) }
        // The simple IMIX of 40, 576 and 1500 bytes of IP.
        let sizes: [UInt64] = [60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60]
        return FieldValues(sizes.map { $0...$0 }, step: 1, isRandom: false)
    }
}

extension Schema.Format {
    static let hexadecimal = Schema.Format("hexadecimal bytes", example: "de ad be ef") {
        [UInt8](hexadecimal: $0) != nil
    }
}

extension [UInt8] {
    /// Bytes of two hexadecimal digits each, with spaces between them or without.
    init?(hexadecimal text: String) {
        let digits = text.filter { $0 != " " }.map(\.hexDigitValue)
        guard digits.count % 2 == 0 else { return nil }
        self = []
        for pair in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[pair], let low = digits[pair + 1] else { return nil }
            append(UInt8(high << 4 | low))
        }
    }
}
