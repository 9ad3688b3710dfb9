// SPDX-License-Identifier: Apache-2.0
import Wire

/// Writes a frame as a case file would: for expectations that are written anew.
struct PacketWriter {
    private let stations: [String: MACAddress]
    private var words: [String] = []

    /// The frame in words, or in plain bytes where there are no words for it.
    static func text(_ frame: [UInt8], _ stations: [String: MACAddress]) -> String {
        var writer = PacketWriter(stations: stations)
        var copy = frame
        copy.withBytes { writer.ethernet($0) }
        let text = writer.words.joined(separator: " ")
        // Whatever was overlooked shows when the words are read again.
        var read = Words([(text, 1)])
        guard let notation = try? PacketNotation(&read, stations), notation.bytes(adopting: frame) == frame else {
            return "hex " + hexadecimalText(frame)
        }
        return text
    }

    private init(stations: [String: MACAddress]) { self.stations = stations }

    func name(_ mac: MACAddress) -> String {
        // Ports have names that begin with a letter, neighbours addresses.
        stations.filter { $0.value == mac }.map(\.key).max() ?? "\(mac)"
    }

    mutating func write(_ text: String) { words += text.split(separator: " ").map(String.init) }

    // MARK: - Headers

    private mutating func ethernet(_ bytes: Bytes) {
        guard let view = EthernetView(bytes) else { return }
        write("ethernet \(name(view.source)) > \(group(view) ?? name(view.destination))")
        network(view.type, view.payload, frameLength: bytes.count)
    }

    mutating func network(_ type: EtherType, _ bytes: Bytes, frameLength: Int) {
        var end = bytes.count
        switch type {
        case .vlan, .serviceVLAN:
            guard let view = VLANView(bytes) else { return }
            write("\(type == .vlan ? "vlan" : "service-vlan") \(view.tag.identifier)")
            return network(view.type, view.payload, frameLength: frameLength)
        case .arp:
            guard let view = ARPView(bytes) else { return }
            arp(view)
            end = ARPView.length
        case .ipv4:
            guard let view = IPv4View(bytes) else { return }
            ipv4(view)
            end = view.totalLength
        case .ipv6:
            guard let view = IPv6View(bytes) else { return }
            ipv6(view)
            end = view.totalLength
        case .mpls:
            guard let view = MPLSView(bytes) else { return }
            return label(view, frameLength: frameLength)
        default:
            write("type 0x\(String(type.rawValue, radix: 16))")
            data(bytes)
        }
        if end < bytes.count { write("pad \(frameLength)") }
    }

    private mutating func arp(_ view: ARPView) {
        let operation =
            switch view.operation {
            case .request: "request"
            case .reply: "reply"
            default: "\(view.operation.rawValue)"
            }
        write("arp \(operation) \(view.senderIP) at \(name(view.senderMAC)) for \(view.targetIP)")
        if !view.targetMAC.isZero { write("at \(name(view.targetMAC))") }
    }

    mutating func ipv4(_ view: IPv4View, isQuoted: Bool = false) {
        write("ipv4 \(view.source) > \(view.destination) ttl \(view.timeToLive)")
        if view.trafficClass != 0 { write("tos \(view.trafficClass)") }
        // The router counts up from wherever it began.
        let isOwnError = !isQuoted && view.protocol == .icmp && ICMPv4View(view.payload)?.type.isError == true
        if isOwnError { write("id any") } else if view.identification != 0 { write("id \(view.identification)") }
        if view.dontFragment { write("df") }
        if view.moreFragments { write("mf") }
        if view.fragmentOffset != 0 { write("offset \(view.fragmentOffset)") }
        let isTunnel = view.protocol == .gre && !view.isFragment && GREView(view.payload) != nil
        let isKnown = ([.udp, .tcp, .icmp].contains(view.protocol) || isTunnel) && !view.isLaterFragment
        if !isKnown { write("protocol \(view.protocol.rawValue)") }
        if view.options.count > 0 { write("options \(hexadecimalText([UInt8](view.options)))") }
        isKnown ? transport(view, isQuoted: isQuoted) : data(view.payload)
    }

    private mutating func transport(_ packet: IPv4View, isQuoted: Bool) {
        // A quote shows less than there was, but the words are about what there was.
        let missing = isQuoted ? max(0, packet.totalLength - packet.bytes.count) : 0
        if packet.protocol == .gre { return gre(packet.payload) }
        guard packet.protocol == .icmp else { return ports(packet.protocol, packet.payload, missing: missing) }
        guard let view = ICMPv4View(packet.payload) else { return }
        icmp(view, missing: missing)
    }

    /// GRE and what it carries.
    mutating func gre(_ bytes: Bytes) {
        guard let view = GREView(bytes) else { return }
        let isOfIP = view.type == .ipv4 || view.type == .ipv6 || view.type == .mpls
        write("gre" + (isOfIP ? "" : " type 0x\(String(view.type.rawValue, radix: 16))"))
        if view.flags.contains(.checksum) { write("checksum") }
        if let key = view.key { write("key \(key)") }
        if let sequence = view.sequence { write("sequence \(sequence)") }
        isOfIP ? network(view.type, view.payload, frameLength: 0) : data(view.payload)
    }

    /// UDP or TCP.
    mutating func ports(_ kind: IPProtocol, _ bytes: Bytes, missing: Int) {
        if kind == .udp {
            guard let view = UDPView(bytes) else { return }
            write("udp \(view.sourcePort) > \(view.destinationPort)")
            data(view.payload, missing: missing)
        } else {
            guard let view = TCPView(bytes) else { return }
            write("tcp \(view.sourcePort) > \(view.destinationPort) \(view.flags.description.lowercased())")
            if view.sequenceNumber != 0 { write("sequence \(view.sequenceNumber)") }
            if view.acknowledgement != 0 { write("acknowledgement \(view.acknowledgement)") }
            if view.window != 65535 { write("window \(view.window)") }
            data(view.payload, missing: missing)
        }
    }

    private mutating func icmp(_ view: ICMPv4View, missing: Int) {
        write("icmp \(ICMPName.name(view.type, code: view.code))")
        if view.rest != 0 { write("rest \(hexadecimalText(withUnsafeBytes(of: view.rest.bigEndian) { [UInt8]($0) }))") }
        guard view.type.isError, let quoted = IPv4View(view.payload) else {
            return data(view.payload, missing: missing)
        }
        write("quoting \(view.payload.count)")
        ipv4(quoted, isQuoted: true)
    }

    mutating func data(_ bytes: Bytes, missing: Int = 0) {
        let values = [UInt8](bytes)
        if values.isEmpty, missing == 0 { return }
        let first = values.first ?? 0
        let isCounting = values.enumerated().allSatisfy { $1 == first &+ UInt8(truncatingIfNeeded: $0) }
        let start = first == 0 ? "" : " from \(first)"
        write(isCounting ? "payload \(values.count + missing)\(start)" : "data \(hexadecimalText(values))")
    }
}
