// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `bfd:` profiles and sessions.
extension BFDModule {
    private enum AuthenticationType: String, CaseIterable {
        case keyedMD5 = "keyed-md5"
        case meticulousMD5 = "meticulous-keyed-md5"
        case keyedSHA1 = "keyed-sha1"
        case meticulousSHA1 = "meticulous-keyed-sha1"

        var kind: BFDAuthentication.Kind {
            switch self {
            case .keyedMD5: .keyedMD5
            case .meticulousMD5: .meticulousMD5
            case .keyedSHA1: .keyedSHA1
            case .meticulousSHA1: .meticulousSHA1
            }
        }
    }

    private static let parameterKeys: [Schema.Key] = [
        .key("transmit-interval", .duration, "Between packets sent, 3300us to 60s; 300ms if absent"),
        .key("receive-interval", .duration, "Between packets that the peer may send, 3300us to 60s; 300ms if absent"),
        .key("multiplier", .integer(1...255), "Packets that may be lost in a row; 3 if absent"),
        .key("echo-interval", .duration, "Between echo packets, which the peer sends back; none are sent if absent"),
        .key(
            "echo-receive-interval", .duration,
            "Between echo packets that the peer may send, 0s for none; 50ms if absent"),
        .key("passive", .boolean, "Whether the peer has to begin; false if absent"),
        .key("minimum-ttl", .integer(1...255), "The least TTL of packets to a multihop session; 254 if absent"),
        .key(
            "authentication",
            .object([
                .required("type", .choice(of: AuthenticationType.self), "How packets are sealed"),
                .required("key-id", .integer(0...255), "The key's number"),
                .required(
                    "secret", .string, "The key: up to 16 characters for MD5, 20 for SHA1; or 0x and hexadecimal digits"
                ),
            ]), "Seals packets, and takes none without the right seal"),
    ]

    private static let sessionKeys: [Schema.Key] =
        [
            .required("peer", .text(.ipAddress), "The peer's address"),
            .key("interface", .text(.name), "Where the peer is; the one with the peer's network if absent"),
            .key("local-address", .text(.ipAddress), "The router's own address; needed with `multihop`"),
            .key("vrf", .text(.name), "The table in which the peer is, if no interface says it; main if absent"),
            .key(
                "guard", .boolean, "Whether a failure takes the peer out of use as a next hop at once; true if absent"),
            .key("multihop", .boolean, "Whether routers stand between; false if absent"),
            .key(
                "profile", .text(.name),
                "The profile whose parameters hold where the session has none; 'default' if absent"),
        ] + parameterKeys

    private static let schema = Schema.object(
        [
            .key(
                "profiles", .map(of: .object(parameterKeys), names: .name),
                "Named sets of parameters; 'default' is for sessions that name none"),
            .key("sessions", .list(of: .object(sessionKeys)), "Peers to watch"),
        ], doc: "Bidirectional forwarding detection (RFC 5880)")

    var section: Section {
        Section("bfd", BFDModule.schema) { [unowned self] setting throws(ConfigurationErrors) in
            let (profiles, sessions) = try read(setting)
            return { [unowned self] in
                for (name, parameters) in profiles { manager.setProfile(name, parameters) }
                for session in sessions { try add(session) }
            }
        }
    }

    private struct SessionSetting {
        let setting: Setting
        let peer: IPAddress
        let interface: String?
        let local: IPAddress?
        let vrf: String
        let isMultihop: Bool
        let parameters: BFDParameters
        let profile: String
        let isGuard: Bool
    }

