// SPDX-License-Identifier: Apache-2.0
import Wire

// Right IPv6 and labelled packets of every kind. `fuzz0` is 2001:db8:: and fe80::1, its neighbour 2001:db8::2.
extension PacketSeeds {
    private static let port = MACAddress(2, 0, 0, 0, 0, 1)
    private static let host = MACAddress(2, 0, 0, 0, 1, 2)
    static let router6 = address("2001:db8::1")
    static let source6 = address("2001:db8::2")
    static let linkLocal6 = address("fe80::2")
    static let ownLinkLocal6 = address("fe80::1")

    private static func address(_ text: String) -> IPv6Address { IPv6Address(text) ?? .any }

    /// Destinations by what may become of packets to them.
    static let destinations6: [IPv6Address] = [
        "2001:db8:9::9", "2001:db8:9:ffff::1", "2001:db8::1", "fe80::1", "2001:db8::77", "2001:db8:1::2", "::1", "::",
        "ff02::1", "ff02::2", "ff02::1:ff00:1", "ff05::2", "fe80::77", "2001:db8:ffff::1", "2001:db8:fffe::1",
        "2001:db8:fffd::1", "::ffff:10.0.0.1",
    ].map(address)

    private static func link6(_ destination: MACAddress = port) -> PacketBuilder {
        PacketBuilder().ethernet(from: host, to: destination)
    }

    private static func discovery(
        _ message: some NDMessage, from source: IPv6Address, to destination: IPv6Address
    ) -> PacketBuilder {
        let mac = destination.isMulticast ? MACAddress(multicast: destination) : port
        return link6(mac).ipv6(from: source, to: destination, hopLimit: 255).discovery(message)
    }

    static var ipv6: [PacketBuilder] {
        var packets: [PacketBuilder] = []
        for destination in destinations6 {
            let mac = destination.isMulticast ? MACAddress(multicast: destination) : port
            let start = link6(mac).ipv6(from: source6, to: destination)
            packets.append(start.udp(from: 4000, to: 53).payload(count: 18))
            packets.append(start.icmp6(.echoRequest(identifier: 1, sequence: 2)).payload(count: 8))
        }
        let far = destinations6[0]
        let start = link6().ipv6(from: source6, to: far)
        let own = link6().ipv6(from: source6, to: router6)
        let quoted = PacketBuilder().ipv6(from: far, to: source6, hopLimit: 1).udp(from: 1, to: 2).payload(count: 8)
            .bytes
        packets += [
            link6().ipv6(from: source6, to: far, hopLimit: 1).udp(from: 1, to: 2).payload(count: 8),
            link6().ipv6(from: linkLocal6, to: far).udp(from: 1, to: 2),
            start.tcp(from: 1, to: 80, flags: .syn), own.tcp(from: 1, to: 80, flags: [.syn, .ack]).payload(count: 100),
            start.udp(from: 1, to: 2).payload(count: 1400), start.icmp6(.timeExceeded).payload(quoted),
            own.icmp6(.packetTooBig(mtu: 1280)).payload(quoted), own.icmp6(.unreachable(.port)).payload(quoted),
            start.hopByHop([5, 2, 0, 0]).udp(from: 1, to: 2), own.hopByHop([5, 2, 0, 0]).udp(from: 1, to: 2),
            start.hopByHop([0xC2, 4, 0, 1, 0, 0]).udp(from: 1, to: 2), own.hopByHop([0x9E, 4, 0, 0, 0, 0]),
            own.destinationOptions([0xDE, 4, 0, 0, 0, 0]).udp(from: 1, to: 2),
            own.routing(type: 0, segmentsLeft: 1, [0, 0, 0, 0] + far.networkBytes).udp(from: 1, to: 2),
            start.fragment6(moreFragments: true, identification: 7).udp(from: 1, to: 2).payload(count: 24),
            start.fragment6(units: 4, identification: 7, next: .udp).payload(count: 24),
            own.fragment6(identification: 8).icmp6(.echoRequest(identifier: 1, sequence: 2)).payload(count: 8),
            own.fragment6(moreFragments: true, identification: 9, next: .destinationOptions).payload([17]),
            own.payload(count: 40), link6().ipv6(from: source6, to: router6, nextHeader: .noNextHeader),
            (0..<9).reduce(start) { packet, _ in packet.destinationOptions([]) }.udp(from: 1, to: 2),
        ]
        return packets
    }

