// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What an entry of a generator's `packets` may hold.
extension PacketTemplate {
    static let port = FieldNotation.number(0...0xFFFF, example: "53 or 1024-2047")
    static let short = FieldNotation.number(0...0xFFFF, example: "1 or 1-100")
    static let long = FieldNotation.number(0...0xFFFF_FFFF, example: "1 or 1-100")
    static let identifier = FieldNotation.number(0...4095, example: "10 or 10-19")
    static let label = FieldNotation.number(0...0xF_FFFF, example: "100 or 100-199")
    static let flowLabel = FieldNotation.number(0...0xF_FFFF, example: "1 or 1-100")
    static let hops = FieldNotation.number(0...255, example: "64")
    static let bytes = FieldNotation.number(60...65535, example: "60, 1514 or 60-1514")

    static let imix = "imix"
    private static let imixOrBytes = Schema.Format("imix, or \(bytes.name)", example: "imix or \(bytes.example)") {
        $0 == imix || bytes.parse($0) != nil
    }

    enum TagKind: String, CaseIterable {
        case customer, service
    }

    enum Flag: String, CaseIterable {
        case fin, syn, rst, psh, ack, urg, ece, cwr

        var bits: TCPFlags {
            switch self {
            case .fin: .fin
            case .syn: .syn
            case .rst: .rst
            case .psh: .psh
            case .ack: .ack
            case .urg: .urg
            case .ece: .ece
            case .cwr: .cwr
            }
        }
    }

    static let schema = Schema.object([
        .key("ethernet", ethernetSchema, "Ethernet header"),
        .key("vlan", .either([tagSchema, .list(of: tagSchema, count: 1...4)]), "VLAN tags, the outermost first"),
        .key(
            "mpls", .either([labelSchema, .list(of: labelSchema, count: 1...16)]), "MPLS labels, the uppermost first"),
        .key("ipv4", ipv4Schema, "IPv4 header"),
        .key("ipv6", ipv6Schema, "IPv6 header"),
        .key("udp", udpSchema, "UDP header"),
        .key("tcp", tcpSchema, "TCP header"),
        .key("icmp", icmpSchema(echo: 8), "ICMP header"),
        .key("icmp6", icmpSchema(echo: 128), "ICMPv6 header"),
        .key("payload", .text(.hexadecimal), "Bytes behind the headers, in hexadecimal"),
        .key(
            "size", .either([.text(imixOrBytes), bytes.schema]),
            "Bytes of the frame without FCS, filled up behind the payload; imix is 60, 590 and 1514 as 7:4:1"),
        .key("count", .integer(1...countLimit), "Packets to make; as many as the longest range has values, if absent"),
    ])

    private static let ethernetSchema = Schema.object([
        .key("source", FieldNotation.mac.schema, "A neighbour's address if absent"),
        .key("destination", FieldNotation.mac.schema, "The interface's own address if absent"),
        .key("type", .integer(0...0xFFFF), "EtherType of what follows; that of the next header if absent"),
    ])

    private static let tagSchema = Schema.either([
        identifier.textSchema,
        .object([
            .required("id", identifier.schema, "VLAN, 0 to 4095"),
            .key("priority", .integer(0...7), "Priority code point; 0 if absent"),
            .key("kind", .choice(of: TagKind.self), "EtherType 0x8100 (customer, if absent) or 0x88A8 (service)"),
        ]),
    ])

    private static let ipv4Schema = Schema.object([
        .required("source", FieldNotation.ipv4.schema, "Source address"),
        .required("destination", FieldNotation.ipv4.schema, "Destination address"),
        .key("ttl", hops.schema, "Time to live; 64 if absent"),
        .key("dscp", .integer(0...63), "Differentiated services code point; 0 if absent"),
        .key("identification", short.schema, "0 if absent"),
        .key("dont-fragment", .boolean, "False if absent"),
        .key("protocol", .integer(0...255), "That of the next header if absent, 253 without one"),
    ])

    private static let ipv6Schema = Schema.object([
        .required("source", FieldNotation.ipv6.schema, "Source address"),
        .required("destination", FieldNotation.ipv6.schema, "Destination address"),
        .key("hop-limit", hops.schema, "64 if absent"),
        .key("dscp", .integer(0...63), "Differentiated services code point; 0 if absent"),
        .key("flow-label", flowLabel.schema, "0 if absent"),
        .key("next-header", .integer(0...255), "That of the next header if absent, 253 without one"),
    ])

    private static let labelSchema = Schema.either([
        label.textSchema,
        .object([
            .required("label", label.schema, "Label, 0 to 1048575"),
            .key("ttl", hops.schema, "Time to live; 64 if absent"),
            .key("class", .integer(0...7), "Traffic class (EXP); 0 if absent"),
        ]),
    ])

    private static let udpSchema = Schema.object([
        .required("source", port.schema, "Source port"),
        .required("destination", port.schema, "Destination port"),
    ])

    private static let tcpSchema = Schema.object([
        .required("source", port.schema, "Source port"),
        .required("destination", port.schema, "Destination port"),
        .key("flags", .list(of: .choice(of: Flag.self)), "[ack] if absent"),
        .key("sequence", long.schema, "Sequence number; 0 if absent"),
        .key("window", .integer(0...0xFFFF), "Bytes; 65535 if absent"),
    ])

    private static func icmpSchema(echo: Int) -> Schema {
        .object([
            .key("type", .integer(0...255), "\(echo), echo request, if absent"),
            .key("code", .integer(0...255), "0 if absent"),
            .key("identifier", short.schema, "0 if absent"),
            .key("sequence", short.schema, "0 if absent"),
        ])
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
