// SPDX-License-Identifier: Apache-2.0
import Wire

// How IPv6, ICMPv6 and MPLS headers are read.
extension PacketNotation {
    mutating func readIPv6(_ words: inout Words) throws(CaseError) {
        let source = try words.address6()
        try words.expect(">")
        let destination = try words.address6()
        var (hopLimit, trafficClass): (UInt8, UInt8) = (64, 0)
        var flowLabel: UInt32 = 0
        var given: IPProtocol?
        fields: while let word = words.peek {
            switch word {
            case "hop-limit": hopLimit = try words.field(word, hopLimit)
            case "class": trafficClass = try words.field(word, trafficClass)
            case "flow": flowLabel = try words.field(word, flowLabel)
            case "next": given = try words.nextHeader()
            default: break fields
            }
        }
        layers.append { [hopLimit, trafficClass, flowLabel, given] outer, _ in
            outer.ipv6(
                from: source, to: destination, hopLimit: hopLimit, trafficClass: trafficClass, flowLabel: flowLabel,
                nextHeader: given)
        }
    }

    mutating func readOptions(_ kind: String, _ words: inout Words) throws(CaseError) {
        let options = words.takeBytes() ?? []
        let given = try words.nextHeader()
        layers.append { outer, _ in
            kind == "hop-by-hop"
                ? outer.hopByHop(options, next: given) : outer.destinationOptions(options, next: given)
        }
    }

    mutating func readRouting(_ words: inout Words) throws(CaseError) {
        let type: UInt8 = try words.integer("the type")
        let segmentsLeft: UInt8 = try words.field("left", 0)
        let data = words.takeBytes() ?? [0, 0, 0, 0]
        let given = try words.nextHeader()
        layers.append { outer, _ in outer.routing(type: type, segmentsLeft: segmentsLeft, data, next: given) }
    }

    mutating func readFragment(_ words: inout Words) throws(CaseError) {
        let identification: UInt32 = try words.field("id", 0)
        let moreFragments = words.take("mf")
        let offset: UInt16 = try words.field("offset", 0)
        guard offset % 8 == 0 else { throw words.error("a fragment's offset is a multiple of 8") }
        let given = try words.nextHeader()
        layers.append { outer, _ in
            outer.fragment6(
                units: offset / 8, moreFragments: moreFragments, identification: identification, next: given)
        }
    }

    mutating func readLabel(_ words: inout Words) throws(CaseError) {
        let label: UInt32 = try words.integer("the label")
        let trafficClass: UInt8 = try words.field("class", 0)
        let timeToLive: UInt8 = try words.field("ttl", 64)
        let isBottom: Bool? = words.take("bottom") ? true : words.take("not-bottom") ? false : nil
        layers.append { outer, _ in
            outer.mpls(label: label, trafficClass: trafficClass, timeToLive: timeToLive, isBottom: isBottom)
        }
    }

    // MARK: - ICMPv6

    mutating func readICMP6(_ words: inout Words) throws(CaseError) {
        let name = try words.next("the ICMPv6 type")
        guard var message = ICMP6Name.message(name) else { throw words.error("'\(name)' is no ICMPv6 message") }
        message.code = try words.field("code", message.code)
        if words.take("id") {
            message.rest = UInt32(try words.integer("id", as: UInt16.self)) << 16 | message.rest & 0xffff
        }
        if words.take("sequence") {
            message.rest = message.rest & 0xffff_0000 | UInt32(try words.integer("sequence", as: UInt16.self))
        }
        message.rest = try words.field("mtu", message.rest)
        message.rest = try words.field("pointer", message.rest)
        if words.take("rest") { message.rest = try words.bytes("rest").reduce(0) { $0 << 8 | UInt32($1) } }
        layers.append { [message] outer, _ in outer.icmp6(message) }
    }

    mutating func readDiscovery(
        _ kind: String, _ words: inout Words, _ stations: [String: MACAddress]
    ) throws(CaseError) {
        switch kind {
        case "neighbor-solicitation":
            let message = NeighborSolicitation(
                target: try words.address6(), station: try words.station(behind: "from", stations))
            layers.append { outer, _ in outer.discovery(message) }
        case "neighbor-advertisement":
            let target = try words.address6()
            let station = try words.station(behind: "at", stations)
            let message = NeighborAdvertisement(
                target: target, station: station, isRouter: words.take("router"), isSolicited: words.take("solicited"),
                isOverriding: words.take("override"))
            layers.append { outer, _ in outer.discovery(message) }
        case "router-solicitation":
            let message = RouterSolicitation(station: try words.station(behind: "from", stations))
            layers.append { outer, _ in outer.discovery(message) }
        default:
            let target = try words.address6()
            try words.expect("for")
            let destination = try words.address6()
            let station = try words.station(behind: "at", stations)
            let redirected = words.take("redirected") ? try words.bytes("the redirected packet") : []
            let message = Redirect6(
                target: target, destination: destination, station: station, redirected: redirected)
            layers.append { outer, _ in outer.discovery(message) }
        }
    }

