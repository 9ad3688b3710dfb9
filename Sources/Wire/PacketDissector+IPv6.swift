// SPDX-License-Identifier: Apache-2.0

extension PacketDissector {
    mutating func ipv6(_ bytes: Bytes) {
        guard let view = IPv6View(bytes) else { return truncated("IPv6", bytes) }
        note(
            "IPv6", "\(view.source) > \(view.destination)", "hop limit \(view.hopLimit)",
            "payload length \(view.payloadLength)")
        if view.dscp != 0 { add("dscp \(view.dscp)") }
        if view.ecn != 0 { add("ecn \(view.ecn)") }
        if view.flowLabel != 0 { add("flow 0x\(hexadecimal(view.flowLabel, digits: 5))") }
        if view.version != 6 {
            complain("version \(view.version)")
            return data(bytes.dropping(first: IPv6View.length))
        }
        let isCut = view.totalLength > bytes.count
        if isCut, !isQuoting, !isSnapped { complain("\(view.totalLength - bytes.count) bytes missing") }
        var headers = IPv6Extensions(view)
        while layers.count < PacketDissector.depthLimit, let header = headers.next() { extensionHeader(header) }
        if headers.problem == .truncated { return truncated(headers.protocol.description, headers.payload) }
        if headers.problem != nil {
            note(headers.protocol.description, "")
            complain(headers.problem == .tooMany ? "too many extension headers" : "not the first extension header")
            return data(headers.payload)
        }
        if headers.isLaterFragment || headers.protocol == .noNextHeader { return data(headers.payload) }
        let isWhole = !isQuoting && !isCut && (headers.fragment?.isAtomic ?? true)
        let addresses = PacketAddresses.ipv6(view.source, view.destination)
        transport(headers.protocol, headers.payload, addresses, isWhole: isWhole)
    }

    private mutating func extensionHeader(_ header: IPv6ExtensionHeader) {
        switch header.kind {
        case .fragment:
            let fragment = header.fragment
            let more = fragment.moreFragments ? ", more follow" : ""
            note("fragment", "at \(fragment.offset)\(more)", "id 0x\(hexadecimal(fragment.identification, digits: 8))")
        case .routing:
            note("routing header", "type \(header.routingType)", "\(header.segmentsLeft) segments left")
        case .hopByHop, .destinationOptions:
            note(header.kind.description, "")
            var options = header.options
            while let option = options.next() {
                if option.isPadding { continue }
                add(
                    option.kind == IPv6Option.routerAlert
                        ? "router alert" : "option 0x\(hexadecimal(option.kind, digits: 2))")
            }
            if let problem = options.problem, !isSnapped || problem != .truncated {
                complain(problem == .truncated ? "bad option" : "too many options")
            }
        default:
            note(header.kind.description, "", "\(header.bytes.count) bytes")
        }
    }

    // MARK: - ICMPv6

    mutating func icmp6(_ bytes: Bytes, source: IPv6Address, destination: IPv6Address, isWhole: Bool) {
        guard let view = ICMPv6View(bytes) else { return truncated("ICMPv6", bytes) }
        let isRight = !isWhole || view.isChecksumRight(source: source, destination: destination)
        if view.type.isNeighborDiscovery, let message = NDView(bytes) {
            discovery(message)
            if view.code != 0 { complain("code \(view.code)") }
            if !isRight { complain("bad checksum") }
            return
        }
        switch view.type {
        case .echoRequest, .echoReply:
            note("ICMPv6", view.type.description, "id \(view.identifier)", "sequence \(view.sequence)")
        case .destinationUnreachable:
            note("ICMPv6", ICMPv6Unreachable(rawValue: view.code)?.description ?? "unreachable code \(view.code)")
        case .packetTooBig: note("ICMPv6", view.type.description, "mtu \(view.mtu)")
        case .parameterProblem:
            let problem = ICMPv6Parameter(rawValue: view.code)?.description ?? "parameter problem code \(view.code)"
            note("ICMPv6", problem, "at \(view.pointer)")
        default: note("ICMPv6", view.code == 0 ? view.type.description : "\(view.type) code \(view.code)")
        }
        if !isRight { complain("bad checksum") }
        guard view.type.isError, layers.count < PacketDissector.depthLimit else { return data(view.payload) }
        isQuoting = true
        ipv6(view.payload)
    }

    private mutating func discovery(_ view: NDView) {
        switch view.type {
        case .neighborSolicitation: note("ICMPv6", "who has \(view.target)")
        case .neighborAdvertisement:
            note("ICMPv6", "\(view.target) is at \(view.targetStation.map(\.description) ?? "its station")")
            if view.isRouter { add("router") }
            if view.isSolicited { add("solicited") }
            if view.isOverriding { add("override") }
        case .redirect:
            note("ICMPv6", "redirect to \(view.target) for \(view.redirectedDestination)")
            if let station = view.targetStation { add("at \(station)") }
        case .routerAdvertisement:
            note("ICMPv6", "router advertisement", "lifetime \(view.routerLifetime)", "hop limit \(view.hopLimit)")
            if view.preference != .medium { add("preference \(view.preference)") }
            if view.isManaged { add("managed") }
            if view.hasOtherConfiguration { add("other configuration") }
        default: note("ICMPv6", view.type.description)
        }
        var options = view.options
        while let option = options.next() { self.option(option) }
        if let problem = options.problem, !isSnapped || problem != .truncatedOption { complain("\(problem)") }
    }

    private mutating func option(_ option: NDOption) {
        if option.kind == .sourceLinkLayerAddress, let station = option.station { return add("from \(station)") }
        // The first line has it already.
        if option.kind == .targetLinkLayerAddress, option.station != nil { return }
        if let mtu = option.mtu { return add("mtu \(mtu)") }
        if let prefix = option.prefix { return add("prefix \(prefix.prefix)") }
        if let servers = option.dnsServers {
            return add("dns \(servers.addresses.map(\.description).joined(separator: " "))")
        }
        add(option.redirected == nil ? "option \(option.kind.rawValue)" : "redirected header")
    }

    // MARK: - MPLS

    mutating func mpls(_ bytes: Bytes) {
        guard let view = MPLSView(bytes) else { return truncated("MPLS", bytes) }
        let entry = view.entry
        note("MPLS", "label \(entry.label)", "ttl \(entry.timeToLive)")
        if entry.trafficClass != 0 { add("class \(entry.trafficClass)") }
        if entry.label == .implicitNull { complain("implicit null in a packet") }
        let payload = view.payload
        guard layers.count < PacketDissector.depthLimit else { return data(payload) }
        guard entry.isBottom else { return mpls(payload) }
        // The label says what follows, but only to those who gave it out: the version field has to do.
        guard payload.count > 0 else { return }
        switch payload.load(at: 0, as: UInt8.self) &>> 4 {
        case 4: ipv4(payload)
        case 6: ipv6(payload)
        default: data(payload)
        }
    }
}