    private func read(
        _ setting: Setting
    ) throws(ConfigurationErrors) -> ([(String, BFDParameters)], [SessionSetting]) {
        try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            var profiles: [(name: String, parameters: BFDParameters)] = []
            for entry in try setting["profiles"]?.map ?? [] {
                manager.declaredProfiles.insert(entry.key)
                let read = errors.collect { () throws(ConfigurationError) in
                    try BFDModule.parameters(entry.value, over: BFDParameters())
                }
                if let read { profiles.append((entry.key, read)) }
            }
            let known = manager.profiles.merging(profiles.map { ($0.name, $0.parameters) }) { $1 }
            var sessions: [SessionSetting] = []
            for element in try setting["sessions"]?.list ?? [] {
                let read = errors.collect { () throws(ConfigurationError) in try readSession(element, known) }
                if let read { sessions.append(read) }
            }
            return (profiles, sessions)
        }
    }

    private func readSession(
        _ setting: Setting, _ profiles: [String: BFDParameters]
    ) throws(ConfigurationError) -> SessionSetting {
        let profile = try setting["profile"]?.string ?? "default"
        guard let base = profiles[profile] else {
            throw try setting.required("profile").error(
                "there is no profile '\(profile)'", Spelling.hint(for: profile, among: Set(profiles.keys)))
        }
        let peer = try setting.required("peer")
        let read = SessionSetting(
            setting: setting, peer: try peer.ipAddress(), interface: try setting["interface"]?.string,
            local: try setting["local-address"]?.ipAddress(),
            vrf: try setting["vrf"]?.string ?? VRF.mainName, isMultihop: try setting["multihop"]?.boolean ?? false,
            parameters: try BFDModule.parameters(setting, over: base), profile: profile,
            isGuard: try setting["guard"]?.boolean ?? true)
        if let vrf = setting["vrf"], read.vrf != VRF.mainName, !ip.plan.tables.values.contains(read.vrf) {
            throw vrf.error(
                "there is no table '\(read.vrf)'", Spelling.hint(for: read.vrf, among: Set(ip.plan.tables.values)))
        }
        if read.isMultihop {
            guard read.local != nil else {
                throw setting.error("a multihop session needs its own address", "add `local-address:`")
            }
            for key in ["interface", "echo-interval"] {
                if let other = setting[key] {
                    throw other.error("\(key) does not go with `multihop`", "remove one of them")
                }
            }
        } else if let objection = ip.plan.objection(toNeighbor: read.peer, on: read.interface, in: read.vrf) {
            throw peer.error(objection)
        }
        return read
    }

    private func add(_ session: SessionSetting) throws(ConfigurationError) {
        do throws(RouteError) {
            var interface: Interface?
            if let name = session.interface {
                interface = manager.engine.interface(named: name)
                if interface == nil {
                    throw RouteError("there is no interface '\(name)'", "declare it in `interfaces`")
                }
            }
            try manager.declare(
                BFDTarget(
                    peer: session.peer, interface: interface, local: session.local,
                    vrf: ip.fib.table(named: session.vrf),
                    isMultihop: session.isMultihop), session.parameters, profile: session.profile,
                guardsNextHop: session.isGuard)
        } catch {
            throw session.setting.error(error)
        }
    }

    // MARK: - Parameters

    private static func parameters(
        _ setting: Setting, over base: BFDParameters
    ) throws(ConfigurationError) -> BFDParameters {
        var parameters = base
        if let interval = try setting["transmit-interval"]?.bfdInterval() { parameters.transmitInterval = interval }
        if let interval = try setting["receive-interval"]?.bfdInterval() { parameters.receiveInterval = interval }
        if let interval = try setting["echo-interval"]?.bfdInterval(orZero: true) { parameters.echoInterval = interval }
        if let interval = try setting["echo-receive-interval"]?.bfdInterval(orZero: true) {
            parameters.echoReceiveInterval = interval
        }
        if let multiplier = try setting["multiplier"]?.integer(in: 1...255) {
            parameters.multiplier = UInt8(multiplier)
        }
        if let isPassive = try setting["passive"]?.boolean { parameters.isPassive = isPassive }
        if let minimum = try setting["minimum-ttl"]?.integer(in: 1...255) { parameters.minimumTTL = UInt8(minimum) }
        if let authentication = setting["authentication"] {
            parameters.authentication = try self.authentication(authentication)
        }
        return parameters
    }

    private static func authentication(_ setting: Setting) throws(ConfigurationError) -> BFDAuthentication {
        let type = try setting.required("type").choice(of: AuthenticationType.self)
        let identifier = try setting.required("key-id").integer(in: 0...255)
        let secret = try setting.required("secret")
        let text = try secret.string
        let longest = type.kind.digestLength
        guard let key = key(text) else {
            throw secret.error("the secret begins with 0x, but is not hexadecimal", "give two digits for each byte")
        }
        guard
            let authentication = BFDAuthentication(type.kind, keyIdentifier: UInt8(identifier), key: key)
        else {
            throw secret.error(
                "a key of \(key.count) bytes does not do for \(type.rawValue)", "give 1 to \(longest) bytes")
        }
        return authentication
    }

    /// The bytes of a text, or those that its hexadecimal digits name.
    private static func key(_ text: String) -> [UInt8]? {
        guard text.hasPrefix("0x") else { return Array(text.utf8) }
        let digits = Array(text.dropFirst(2))
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[position...position + 1]), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}

extension Setting {
    /// An interval of BFD's in microseconds.
    fileprivate func bfdInterval(orZero: Bool = false) throws(ConfigurationError) -> UInt32 {
        if orZero, try duration() == .zero { return 0 }
        let range = BFDParameters.intervals
        let interval = try duration(in: .microseconds(range.lowerBound) ... .microseconds(range.upperBound))
        return UInt32(interval / .microseconds(1))
    }
}