    mutating func readRouterAdvertisement(
        _ words: inout Words, _ stations: [String: MACAddress]
    ) throws(CaseError) {
        var message = RouterAdvertisement()
        var servers = RouterAdvertisement.DNSServers([], lifetime: 0)
        fields: while let word = words.peek {
            switch word {
            case "hop-limit": message.hopLimit = try words.field(word, message.hopLimit)
            case "managed": message.isManaged = words.take(word)
            case "other": message.hasOtherConfiguration = words.take(word)
            case "preference":
                _ = words.take(word)
                let name = try words.next(word)
                guard let preference = NDPreference.allCases.first(where: { "\($0)" == name }) else {
                    throw words.error("'\(name)' is no preference: low, medium or high")
                }
                message.preference = preference
            case "lifetime": message.routerLifetime = try words.field(word, message.routerLifetime)
            case "reachable": message.reachableTime = try words.field(word, message.reachableTime)
            case "retransmit": message.retransmissionTime = try words.field(word, message.retransmissionTime)
            case "from": message.station = try words.station(behind: word, stations)
            case "mtu": message.mtu = try words.field(word, 0)
            case "prefix": message.prefixes.append(try words.prefix())
            case "dns":
                _ = words.take(word)
                servers.addresses.append(try words.address6())
            case "dns-lifetime": servers.lifetime = try words.field(word, 0)
            default: break fields
            }
        }
        if !servers.addresses.isEmpty { message.dnsServers = servers }
        layers.append { [message] outer, _ in outer.discovery(message) }
    }
}

extension Words {
    /// The next header that is given, right or wrong.
    fileprivate mutating func nextHeader() throws(CaseError) -> IPProtocol? {
        take("next") ? IPProtocol(rawValue: try integer("the next header")) : nil
    }

    fileprivate mutating func takeBytes() -> [UInt8]? {
        guard let word = peek, let bytes = hexadecimalBytes(word) else { return nil }
        _ = take(word)
        return bytes
    }

    fileprivate mutating func station(
        behind word: String, _ stations: [String: MACAddress]
    ) throws(CaseError) -> MACAddress? {
        take(word) ? try station(stations) : nil
    }

    /// What stands behind `prefix` in a router advertisement.
    fileprivate mutating func prefix() throws(CaseError) -> NDPrefix {
        _ = take("prefix")
        let word = try next("a prefix")
        guard let prefix = IPv6Prefix(word) else { throw error("'\(word)' is not an IPv6 prefix") }
        let isOnLink = !take("off-link")
        let isAutonomous = !take("not-autonomous")
        var option = NDPrefix(prefix, isOnLink: isOnLink, isAutonomous: isAutonomous)
        option.validLifetime = try field("valid", option.validLifetime)
        option.preferredLifetime = try field("preferred", option.preferredLifetime)
        return option
    }
}

/// ICMPv6 messages by the names that case files have for them.
enum ICMP6Name {
    static let types: [(name: String, type: ICMPv6Type)] = [
        ("echo-request", .echoRequest), ("echo-reply", .echoReply), ("packet-too-big", .packetTooBig),
        ("time-exceeded", .timeExceeded), ("parameter-problem", .parameterProblem),
    ]

    static let unreachables: [(name: String, reason: ICMPv6Unreachable)] = ICMPv6Unreachable.allCases.map {
        ("\($0)".replacing(" ", with: "-"), $0)
    }

    static func message(_ name: String) -> ICMPv6Message? {
        if let found = types.first(where: { $0.name == name }) { return ICMPv6Message(type: found.type) }
        if let found = unreachables.first(where: { $0.name == name }) { return .unreachable(found.reason) }
        return UInt8(name).map { ICMPv6Message(type: ICMPv6Type(rawValue: $0)) }
    }

    static func name(_ type: ICMPv6Type, code: UInt8) -> String {
        if type == .destinationUnreachable, let found = unreachables.first(where: { $0.reason.rawValue == code }) {
            return found.name
        }
        let name = types.first { $0.type == type }?.name ?? "\(type.rawValue)"
        return code == 0 ? name : "\(name) code \(code)"
    }
}
