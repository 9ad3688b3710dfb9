// SPDX-License-Identifier: Apache-2.0
import Wire

// How IPv6, ICMPv6 and MPLS headers are written.
extension PacketWriter {
    /// The group that an IPv6 packet goes to, when its frame goes there too.
    func group(_ frame: EthernetView) -> String? {
        guard frame.type == .ipv6, let packet = IPv6View(frame.payload), packet.destination.isMulticast,
            MACAddress(multicast: packet.destination) == frame.destination
        else { return nil }
        return "\(packet.destination)"
    }

    mutating func label(_ view: MPLSView, frameLength: Int) {
        let entry = view.entry
        write("mpls \(entry.label.rawValue)")
        if entry.trafficClass != 0 { write("class \(entry.trafficClass)") }
        write("ttl \(entry.timeToLive)")
        let payload = view.payload
        if !entry.isBottom {
            if payload.count < MPLSView.length { write("not-bottom") }
            return network(.mpls, payload, frameLength: frameLength)
        }
        switch payload.count > 0 ? payload.load(at: 0, as: UInt8.self) >> 4 : 0 {
        case 4: network(.ipv4, payload, frameLength: frameLength)
        case 6: network(.ipv6, payload, frameLength: frameLength)
        default: data(payload)
        }
    }

    mutating func ipv6(_ view: IPv6View, isQuoted: Bool = false) {
        write("ipv6 \(view.source) > \(view.destination) hop-limit \(view.hopLimit)")
        if view.trafficClass != 0 { write("class \(view.trafficClass)") }
        if view.flowLabel != 0 { write("flow \(view.flowLabel)") }
        var headers = IPv6Extensions(view)
        var header = headers.next()
        write(next: view.nextHeader, before: header, headers)
        while let current = header {
            extensionHeader(current)
            header = headers.next()
            if hasWords(current) { write(next: current.next, before: header, headers) }
        }
        // A quote shows less than there was, but the words are about what there was.
        let missing = isQuoted ? max(0, view.totalLength - view.bytes.count) : 0
        guard !headers.isLaterFragment else { return data(headers.payload, missing: missing) }
        switch headers.protocol {
        case .udp, .tcp: ports(headers.protocol, headers.payload, missing: missing)
        case .icmp6: icmp6(headers.payload, missing: missing)
        case .gre: gre(headers.payload)
        default: data(headers.payload, missing: missing)
        }
    }

    /// Names the next header unless the words for that do so.
    private mutating func write(next: IPProtocol, before header: IPv6ExtensionHeader?, _ headers: IPv6Extensions) {
        let isTransport = [.udp, .tcp, .icmp6, .gre].contains(next) && !headers.isLaterFragment
        if !isTransport, !(header.map(hasWords) ?? false) { write("next \(next.rawValue)") }
    }

    private func hasWords(_ header: IPv6ExtensionHeader) -> Bool {
        [.hopByHop, .destinationOptions, .routing, .fragment].contains(header.kind)
    }

    private mutating func extensionHeader(_ header: IPv6ExtensionHeader) {
        switch header.kind {
        case .hopByHop, .destinationOptions:
            write(header.kind == .hopByHop ? "hop-by-hop" : "destination-options")
            write(hexadecimalText([UInt8](header.bytes.dropping(first: 2))))
        case .routing:
            write("routing \(header.routingType)")
            if header.segmentsLeft != 0 { write("left \(header.segmentsLeft)") }
            write(hexadecimalText([UInt8](header.bytes.dropping(first: 4))))
        case .fragment:
            write("fragment id \(header.fragment.identification)")
            if header.fragment.moreFragments { write("mf") }
            if header.fragment.offset != 0 { write("offset \(header.fragment.offset)") }
        default: write("data \(hexadecimalText([UInt8](header.bytes)))")
        }
    }

    // MARK: - ICMPv6

    private mutating func icmp6(_ bytes: Bytes, missing: Int) {
        if let view = NDView(bytes), missing == 0 { return discovery(view) }
        guard let view = ICMPv6View(bytes) else { return data(bytes, missing: missing) }
        write("icmp6 \(ICMP6Name.name(view.type, code: view.code))")
        if view.rest != 0 { write("rest \(hexadecimalText(withUnsafeBytes(of: view.rest.bigEndian) { [UInt8]($0) }))") }
        guard view.type.isError, let quoted = IPv6View(view.payload) else {
            return data(view.payload, missing: missing)
        }
        write("quoting \(view.payload.count)")
        ipv6(quoted, isQuoted: true)
    }

    private mutating func discovery(_ view: NDView) {
        switch view.type {
        case .neighborSolicitation:
            write("neighbor-solicitation \(view.target)")
            write("from", view.sourceStation)
        case .neighborAdvertisement:
            write("neighbor-advertisement \(view.target)")
            write("at", view.targetStation)
            if view.isRouter { write("router") }
            if view.isSolicited { write("solicited") }
            if view.isOverriding { write("override") }
        case .routerSolicitation:
            write("router-solicitation")
            write("from", view.sourceStation)
        case .redirect:
            write("redirect6 \(view.target) for \(view.redirectedDestination)")
            write("at", view.targetStation)
            var options = view.options
            while let option = options.next() {
                if let packet = option.redirected { write("redirected \(hexadecimalText([UInt8](packet)))") }
            }
        default: routerAdvertisement(view)
        }
    }

    private mutating func write(_ word: String, _ station: MACAddress?) {
        if let station { write("\(word) \(name(station))") }
    }

    private mutating func routerAdvertisement(_ view: NDView) {
        write("router-advertisement hop-limit \(view.hopLimit)")
        if view.isManaged { write("managed") }
        if view.hasOtherConfiguration { write("other") }
        if view.preference != .medium { write("preference \(view.preference)") }
        write("lifetime \(view.routerLifetime)")
        if view.reachableTime != 0 { write("reachable \(view.reachableTime)") }
        if view.retransmissionTime != 0 { write("retransmit \(view.retransmissionTime)") }
        write("from", view.sourceStation)
        var options = view.options
        while let option = options.next() {
            if let mtu = option.mtu { write("mtu \(mtu)") }
            if let prefix = option.prefix { write(prefix) }
            if let servers = option.dnsServers {
                for address in servers.addresses { write("dns \(address)") }
                write("dns-lifetime \(servers.lifetime)")
            }
        }
    }

    private mutating func write(_ prefix: NDPrefix) {
        write("prefix \(prefix.prefix)")
        if !prefix.isOnLink { write("off-link") }
        if !prefix.isAutonomous { write("not-autonomous") }
        write("valid \(prefix.validLifetime) preferred \(prefix.preferredLifetime)")
    }
}
