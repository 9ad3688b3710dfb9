// SPDX-License-Identifier: Apache-2.0

/// Walks through a packet's headers and notes what they say.
struct PacketDissector {
    /// Enough for every packet that makes sense; a frame full of tags is cut off here.
    static let depthLimit = 10
    private static let hexCount = 16

    private(set) var layers: [PacketDescription.Layer] = []
    /// Inside an ICMP error. The packet quoted there is most often cut short, which is no fault.
    var isQuoting = false
    /// The bytes are only a frame's beginning.
    let isSnapped: Bool

    init(isSnapped: Bool) { self.isSnapped = isSnapped }

    // MARK: - Notes

    mutating func note(_ name: String, _ essence: String, _ details: String...) {
        layers.append(PacketDescription.Layer(name: name, essence: essence, details: details))
    }

    mutating func add(_ detail: String) { layers[layers.count - 1].details.append(detail) }

    mutating func complain(_ fault: String) { layers[layers.count - 1].faults.append(fault) }

    /// A header that is not all there: its name, and what bytes it has.
    mutating func truncated(_ name: String, _ bytes: Bytes) {
        note(name, "")
        if isQuoting || isSnapped { add("cut short") } else { complain("truncated, \(bytes.count) bytes left") }
        data(bytes)
    }

    mutating func data(_ bytes: Bytes) {
        guard bytes.count > 0 else { return }
        let hex = (0..<min(bytes.count, PacketDissector.hexCount))
            .map { hexadecimal(bytes.load(at: $0, as: UInt8.self), digits: 2) }.joined(separator: " ")
        let more = bytes.count > PacketDissector.hexCount ? " ..." : ""
        note("", "\(bytes.count) byte\(bytes.count == 1 ? "" : "s") \(hex)\(more)")
    }

    // MARK: - Link layer

    mutating func ethernet(_ bytes: Bytes) {
        guard let view = EthernetView(bytes) else { return truncated("Ethernet", bytes) }
        note("Ethernet", "\(view.source) > \(view.destination)", "\(bytes.count) bytes")
        network(view.type, view.payload)
    }

    mutating func network(_ type: EtherType, _ bytes: Bytes) {
        guard layers.count < PacketDissector.depthLimit else { return data(bytes) }
        switch type {
        case .vlan, .serviceVLAN: vlan(type, bytes)
        case .arp: arp(bytes)
        case .ipv4: ipv4(bytes)
        case .ipv6: ipv6(bytes)
        case .mpls, .mplsUpstream: mpls(bytes)
        case .slowProtocols: slowProtocol(bytes)
        default:
            note(type.description, "")
            data(bytes)
        }
    }

    private mutating func vlan(_ type: EtherType, _ bytes: Bytes) {
        guard let view = VLANView(bytes) else { return truncated(type.description, bytes) }
        note(type.description, view.tag.description)
        network(view.type, view.payload)
    }

    private mutating func arp(_ bytes: Bytes) {
        guard let view = ARPView(bytes) else { return truncated("ARP", bytes) }
        guard let packet = ARPPacket(view) else {
            note("ARP", "")
            complain("not IPv4 over Ethernet")
            return data(bytes)
        }
        switch packet.operation {
        case .request where view.isProbe:
            note("ARP", "probe: who has \(packet.targetIP)", "from \(packet.senderMAC)")
        case .request where view.isGratuitous:
            note("ARP", "announcement: \(packet.senderIP) is at \(packet.senderMAC)")
        case .request:
            note("ARP", "who has \(packet.targetIP) tell \(packet.senderIP)", "from \(packet.senderMAC)")
        case .reply:
            note("ARP", "\(packet.senderIP) is at \(packet.senderMAC)", "to \(packet.targetIP) \(packet.targetMAC)")
        default:
            note("ARP", "operation \(packet.operation.rawValue)")
        }
    }

    private mutating func slowProtocol(_ bytes: Bytes) {
        switch bytes.count > 0 ? bytes.load(at: 0, as: UInt8.self) : 0 {
        case SlowProtocols.lacp:
            guard let view = LACPView(bytes) else { return truncated("LACP", bytes) }
            note("LACP", "actor \(view.actor), partner \(view.partner)")
            if !view.isWellFormed { complain("wrong lengths") }
        case SlowProtocols.marker:
            guard let view = MarkerView(bytes) else { return truncated("marker", bytes) }
            note("marker", view.isRequest ? "request" : "answer")
        default:
            note(EtherType.slowProtocols.description, "")
            data(bytes)
        }
    }

    // MARK: - IPv4

    mutating func ipv4(_ bytes: Bytes) {
        guard let view = IPv4View(bytes) else { return truncated("IPv4", bytes) }
        note("IPv4", "\(view.source) > \(view.destination)", "ttl \(view.timeToLive)", "length \(view.totalLength)")
        if view.identification != 0 { add("id \(view.identification)") }
        if view.dscp != 0 { add("dscp \(view.dscp)") }
        if view.ecn != 0 { add("ecn \(view.ecn)") }
        if view.dontFragment { add("don't fragment") }
        if view.isFragment { add("fragment at \(view.fragmentOffset)\(view.moreFragments ? ", more follow" : "")") }
        if view.version != 4 { return malformed("version \(view.version)", view) }
        if view.headerLength < IPv4View.minimumLength || view.headerLength > bytes.count {
            return malformed("header length \(view.headerLength)", view)
        }
        if view.hasOptions { add("\(view.options.count) bytes of options") }
        if view.totalLength < view.headerLength { return malformed("shorter than its header", view) }
        let isCut = view.totalLength > bytes.count
        // Routers on the way may have quoted a packet without mending its checksum.
        if !isQuoting {
            if !view.isChecksumRight { complain("bad checksum") }
            if isCut, !isSnapped { complain("\(view.totalLength - bytes.count) bytes missing") }
        }
        guard !view.isLaterFragment else { return data(view.payload) }
        let addresses = PacketAddresses.ipv4(view.source, view.destination)
        transport(view.protocol, view.payload, addresses, isWhole: !isQuoting && !isCut && !view.isFragment)
    }

    private mutating func malformed(_ fault: String, _ view: IPv4View) {
        complain(fault)
        data(view.bytes.dropping(first: IPv4View.minimumLength))
    }
}
