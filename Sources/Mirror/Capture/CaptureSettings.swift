// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// How capture lists are written in the file.
enum CaptureSettings {
    static let sectionKey = "capture-lists"

    private enum Action: String, CaseIterable {
        case permit, deny
    }

    private static let fieldSchema = Schema.object([
        .required(
            "header", .choice(of: UserField.Level.self),
            "Of the packet itself, or of one that it carries in IP, GRE, MPLS or VXLAN"),
        .required("layer", .choice(of: UserField.Layer.self), "The header from whose start bytes are counted"),
        .required("offset", .integer(UserField.offsets), "Bytes from the header's start"),
        .required("length", .integer(UserField.lengths), "Bytes"),
    ])

    private static let entrySchema = Schema.object([
        .required("action", .choice(of: Action.self), "Only packets that an entry permits can be copied"),
        .key("capture", .boolean, "With `permit`: the packet is copied; false if absent"),
        .key(
            "protocol", .text(protocolFormat),
            "ipv4, ipv6, tcp, udp, sctp, icmp, icmp6, gre, esp, or a number, 0 to 255; any packet if absent"),
        .key("from", .text(prefixFormat), "Source addresses; any if absent"),
        .key("to", .text(prefixFormat), "Destination addresses; any if absent"),
        .key("from-port", .text(portFormat), "Source port, or a range; any if absent"),
        .key("to-port", .text(portFormat), "Destination port, or a range; any if absent"),
        .key("ether-type", .integer(0...0xffff), "The EtherType behind the tags; any if absent"),
        .key("label", .integer(0...0xf_ffff), "The top label of an MPLS packet; any packet if absent"),
        .key(
            "udfs", .map(of: .text(fieldFormat), names: .name),
            "By name, values of user-defined fields, or value/mask; a packet that ends before a field has no value"),
    ])

    static let schema = Schema.map(
        of: .object([
            .key(
                "udfs", .map(of: fieldSchema, names: .name),
                "Up to \(UserField.limit) user-defined fields: bytes at a place, which entries compare"),
            .required(
                "entries", .list(of: entrySchema), "The first that matches a packet decides; none, and it is not copied"
            ),
        ]), names: .name, doc: "Which packets of a source are copied, by list, which `acl` of a source names")

    // MARK: - Formats

    private static let protocols: [String: (version: UInt8, protocol: IPProtocol?)] = [
        "ipv4": (4, nil), "ipv6": (6, nil), "tcp": (0, .tcp), "udp": (0, .udp), "sctp": (0, .sctp), "icmp": (4, .icmp),
        "icmp6": (6, .icmp6), "gre": (0, .gre), "esp": (0, .esp),
    ]

    private static func parse(protocol text: String) -> (version: UInt8, protocol: IPProtocol?)? {
        protocols[text] ?? UInt8(text).map { (0, IPProtocol(rawValue: $0)) }
    }

    private static func parse(ports text: String) -> CaptureEntry.PortRange? {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard bounds.count <= 2, let first = bounds.first, let lower = first, let last = bounds.last, let upper = last,
            lower <= upper
        else { return nil }
        return CaptureEntry.PortRange(lower: lower, upper: upper)
    }

