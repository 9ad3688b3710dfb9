// SPDX-License-Identifier: Apache-2.0

/// Between whom a packet goes, for checksums.
enum PacketAddresses {
    case ipv4(IPv4Address, IPv4Address)
    case ipv6(IPv6Address, IPv6Address)

    func isChecksumRight(_ view: UDPView) -> Bool {
        switch self {
        case .ipv4(let source, let destination): view.isChecksumRight(source: source, destination: destination)
        case .ipv6(let source, let destination): view.isChecksumRight(source: source, destination: destination)
        }
    }

    func isChecksumRight(_ view: TCPView) -> Bool {
        switch self {
        case .ipv4(let source, let destination): view.isChecksumRight(source: source, destination: destination)
        case .ipv6(let source, let destination): view.isChecksumRight(source: source, destination: destination)
        }
    }
}

extension PacketDissector {
    /// `isWhole`: a checksum over the data can be judged.
    mutating func transport(_ kind: IPProtocol, _ payload: Bytes, _ addresses: PacketAddresses, isWhole: Bool) {
        guard layers.count < PacketDissector.depthLimit else { return data(payload) }
        switch (kind, addresses) {
        case (.udp, _): udp(payload, addresses, isWhole: isWhole)
        case (.tcp, _): tcp(payload, addresses, isWhole: isWhole)
        case (.icmp, .ipv4): icmp(payload, isWhole: isWhole)
        case (.icmp6, .ipv6(let source, let destination)):
            icmp6(payload, source: source, destination: destination, isWhole: isWhole)
        case (.ipv4, _): ipv4(payload)
        case (.ipv6, _): ipv6(payload)
        case (.mplsInIP, _): mpls(payload)
        default:
            note(kind.description, "")
            data(payload)
        }
    }

    private mutating func udp(_ bytes: Bytes, _ addresses: PacketAddresses, isWhole: Bool) {
        guard let view = UDPView(bytes) else { return truncated("UDP", bytes) }
        note("UDP", "\(view.sourcePort) > \(view.destinationPort)", "length \(view.length)")
        if view.checksum == 0 { add("no checksum") }
        if isWhole, view.length < UDPView.length || view.length > bytes.count {
            complain("bad length")
        } else if isWhole, !addresses.isChecksumRight(view) {
            complain("bad checksum")
        }
        data(view.payload)
    }

    private mutating func tcp(_ bytes: Bytes, _ addresses: PacketAddresses, isWhole: Bool) {
        guard let view = TCPView(bytes) else { return truncated("TCP", bytes) }
        note(
            "TCP", "\(view.sourcePort) > \(view.destinationPort) \(view.flags)", "seq \(view.sequenceNumber)",
            "ack \(view.acknowledgement)", "window \(view.window)")
        if view.headerLength < TCPView.minimumLength || (isWhole && view.headerLength > bytes.count) {
            complain("header length \(view.headerLength)")
        } else if isWhole, !addresses.isChecksumRight(view) {
            complain("bad checksum")
        }
        data(view.payload)
    }

    private mutating func icmp(_ bytes: Bytes, isWhole: Bool) {
        guard let view = ICMPv4View(bytes) else { return truncated("ICMP", bytes) }
        switch view.type {
        case .echoRequest, .echoReply:
            note("ICMP", view.type.description, "id \(view.identifier)", "sequence \(view.sequence)")
        case .destinationUnreachable:
            let reason = ICMPv4Unreachable(rawValue: view.code)?.description ?? "unreachable code \(view.code)"
            note("ICMP", reason)
            if view.code == ICMPv4Unreachable.fragmentationNeeded.rawValue { add("mtu \(view.nextHopMTU)") }
        case .redirect:
            note("ICMP", "redirect to \(view.gateway)", "code \(view.code)")
        default:
            note("ICMP", view.code == 0 ? view.type.description : "\(view.type) code \(view.code)")
        }
        if isWhole, !view.isChecksumRight { complain("bad checksum") }
        guard view.type.isError, layers.count < PacketDissector.depthLimit else { return data(view.payload) }
        isQuoting = true
        ipv4(view.payload)
    }
}
