// SPDX-License-Identifier: Apache-2.0
import Wire

// What the router says itself: ICMP errors and redirects, neighbor discovery, BFD. What a quoted packet is, is read here
// without the library's help: a mistake there must not hide itself.
extension SentPacketCheck {
    // MARK: - IPv4

    func complaint(aboutOwn header: IPv4View) -> StaticString? {
        let (source, destination) = (header.source, header.destination)
        guard source.isOneHost else { return "a source that is not one host" }
        switch header.protocol {
        case .icmp:
            guard let message = ICMPv4View(header.payload) else { return "no whole ICMP message" }
            guard message.isChecksumRight else { return "a wrong ICMP checksum" }
            return message.type.isError ? complaint(about: message, header) : nil
        case .udp:
            guard let datagram = UDPView(header.payload) else { return "no whole UDP header" }
            guard datagram.length == header.payload.count else { return "a wrong UDP length" }
            return datagram.isChecksumRight(source: source, destination: destination) ? nil : "a wrong UDP checksum"
        case .gre: return complaint(aboutTunnel: header.payload)
        default: return "a protocol that the router does not speak"
        }
    }

    /// A tunnel's packet whose TTL is that of the packet inside.
    private func complaint(aboutTunnel bytes: Bytes) -> StaticString? {
        guard let header = GREView(bytes), header.version == 0, !header.hasUnknownFields else {
            return "no whole GRE header"
        }
        return header.isChecksumRight ? nil : "a wrong GRE checksum"
    }

    /// RFC 1812 sections 4.3.2.3, 4.3.2.7; RFC 1191 section 4.
    private func complaint(about message: ICMPv4View, _ header: IPv4View) -> StaticString? {
        guard header.totalLength <= 576 else { return "an ICMP error longer than 576 bytes" }
        guard let quoted = IPv4View(message.payload), quoted.version == 4 else { return "an ICMP error about nothing" }
        guard quoted.source == header.destination else { return "an ICMP error for another than the sender" }
        guard quoted.source.isOneHost else { return "an ICMP error about a sender that is not one host" }
        guard quoted.destination.value >> 28 < 0xe else { return "an ICMP error about a packet to many" }
        guard quoted.bytes.network(at: 6, as: UInt16.self) & 0x1fff == 0 else {
            return "an ICMP error about a later fragment"
        }
        let length = Int(quoted.bytes.load(at: 0, as: UInt8.self) & 15) * 4
        if quoted.bytes.load(at: 9, as: UInt8.self) == 1, length < quoted.bytes.count,
            [3, 4, 5, 11, 12].contains(quoted.bytes.load(at: length, as: UInt8.self))
        {
            return "an ICMP error about an ICMP error"
        }
        switch (message.type, message.code) {
        case (.destinationUnreachable, 4):
            guard quoted.dontFragment else { return "a 'fragmentation needed' about a packet that may be cut" }
            let mtu = Int(message.nextHopMTU)
            return mtu >= 68 && mtu < quoted.totalLength ? nil : "a next-hop MTU that does not explain the error"
        case (.parameterProblem, _):
            return message.rest >> 24 < length ? nil : "a pointer behind the header"
        default: return nil
        }
    }

    // MARK: - IPv6

    func complaint(aboutOwn header: IPv6View) -> StaticString? {
        let (source, destination) = (header.source, header.destination)
        guard !source.isMulticast, !source.isLoopback else { return "a source that is not one host" }
        switch header.nextHeader {
        case .icmp6: return complaint(aboutMessage: header)
        case .fragment: return complaint(aboutOwnFragment: header)
        case .udp:
            guard let datagram = UDPView(header.payload) else { return "no whole UDP header" }
            guard datagram.length == header.payload.count else { return "a wrong UDP length" }
            return datagram.isChecksumRight(source: source, destination: destination) ? nil : "a wrong UDP checksum"
        case .gre: return complaint(aboutTunnel: header.payload)
        default: return "a protocol that the router does not speak"
        }
    }

