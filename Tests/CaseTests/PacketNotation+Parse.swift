// SPDX-License-Identifier: Apache-2.0
import Wire

extension PacketNotation {
    /// Words that begin a packet.
    static let beginnings: Set<String> = ["ethernet", "hex"]

    /// Reads a whole packet.
    /// - Parameter stations: MAC addresses by name.
    init(_ words: inout Words, _ stations: [String: MACAddress]) throws(CaseError) {
        while !words.isEmpty { try readHeader(&words, stations) }
        if layers.isEmpty { throw words.error("a packet is missing") }
    }

    private mutating func readHeader(_ words: inout Words, _ stations: [String: MACAddress]) throws(CaseError) {
        let word = try words.next("a header")
        switch word {
        case "hex": try readData(&words)
        case "ethernet": try readEthernet(&words, stations)
        case "vlan": try readTag(.vlan, &words)
        case "service-vlan": try readTag(.serviceVLAN, &words)
        case "arp": try readARP(&words, stations)
        case "ipv4": try readIPv4(&words)
        case "ipv6": try readIPv6(&words)
        case "hop-by-hop", "destination-options": try readOptions(word, &words)
        case "routing": try readRouting(&words)
        case "fragment": try readFragment(&words)
        case "mpls": try readLabel(&words)
        case "gre": try readGRE(&words)
        case "udp": try readUDP(&words)
        case "tcp": try readTCP(&words)
        case "icmp": try readICMP(&words)
        case "icmp6": try readICMP6(&words)
        case "neighbor-solicitation", "neighbor-advertisement", "router-solicitation", "redirect6":
            try readDiscovery(word, &words, stations)
        case "router-advertisement": try readRouterAdvertisement(&words, stations)
        case "quoting": try readQuote(&words)
        case "payload":
            let count: Int = try words.integer("the count of payload bytes")
            let first: Int = try words.field("from", 0)
            layers.append { outer, _ in outer.payload((first..<first + count).map { UInt8(truncatingIfNeeded: $0) }) }
        case "data": try readData(&words)
        case "pad": changes.append(.pad(try words.integer("pad")))
        case "cut": changes.append(.cut(try words.integer("cut")))
        case "set": changes.append(.set(try words.integer("the offset"), try words.bytes("the new bytes")))
        case "mend": changes.append(.mend)
        case "times": count = try words.integer("times")
        default: throw words.error("'\(word)' is no header and no field of the header before it")
        }
    }

    private mutating func readData(_ words: inout Words) throws(CaseError) {
        var data = try words.bytes("the data")
        while let word = words.peek, let more = hexadecimalBytes(word) {
            data += more
            _ = words.take(word)
        }
        layers.append { [data] outer, _ in outer.payload(data) }
    }

    private mutating func readEthernet(_ words: inout Words, _ stations: [String: MACAddress]) throws(CaseError) {
        let source = try words.station(stations)
        try words.expect(">")
        let destination = try words.station(stations)
        let type = words.take("type") ? EtherType(rawValue: try words.integer("type")) : nil
        layers.append { outer, _ in outer.ethernet(from: source, to: destination, type: type) }
    }

    private mutating func readTag(_ kind: EtherType, _ words: inout Words) throws(CaseError) {
        let identifier: UInt16 = try words.integer("the VLAN")
        layers.append { outer, _ in outer.vlan(identifier, kind: kind) }
    }

    private mutating func readARP(_ words: inout Words, _ stations: [String: MACAddress]) throws(CaseError) {
        let operation: ARPOperation
        if words.take("request") {
            operation = .request
        } else if words.take("reply") {
            operation = .reply
        } else {
            operation = ARPOperation(rawValue: try words.integer("the operation"))
        }
        let sender = try words.address()
        try words.expect("at")
        let senderMAC = try words.station(stations)
        try words.expect("for")
        let target = try words.address()
        let targetMAC = words.take("at") ? try words.station(stations) : .zero
        let packet = ARPPacket(
            operation, senderMAC: senderMAC, senderIP: sender, targetMAC: targetMAC, targetIP: target)
        layers.append { outer, _ in outer.arp(packet) }
    }

    private mutating func readIPv4(_ words: inout Words) throws(CaseError) {
        let source = try words.address()
        try words.expect(">")
        let destination = try words.address()
        var (timeToLive, trafficClass, offset): (UInt8, UInt8, UInt16) = (64, 0, 0)
        var identification: UInt16? = 0
        var (dontFragment, moreFragments) = (false, false)
        var given: IPProtocol?
        var options: [UInt8] = []
        fields: while let word = words.peek {
            switch word {
            case "ttl": timeToLive = try words.field("ttl", timeToLive)
            case "tos": trafficClass = try words.field("tos", trafficClass)
            case "offset": offset = try words.field("offset", offset)
            case "protocol": given = IPProtocol(rawValue: try words.field("protocol", 0))
            case "df": dontFragment = words.take(word)
            case "mf": moreFragments = words.take(word)
            case "id":
                _ = words.take(word)
                identification = words.take("any") ? nil : try words.integer("id")
            case "options":
                _ = words.take(word)
                options = try words.bytes("the options")
            default: break fields
            }
        }
        guard offset % 8 == 0 else { throw words.error("a fragment's offset is a multiple of 8") }
        layers.append {
            [identification, timeToLive, trafficClass, dontFragment, moreFragments, offset, given, options]
            outer, adopted in
            outer.ipv4(
                from: source, to: destination, timeToLive: timeToLive, trafficClass: trafficClass,
                identification: identification ?? adopted, dontFragment: dontFragment, moreFragments: moreFragments,
                fragmentUnits: offset / 8, protocol: given, options: options)
        }
    }