    static var neighbors6: [PacketBuilder] {
        let redirected = PacketBuilder().ipv6(from: router6, to: destinations6[0]).udp(from: 1, to: 2).bytes
        return [
            discovery(
                NeighborSolicitation(target: router6, station: host), from: source6, to: router6.solicitedNode),
            discovery(NeighborSolicitation(target: router6, station: host), from: source6, to: router6),
            discovery(NeighborSolicitation(target: router6, station: nil), from: .any, to: router6.solicitedNode),
            discovery(NeighborSolicitation(target: source6, station: host), from: source6, to: router6),
            discovery(
                NeighborAdvertisement(
                    target: source6, station: host, isRouter: false, isSolicited: true, isOverriding: true),
                from: source6, to: router6),
            discovery(
                NeighborAdvertisement(
                    target: router6, station: host, isRouter: true, isSolicited: false, isOverriding: true),
                from: source6, to: .allNodes),
            discovery(
                NeighborAdvertisement(
                    target: destinations6[4], station: nil, isRouter: false, isSolicited: true, isOverriding: false),
                from: destinations6[4], to: router6),
            discovery(RouterSolicitation(station: host), from: linkLocal6, to: .allRouters),
            discovery(RouterSolicitation(station: nil), from: .any, to: .allRouters),
            discovery(
                RouterAdvertisement(
                    station: host, mtu: 1500, prefixes: [NDPrefix(IPv6Prefix(router6, length: 64))],
                    dnsServers: .init([source6], lifetime: 60)),
                from: linkLocal6, to: .allNodes),
            discovery(
                Redirect6(
                    target: linkLocal6, destination: destinations6[0], station: host, redirected: redirected),
                from: linkLocal6, to: router6),
        ]
    }

    static var labelled: [PacketBuilder] {
        let ipv4 = { (packet: PacketBuilder) in
            packet.ipv4(from: IPv4Address(10, 0, 0, 2), to: destinations[0]).udp(from: 1, to: 2).payload(count: 18)
        }
        return [
            ipv4(link6().mpls(label: 100)), ipv4(link6().mpls(label: 100).mpls(label: 200)),
            ipv4(link6().mpls(label: 0)), ipv4(link6().mpls(label: 100, timeToLive: 1)),
            link6().mpls(label: 2).ipv6(from: source6, to: destinations6[0]).udp(from: 1, to: 2),
            ipv4(link6().mpls(label: 100).mpls(label: 7).mpls(label: 5000)), ipv4(link6().mpls(label: 3)),
            ipv4(link6().mpls(label: 1).mpls(label: 101)), link6().mpls(label: 100).payload([0, 0, 0, 1, 2, 3]),
            link6().mpls(label: 13).payload([0x10, 0, 0, 7]), ipv4(link6().vlan(0).mpls(label: 100)),
            (0..<30).reduce(link6()) { packet, label in packet.mpls(label: label) }.payload(count: 8),
        ]
            + (101...109).flatMap { (label: UInt32) in
                [
                    ipv4(link6().mpls(label: label)), ipv4(link6().mpls(label: label).mpls(label: 104)),
                    ipv4(link6().mpls(label: label, timeToLive: 1)),
                    link6().mpls(label: label).ipv6(from: source6, to: destinations6[0]).udp(from: 1, to: 2),
                    ipv4(link6().mpls(label: label).mpls(label: 7).mpls(label: 5000)),
                    ipv4(link6().mpls(label: label)).payload(count: 560),
                ]
            }
    }
}