    /// RFC 8200 section 4.5.
    func complaint(aboutOwnFragment header: IPv6View) -> StaticString? {
        let bytes = header.payload
        guard bytes.count > 8 else { return "a fragment without data" }
        let field: UInt16 = bytes.network(at: 2)
        guard field != 0 else { return "a fragment that is the whole packet" }
        guard field & 1 == 0 || bytes.count % 8 == 0 else { return "a fragment, not the last, of a wrong length" }
        return Int(field & 0xfff8) + bytes.count > 65535 ? "a fragment beyond the longest packet" : nil
    }

    func complaint(aboutMessage header: IPv6View) -> StaticString? {
        guard let message = ICMPv6View(header.payload) else { return "no whole ICMPv6 message" }
        guard message.isChecksumRight(source: header.source, destination: header.destination) else {
            return "a wrong ICMPv6 checksum"
        }
        return message.type.isError ? complaint(about: message, header) : nil
    }

    /// TCP that the router says itself, of which its hop limit alone does not tell (RFC 9293 section 3.10.7.1).
    func complaint(aboutReset header: IPv6View) -> StaticString? {
        guard let segment = TCPView(header.payload), header.payload.count == 20 else {
            return "TCP that is not a header alone"
        }
        guard segment.isChecksumRight(source: header.source, destination: header.destination) else {
            return "a wrong TCP checksum"
        }
        switch segment.flags {
        case [.rst]: return segment.acknowledgement == 0 ? nil : "a reset that acknowledges without saying so"
        case [.rst, .ack]: return segment.sequenceNumber == 0 ? nil : "a reset with a sequence number of its own"
        default: return "TCP that is no reset"
        }
    }

    /// RFC 4443 sections 2.4, 3.
    private func complaint(about message: ICMPv6View, _ header: IPv6View) -> StaticString? {
        guard header.totalLength <= 1280 else { return "an ICMPv6 error longer than 1,280 bytes" }
        guard let quoted = IPv6View(message.payload), quoted.version == 6 else {
            return "an ICMPv6 error about nothing"
        }
        guard quoted.source == header.destination else { return "an ICMPv6 error for another than the sender" }
        guard !quoted.source.isUnspecified, !quoted.source.isMulticast else {
            return "an ICMPv6 error about a sender that is not one host"
        }
        let (type, code) = (message.type.rawValue, message.code)
        let isForGroups = type == 2 || type == 4 && code == 2
        guard isForGroups || !quoted.destination.isMulticast else { return "an ICMPv6 error about a packet to many" }
        switch SentPacketCheck.content(of: quoted) {
        // RFC 8200 section 4.5 wants senders told of impossible lengths and offsets.
        case .laterFragment where type != 2 && (type, code) != (4, 0): return "an ICMPv6 error about a later fragment"
        case .message(let inner) where inner < 128 || inner == 137: return "an ICMPv6 error about an ICMPv6 error"
        default: break
        }
        if type == 2, message.mtu >= quoted.totalLength { return "an MTU that does not explain the error" }
        if type == 4, message.pointer >= quoted.totalLength { return "a pointer behind the packet" }
        return nil
    }

    private enum Content { case other, laterFragment, message(UInt8) }

    /// What a quoted packet is, as far as the quotation shows it.
    private static func content(of packet: IPv6View) -> Content {
        let bytes = packet.bytes
        var (kind, place) = (bytes.load(at: 6, as: UInt8.self), 40)
        for _ in 0..<8 where place + 8 <= min(bytes.count, packet.totalLength) {
            switch kind {
            case 58: return .message(bytes.load(at: place))
            case 44:
                if bytes.network(at: place + 2, as: UInt16.self) >> 3 != 0 { return .laterFragment }
                (kind, place) = (bytes.load(at: place), place + 8)
            case 0, 43, 60, 135, 139, 140:
                (kind, place) = (bytes.load(at: place), place + 8 + 8 * Int(bytes.load(at: place + 1, as: UInt8.self)))
            case 51:
                (kind, place) = (bytes.load(at: place), place + 8 + 4 * Int(bytes.load(at: place + 1, as: UInt8.self)))
            default: return .other
            }
        }
        return .other
    }
}

extension IPv4Address {
    /// Neither of this network nor of this host, neither a group nor all.
    var isOneHost: Bool {
        let network = value >> 24
        return network != 0 && network != 127 && network < 224
    }
}
