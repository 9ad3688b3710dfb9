// SPDX-License-Identifier: Apache-2.0
import Wire

/// What holds for every packet that a router sends, whatever came in.
struct SentPacketCheck {
    let mac: MACAddress
    let mtu: Int
    /// Whether it is the port by which packets come in.
    var isEntrance = false

    /// Time to live and hop limit of what the router says itself, echo replies excepted: forwarding takes one off at least.
    static let own: UInt8 = 255

    /// What is wrong with the frame; nil when nothing is.
    func complaint(about frame: Bytes) -> StaticString? {
        guard let ethernet = EthernetView(frame) else { return "no whole Ethernet header" }
        guard ethernet.source == mac else { return "a source address that is not the port's" }
        switch ethernet.type {
        case .arp: return complaint(aboutARP: ethernet)
        case .ipv4: return complaint(aboutIPv4: ethernet)
        case .ipv6: return complaint(aboutIPv6: ethernet)
        case .mpls: return complaint(aboutLabels: ethernet)
        case .vlan, .serviceVLAN: return complaint(aboutTagged: frame)
        default: return "a type that was not asked for"
        }
    }

    /// A sub-interface's frame: but for its tags it is like any other.
    private func complaint(aboutTagged frame: Bytes) -> StaticString? {
        var bytes = [UInt8](frame)
        var tags: [(type: EtherType, vlan: UInt16)] = []
        while bytes.count >= EthernetView.length + VLANView.length {
            let type = EtherType(rawValue: UInt16(bytes[12]) << 8 | UInt16(bytes[13]))
            guard type.isVLANTag else { break }
            tags.append((type, (UInt16(bytes[14]) << 8 | UInt16(bytes[15])) & 0xfff))
            bytes.removeSubrange(12..<16)
        }
        guard FuzzGraph.tags.contains(where: { $0.elementsEqual(tags, by: ==) }) else {
            return "tags that no sub-interface has"
        }
        return bytes.withUnsafeMutableBytes { complaint(about: Bytes(start: $0.baseAddress!, count: $0.count)) }
    }

    private func complaint(aboutARP ethernet: EthernetView) -> StaticString? {
        guard let arp = ARPView(ethernet.payload), arp.isIPv4OverEthernet else { return "no whole ARP packet" }
        return arp.senderMAC == mac ? nil : "a wrong ARP sender"
    }

    private func complaint(aboutIPv4 ethernet: EthernetView) -> StaticString? {
        guard !ethernet.destination.isMulticast else { return "a group destination" }
        guard let header = IPv4View(ethernet.payload), header.version == 4 else { return "no IPv4 header" }
        guard header.headerLength >= IPv4View.minimumLength, header.headerLength <= header.totalLength else {
            return "a wrong header length"
        }
        guard header.totalLength == header.bytes.count else { return "a wrong total length" }
        guard header.totalLength <= mtu else { return "more than the MTU" }
        guard header.isChecksumRight else { return "a wrong header checksum" }
        guard header.timeToLive > 0 else { return "no time to live" }
        if ethernet.destination == PacketSeeds.endOfPath { return nil }
        guard header.destination.isOneHost else { return "a destination that is not one host" }
        return header.timeToLive == SentPacketCheck.own ? complaint(aboutOwn: header) : nil
    }

    private func complaint(aboutIPv6 ethernet: EthernetView) -> StaticString? {
        guard let header = IPv6View(ethernet.payload), header.version == 6 else { return "no IPv6 header" }
        guard header.totalLength == header.bytes.count else { return "a wrong payload length" }
        guard header.totalLength <= mtu else { return "more than the MTU" }
        guard header.hopLimit > 0 else { return "no hop limit" }
        if ethernet.destination == PacketSeeds.endOfPath { return nil }
        let (source, destination) = (header.source, header.destination)
        guard !destination.isUnspecified, !destination.isLoopback else { return "a destination that is not one host" }
        // What goes to a group is the router's own, and what comes from a link-local address has not changed links.
        let isOfLink = ethernet.destination.isMulticast || destination.isLinkLocal || source.isLinkLocal && !isEntrance
        if header.hopLimit == SentPacketCheck.own { return complaint(aboutOwn: header) }
        guard isOfLink || destination.isMulticast else { return nil }
        // A neighbour's BFD echo goes back to it one hop older.
        if header.hopLimit == 254, header.nextHeader == .udp,
            UDPView(header.payload)?.destinationPort == BFDPort.echo
        {
            return nil
        }
        switch (header.hopLimit, header.nextHeader) {
        case (64, .fragment): return complaint(aboutOwnFragment: header)
        case (64, .icmp6): return complaint(aboutMessage: header)
        case (64, .tcp): return complaint(aboutReset: header)
        default: return "a group or a link-local address, and is not the router's own"
        }
    }

    private func complaint(aboutLabels ethernet: EthernetView) -> StaticString? {
        guard !ethernet.destination.isMulticast else { return "a group destination" }
        guard let top = MPLSView(ethernet.payload) else { return "no whole label" }
        guard top.entry.timeToLive > 0 else { return "no time to live" }
        // Of the reserved labels the router says explicit null alone; what is below the uppermost may be the sender's.
        let nulls = [MPLSLabel.ipv4ExplicitNull, .ipv6ExplicitNull]
        let isSaid = !top.entry.label.isReserved || nulls.contains(top.entry.label)
        guard isSaid || ethernet.destination == PacketSeeds.endOfPath else { return "a reserved label on top" }
        return ethernet.payload.count > mtu ? "more than the MTU" : nil
    }
}
