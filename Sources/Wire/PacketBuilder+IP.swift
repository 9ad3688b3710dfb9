// SPDX-License-Identifier: Apache-2.0

// Headers of the network layer, and what is between them and the link's.
extension PacketBuilder {
    /// `options` are padded with zeros to a multiple of four bytes and cut after 40.
    public func ipv4(
        from source: IPv4Address, to destination: IPv4Address, timeToLive: UInt8 = 64, trafficClass: UInt8 = 0,
        identification: UInt16 = 0, dontFragment: Bool = false, moreFragments: Bool = false,
        fragmentUnits: UInt16 = 0, protocol: IPProtocol? = nil, options: [UInt8] = []
    ) -> Self {
        let header = IPv4Header(
            source: source, destination: destination, protocol: .experimental, timeToLive: timeToLive,
            trafficClass: trafficClass, identification: identification, dontFragment: dontFragment,
            moreFragments: moreFragments, fragmentUnits: fragmentUnits)
        let padded = options + [UInt8](repeating: 0, count: -options.count & 3)
        return adding(.ipv4(header, `protocol`, options: Array(padded.prefix(40))))
    }

    public func ipv6(
        from source: IPv6Address, to destination: IPv6Address, hopLimit: UInt8 = 64, trafficClass: UInt8 = 0,
        flowLabel: UInt32 = 0, nextHeader: IPProtocol? = nil
    ) -> Self {
        let header = IPv6Header(
            source: source, destination: destination, nextHeader: .experimental, hopLimit: hopLimit,
            trafficClass: trafficClass, flowLabel: flowLabel)
        return adding(.ipv6(header, nextHeader))
    }

    // MARK: - IPv6 extension headers

    /// Hop-by-hop options; padding follows them up to a multiple of eight bytes (RFC 8200 section 4.2).
    public func hopByHop(_ options: [UInt8], next: IPProtocol? = nil) -> Self {
        adding(.extensionHeader(.hopByHop, PacketBuilder.padded(options: options), next: next))
    }

    /// Destination options; padding follows them up to a multiple of eight bytes (RFC 8200 section 4.2).
    public func destinationOptions(_ options: [UInt8], next: IPProtocol? = nil) -> Self {
        adding(.extensionHeader(.destinationOptions, PacketBuilder.padded(options: options), next: next))
    }

    /// A routing header; zeros follow `data` up to a multiple of eight bytes. Checksums behind it are for the IPv6 header's
    /// destination, as they are at the last stop.
    public func routing(
        type: UInt8, segmentsLeft: UInt8, _ data: [UInt8] = [0, 0, 0, 0], next: IPProtocol? = nil
    ) -> Self {
        let body = [type, segmentsLeft] + data
        let zeros = [UInt8](repeating: 0, count: -(body.count + 2) & 7)
        return adding(.extensionHeader(.routing, body + zeros, next: next))
    }

    /// A fragment header; `units` of eight bytes, 0 to 8,191.
    public func fragment6(
        units: UInt16 = 0, moreFragments: Bool = false, identification: UInt32 = 0, next: IPProtocol? = nil
    ) -> Self {
        let header = IPv6Fragment(
            next: .experimental, units: units, moreFragments: moreFragments, identification: identification)
        return adding(.fragment(header, next: next))
    }

    private static func padded(options: [UInt8]) -> [UInt8] {
        switch -(options.count + 2) & 7 {
        case 0: options
        case 1: options + [IPv6Option.pad1]
        case let room: options + [IPv6Option.padN, UInt8(room - 2)] + [UInt8](repeating: 0, count: room - 2)
        }
    }

    // MARK: - Neighbor discovery

    /// An ICMPv6 message of neighbor discovery.
    public func discovery(_ message: some NDMessage) -> Self {
        var body = [UInt8](repeating: 0, count: message.bodyLength)
        body.withBytes { message.emitBody(into: $0) }
        let header = icmp6(message.header)
        return body.isEmpty ? header : header.payload(body)
    }

    // MARK: - Tunnels

    /// A GRE header; `type` is that of what follows, and given, it stands even when it is wrong.
    public func gre(
        type: EtherType? = nil, hasChecksum: Bool = false, key: UInt32? = nil, sequence: UInt32? = nil
    ) -> Self {
        let header = GREHeader(.experimental, hasChecksum: hasChecksum, key: key, sequence: sequence)
        return adding(.gre(header, type))
    }

    // MARK: - MPLS

    /// An entry of a label stack; it is the bottom when no other follows, unless told otherwise.
    public func mpls(
        label: UInt32, trafficClass: UInt8 = 0, timeToLive: UInt8 = 64, isBottom: Bool? = nil
    ) -> Self {
        let entry = MPLSEntry(
            MPLSLabel(rawValue: label), trafficClass: trafficClass, isBottom: false, timeToLive: timeToLive)
        return adding(.mpls(entry, isBottom: isBottom))
    }
}