    private static func parse(field text: String) -> (value: UInt32, mask: UInt32?)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.hasPrefix("0x") ? UInt32(part.dropFirst(2), radix: 16) : UInt32(part)
        }
        guard parts.count <= 2, let first = parts.first, let value = first else { return nil }
        guard parts.count == 2 else { return (value, nil) }
        return parts[1].map { (value, $0) }
    }

    private static let protocolFormat = Schema.Format("a protocol", example: "udp or 17") {
        parse(protocol: $0) != nil
    }
    private static let prefixFormat = Schema.Format("an IPv4 or IPv6 prefix", example: "192.0.2.0/24") {
        IPPrefix($0) != nil
    }
    private static let portFormat = Schema.Format("a port or a range", example: "53 or 1024-65535") {
        parse(ports: $0) != nil
    }
    private static let fieldFormat = Schema.Format("a value or value/mask", example: "0x1234/0xffff") {
        parse(field: $0) != nil
    }

    // MARK: - Reading

    static func read(_ section: Setting) throws(ConfigurationErrors) -> [CaptureList] {
        try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
            var lists: [CaptureList] = []
            for entry in try section.map {
                let list = errors.collect { () throws(ConfigurationError) in try readList(entry.key, entry.value) }
                if let list { lists.append(list) }
            }
            return lists
        }
    }

    private static func readList(_ name: String, _ setting: Setting) throws(ConfigurationError) -> CaptureList {
        var list = CaptureList(name: name)
        if let fields = setting["udfs"] {
            for entry in try fields.map { list.fields.append((entry.key, try readField(entry.value))) }
            guard list.fields.count <= UserField.limit else {
                throw fields.error(
                    "\(list.fields.count) fields in one list", "have \(UserField.limit) or fewer, or several lists")
            }
        }
        for element in try setting.required("entries").list { list.entries.append(try readEntry(element, list)) }
        return list
    }

    private static func readField(_ setting: Setting) throws(ConfigurationError) -> UserField {
        UserField(
            level: try setting.required("header").choice(), layer: try setting.required("layer").choice(),
            offset: UInt8(try setting.required("offset").integer(in: UserField.offsets)),
            length: UInt8(try setting.required("length").integer(in: UserField.lengths)))
    }

    private static func readEntry(_ setting: Setting, _ list: CaptureList) throws(ConfigurationError) -> CaptureEntry {
        var entry = CaptureEntry()
        entry.isPermit = try setting.required("action").choice(of: Action.self) == .permit
        entry.captures = try setting["capture"]?.boolean ?? false
        if entry.captures, !entry.isPermit, let capture = setting["capture"] {
            throw capture.error("what is denied is not copied", "remove `capture:`, or permit it")
        }
        if let kind = try setting["protocol"]?.value("a protocol", example: "udp or 17", parse(protocol:)) {
            entry.version = kind.version
            entry.protocol = kind.protocol?.rawValue
        }
        entry.source = try address(setting["from"], &entry.version)
        entry.destination = try address(setting["to"], &entry.version)
        entry.sourcePorts = try setting["from-port"]?.value("a port or a range", example: "53", parse(ports:))
        entry.destinationPorts = try setting["to-port"]?.value("a port or a range", example: "53", parse(ports:))
        entry.etherType = try setting["ether-type"]?.integer()
        entry.label = try setting["label"]?.integer(in: 0...0xf_ffff)
        for use in try setting["udfs"]?.map ?? [] { try add(use, to: &entry, list) }
        return entry
    }

    private static func address(
        _ setting: Setting?, _ version: inout UInt8
    ) throws(ConfigurationError) -> CaptureEntry.MaskedAddress {
        guard let setting else { return CaptureEntry.MaskedAddress() }
        let prefix = try setting.value("an IPv4 or IPv6 prefix", example: "192.0.2.0/24") { IPPrefix($0) }
        let family: UInt8 = prefix.family == .ipv4 ? 4 : 6
        guard version == 0 || version == family else {
            throw setting.error("no packet is both IPv4 and IPv6", "have an entry for each")
        }
        version = family
        switch prefix {
        case .v4(let prefix):
            return CaptureEntry.MaskedAddress(low: UInt64(prefix.address.value), lowMask: UInt64(prefix.mask))
        case .v6(let prefix):
            let length = prefix.length
            return CaptureEntry.MaskedAddress(
                high: prefix.address.high, low: prefix.address.low,
                highMask: length == 0 ? 0 : .max << UInt64(64 - min(length, 64)),
                lowMask: length <= 64 ? 0 : .max << UInt64(128 - length))
        }
    }

    private static func add(
        _ use: Setting.Entry, to entry: inout CaptureEntry, _ list: CaptureList
    ) throws(ConfigurationError) {
        guard let number = list.fields.firstIndex(where: { $0.name == use.key }) else {
            throw use.value.error(
                "the list has no field '\(use.key)'", Spelling.hint(for: use.key, among: list.fields.map(\.name)))
        }
        let (value, mask) = try use.value.value("a value or value/mask", example: "0x1234/0xffff", parse(field:))
        let bits = UInt32(list.fields[number].field.length) * 8
        let all: UInt32 = .max >> (32 - bits)
        guard value <= all, mask ?? 0 <= all else {
            throw use.value.error("\(use.value.written) is longer than the field", "it has \(bits) bits")
        }
        entry.fields[number] = CaptureEntry.MaskedField(value: value, mask: mask ?? all)
        entry.usedFields |= 1 << UInt8(number)
    }
}