    private mutating func readGRE(_ words: inout Words) throws(CaseError) {
        let type = words.take("type") ? EtherType(rawValue: try words.integer("type")) : nil
        let hasChecksum = words.take("checksum")
        let key: UInt32? = words.take("key") ? try words.integer("key") : nil
        let sequence: UInt32? = words.take("sequence") ? try words.integer("sequence") : nil
        layers.append { outer, _ in outer.gre(type: type, hasChecksum: hasChecksum, key: key, sequence: sequence) }
    }

    private mutating func readUDP(_ words: inout Words) throws(CaseError) {
        let source: UInt16 = try words.integer("the source port")
        try words.expect(">")
        let destination: UInt16 = try words.integer("the destination port")
        layers.append { outer, _ in outer.udp(from: source, to: destination) }
    }

    private mutating func readTCP(_ words: inout Words) throws(CaseError) {
        let source: UInt16 = try words.integer("the source port")
        try words.expect(">")
        let destination: UInt16 = try words.integer("the destination port")
        let names: [(String, TCPFlags)] = [
            ("fin", .fin), ("syn", .syn), ("rst", .rst), ("psh", .psh), ("ack", .ack), ("urg", .urg),
        ]
        var flags: TCPFlags = []
        while let known = names.first(where: { $0.0 == words.peek }) {
            flags.insert(known.1)
            _ = words.take(known.0)
        }
        let sequence: UInt32 = try words.field("sequence", 0)
        let acknowledgement: UInt32 = try words.field("acknowledgement", 0)
        let window: UInt16 = try words.field("window", 65535)
        layers.append { [flags] outer, _ in
            outer.tcp(
                from: source, to: destination, flags: flags, sequenceNumber: sequence,
                acknowledgement: acknowledgement, window: window)
        }
    }

    private mutating func readICMP(_ words: inout Words) throws(CaseError) {
        let name = try words.next("the ICMP type")
        guard var message = ICMPName.message(name) else { throw words.error("'\(name)' is no ICMP message") }
        message.code = try words.field("code", message.code)
        if words.take("id") {
            message.rest = UInt32(try words.integer("id", as: UInt16.self)) << 16 | message.rest & 0xffff
        }
        if words.take("sequence") {
            message.rest = message.rest & 0xffff_0000 | UInt32(try words.integer("sequence", as: UInt16.self))
        }
        if words.take("mtu") { message.rest = UInt32(try words.integer("mtu", as: UInt16.self)) }
        if words.take("pointer") { message.rest = UInt32(try words.integer("pointer", as: UInt8.self)) << 24 }
        if words.take("rest") { message.rest = try words.bytes("rest").reduce(0) { $0 << 8 | UInt32($1) } }
        layers.append { [message] outer, _ in outer.icmp(message) }
    }

    /// What stands behind is a packet of its own, of which a part is this one's data.
    private mutating func readQuote(_ words: inout Words) throws(CaseError) {
        let limit = words.peek.flatMap { Int($0) }
        if let limit { _ = words.take("\(limit)") }
        let outerLayers = layers
        layers = []
        while !words.isEmpty, words.peek != "times" { try readHeader(&words, [:]) }
        let quoted = Array(PacketNotation(layers: layers, changes: changes).bytes().prefix(limit ?? .max))
        layers = outerLayers + [{ outer, _ in outer.payload(quoted) }]
        changes = []
    }
}

/// ICMP messages by the names that case files have for them.
enum ICMPName {
    static let queries: [(name: String, type: ICMPv4Type)] = [
        ("echo-request", .echoRequest), ("echo-reply", .echoReply), ("time-exceeded", .timeExceeded),
        ("parameter-problem", .parameterProblem), ("redirect", .redirect), ("source-quench", .sourceQuench),
        ("timestamp-request", .timestampRequest), ("timestamp-reply", .timestampReply),
    ]

    static let unreachables: [(name: String, reason: ICMPv4Unreachable)] = ICMPv4Unreachable.allCases.map {
        ("\($0)".replacing(" ", with: "-"), $0)
    }

    static func message(_ name: String) -> ICMPv4Message? {
        if let found = queries.first(where: { $0.name == name }) { return ICMPv4Message(type: found.type) }
        if let found = unreachables.first(where: { $0.name == name }) { return .unreachable(found.reason) }
        return UInt8(name).map { ICMPv4Message(type: ICMPv4Type(rawValue: $0)) }
    }

    static func name(_ type: ICMPv4Type, code: UInt8) -> String {
        if type == .destinationUnreachable, let found = unreachables.first(where: { $0.reason.rawValue == code }) {
            return found.name
        }
        let name = queries.first { $0.type == type }?.name ?? "\(type.rawValue)"
        return code == 0 ? name : "\(name) code \(code)"
    }
}
