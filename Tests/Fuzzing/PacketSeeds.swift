// SPDX-License-Identifier: Apache-2.0
import Wire

/// Right packets of every kind that the routers of `FuzzGraph` know, to make wrong ones from.
enum PacketSeeds {
    /// The neighbour that gets what is below a label as it is, whatever its addresses.
    static let endOfPath = MACAddress(2, 0, 0, 0, 2, 4)

    private static let port = MACAddress(2, 0, 0, 0, 0, 1)
    private static let host = MACAddress(2, 0, 0, 0, 1, 2)
    private static let source = IPv4Address(10, 0, 0, 2)

    /// Destinations by what becomes of packets to them.
    static let destinations: [IPv4Address] = [
        IPv4Address(192, 0, 2, 9), IPv4Address(192, 0, 2, 200), IPv4Address(10, 2, 0, 1), IPv4Address(10, 1, 0, 2),
        IPv4Address(10, 0, 0, 1), IPv4Address(10, 1, 0, 1), IPv4Address(172, 16, 3, 4), IPv4Address(10, 8, 77, 7),
        IPv4Address(10, 1, 0, 77), IPv4Address(198, 51, 100, 1), IPv4Address(203, 0, 113, 1),
        IPv4Address(203, 0, 113, 200),
        IPv4Address(8, 8, 8, 8), IPv4Address(10, 77, 0, 1), IPv4Address(10, 1, 0, 255), IPv4Address(10, 0, 0, 0),
        .broadcast, .any,
        IPv4Address(127, 0, 0, 1), IPv4Address(224, 0, 0, 5), IPv4Address(240, 0, 0, 1), IPv4Address(10, 7, 0, 2),
        IPv4Address(10, 7, 9, 2), IPv4Address(10, 90, 0, 1), IPv4Address(10, 91, 0, 1), IPv4Address(10, 92, 0, 1),
        IPv4Address(10, 9, 1, 2),
    ]

    static let frames: [[UInt8]] = (arp + ip + bfd + tagged + ipv6 + neighbors6 + labelled + fragments + tunnelled)
        .map(\.bytes)
    /// Those about which the router logs nothing.
    static let quietFrames: [[UInt8]] = (ip + tagged + ipv6 + labelled).map(\.bytes)

    static func link(_ destination: MACAddress = port) -> PacketBuilder {
        PacketBuilder().ethernet(from: host, to: destination)
    }

    private static var arp: [PacketBuilder] {
        let own = IPv4Address(10, 0, 0, 1)
        let requests: [ARPPacket] = [
            .request(for: own, from: host, source), .probe(for: own, from: host), .announcement(of: source, at: host),
            .request(for: IPv4Address(10, 0, 0, 9), from: host, source), .announcement(of: own, at: host),
            .request(for: own, from: host, IPv4Address(10, 8, 3, 3)),
        ]
        let reply = ARPPacket.request(for: IPv4Address(10, 8, 5, 5), from: port, IPv4Address(10, 8, 0, 1)).reply(
            from: host)
        return requests.map { link(.broadcast).arp($0).padded() } + [link().arp(reply).padded()]
    }

    private static var ip: [PacketBuilder] {
        var packets: [PacketBuilder] = []
        for destination in destinations {
            packets.append(link().ipv4(from: source, to: destination).udp(from: 4000, to: 53).payload(count: 18))
            packets.append(
                link().ipv4(from: source, to: destination).icmp(.echoRequest(identifier: 1, sequence: 2)).payload(
                    count: 8))
        }
        let far = destinations[0]
        let router = IPv4Address(10, 0, 0, 1)
        let quoted = PacketBuilder().ipv4(from: far, to: source, timeToLive: 1).udp(from: 1, to: 2).payload(count: 8)
            .bytes
        packets += [
            link().ipv4(from: source, to: far, timeToLive: 1).udp(from: 1, to: 2).payload(count: 8),
            link().ipv4(from: source, to: far).tcp(from: 1, to: 80, flags: .syn),
            link().ipv4(from: source, to: router).tcp(from: 1, to: 80, flags: [.syn, .ack]).payload(count: 100),
            link().ipv4(from: source, to: far).icmp(.timeExceeded).payload(quoted),
            link().ipv4(from: source, to: far, timeToLive: 1).icmp(.unreachable(.port)).payload(quoted),
            link().ipv4(from: source, to: far, moreFragments: true).udp(from: 1, to: 2).payload(count: 24),
            link().ipv4(from: source, to: far, fragmentUnits: 4, protocol: .udp).payload(count: 24),
            link().ipv4(from: source, to: router, moreFragments: true).icmp(.echoRequest(identifier: 1, sequence: 1))
                .payload(count: 8),
            link().ipv4(from: source, to: far, protocol: IPProtocol(rawValue: 99)).payload(count: 1400),
            link().ipv4(from: source, to: far, dontFragment: true).udp(from: 1, to: 2).payload(count: 1400),
            link().ipv4(from: source, to: far, options: [0x94, 4, 0, 0]).udp(from: 1, to: 2).payload(count: 20),
            link().ipv4(from: source, to: router, options: [7, 7, 4, 0, 0, 0, 0, 0]).icmp(
                .echoRequest(identifier: 1, sequence: 2)),
            link().ipv4(from: source, to: far, options: [7, 11, 4] + [UInt8](repeating: 0, count: 9)).udp(
                from: 1, to: 2),
            link().ipv4(from: source, to: far, options: [UInt8](repeating: 1, count: 40)).payload(count: 900),
            link().ipv4(from: source, to: router, options: [0x94, 4, 0, 0]).icmp(
                .echoRequest(identifier: 1, sequence: 1)),
            link().ipv4(from: source, to: router, options: [0x83, 7, 4, 1, 2, 3, 4]).udp(from: 1, to: 2),
            link().ipv4(from: source, to: router).udp(from: 67, to: 68).payload(count: 300),
            link(.broadcast).ipv4(from: .any, to: .broadcast).udp(from: 68, to: 67).payload(count: 250),
            link(.broadcast).ipv4(from: source, to: far).udp(from: 1, to: 2),
            link(MACAddress(1, 0, 0x5e, 0, 0, 5)).ipv4(from: source, to: destinations[18]).payload(count: 44),
        ]
        return packets
    }

    private static var tagged: [PacketBuilder] {
        [
            link().vlan(0).ipv4(from: source, to: destinations[0]).udp(from: 1, to: 2).payload(count: 8),
            link(.broadcast).vlan(0).arp(.request(for: IPv4Address(10, 0, 0, 1), from: host, source)).padded(),
            link().vlan(7).ipv4(from: source, to: destinations[0]).udp(from: 1, to: 2),
            link(.broadcast).vlan(7).arp(.request(for: IPv4Address(10, 7, 0, 1), from: host, IPv4Address(10, 7, 0, 2)))
                .padded(),
            link().vlan(7, kind: .serviceVLAN).vlan(9).ipv4(from: source, to: destinations[0]).udp(from: 1, to: 2),
            link().vlan(7, kind: .serviceVLAN).vlan(9).vlan(9).ipv4(from: source, to: destinations[0]),
            link().vlan(7, kind: .serviceVLAN).vlan(0).ipv4(from: source, to: destinations[0]).udp(from: 1, to: 2),
            PacketBuilder().ethernet(from: host, to: port, type: EtherType(rawValue: 0x86dd)).payload(count: 60),
            PacketBuilder().ethernet(from: host, to: MACAddress(2, 9, 9, 9, 9, 9)).payload(count: 60),
        ]
    }
}
