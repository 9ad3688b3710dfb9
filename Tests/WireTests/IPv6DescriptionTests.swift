// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Packet builder and description: IPv6 and MPLS")
struct IPv6DescriptionTests {
    private static let port = PacketDescriptionTests.port
    private static let a = IPv6HeaderTests.source
    private static let b = IPv6HeaderTests.destination
    private static let router = IPv6Address("fe80::1")!
    private static let station = MACAddress(2, 0, 0, 0, 0, 1)
    private static let datagram = port.ipv6(from: a, to: b, trafficClass: 0xB9, flowLabel: 0x12345)
        .udp(from: 4000, to: 53).payload(count: 4)

    @Test func bytesOfTheBuilder() {
        #expect(Array(Self.datagram.bytes.dropFirst(12)) == hex("86DD") + IPv6HeaderTests.bytes)
        let chain = PacketBuilder().ipv6(from: Self.a, to: Self.b).hopByHop([5, 2, 0, 0])
            .destinationOptions([1, 2, 0, 0, 0xC9, 16] + IPv6Address("2001:db8::99")!.networkBytes)
            .routing(type: 0, segmentsLeft: 1, [0, 0, 0, 0] + IPv6Address("2001:db8::7")!.networkBytes)
            .fragment6(moreFragments: true, identification: 0xDEAD_BEEF).udp(from: 1, to: 2).payload(
                Array("abcdefgh".utf8))
        // But for the datagram's checksum, which knows nothing of a home address or a last stop.
        #expect(chain.bytes.dropLast(10) == IPv6ExtensionTests.chain.dropLast(10))
        let later = PacketBuilder().ipv6(from: Self.a, to: Self.b)
            .fragment6(units: 185, identification: 0xDEAD_BEEF, next: .udp).payload(Array("abcdefgh".utf8))
        #expect(later.bytes == IPv6ExtensionTests.laterFragment)
    }

    @Test func optionsArePadded() {
        func options(_ count: Int) -> [UInt8] {
            Array(PacketBuilder().hopByHop([UInt8](repeating: 9, count: count), next: .udp).bytes.dropFirst(count + 2))
        }
        #expect(PacketBuilder().hopByHop([], next: .udp).bytes == hex("11 00 0104 00000000"))
        #expect(options(6) == [] && options(5) == [0] && options(4) == [1, 0] && options(7) == [1, 5, 0, 0, 0, 0, 0])
    }

    @Test func typesFollow() {
        let labelled = Self.port.mpls(label: 16, trafficClass: 5, timeToLive: 63).mpls(label: 17)
            .ipv4(from: .any, to: .any)
        #expect(Array(labelled.bytes[12..<22]) == hex("8847 00010A3F 00011140"))
        #expect(Self.port.mpls(label: 16, isBottom: false).bytes.suffix(4) == hex("00010040"))
        #expect(PacketBuilder().ipv4(from: .any, to: .any).ipv6(from: Self.a, to: Self.b).bytes[9] == 41)
        #expect(PacketBuilder().ipv6(from: Self.a, to: Self.b).ipv4(from: .any, to: .any).bytes[6] == 4)
        #expect(PacketBuilder().ipv6(from: Self.a, to: Self.b).mpls(label: 16).bytes[6] == 137)
        #expect(PacketBuilder().ipv6(from: Self.a, to: Self.b).payload(count: 1).bytes[6] == 253)
    }

    @Test func line() {
        #expect(
            PacketDescription(Self.datagram.bytes).line
                == "02:00:00:00:00:01 > 02:00:00:00:00:02 IPv6 2001:db8::1 > 2001:db8:0:1::2 UDP 4000 > 53")
    }

    @Test func listing() {
        let packet = Self.port.mpls(label: 100).mpls(label: 0).ipv6(
            from: Self.a, to: Self.b, trafficClass: 0xB9, flowLabel: 5
        )
        .hopByHop([5, 2, 0, 0, 0x1E, 0]).fragment6(moreFragments: true, identification: 7).udp(from: 1, to: 2)
        #expect(
            PacketDescription(packet.bytes).listing == """
                Ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02, 86 bytes
                  MPLS label 100, ttl 64
                    MPLS label IPv4 explicit null, ttl 64
                      IPv6 2001:db8::1 > 2001:db8:0:1::2, hop limit 64, payload length 24, dscp 46, ecn 1, flow 0x00005
                        hop-by-hop options, router alert, option 0x1e
                          fragment at 0, more follow, id 0x00000007
                            UDP 1 > 2, length 8
                """)
    }

    @Test func quotedPackets() {
        let error = Self.port.ipv6(from: Self.b, to: Self.a).icmp6(.packetTooBig(mtu: 1400))
            .ipv6(from: Self.a, to: Self.b).tcp(from: 1, to: 2, flags: .syn)
        let line = PacketDescription(error.bytes).line
        #expect(line.hasSuffix("ICMPv6 packet too big IPv6 2001:db8::1 > 2001:db8:0:1::2 TCP 1 > 2 SYN"), "\(line)")
        #expect(
            PacketDescription(error.cut(to: 14 + 48 + 48).bytes).listing.hasSuffix(
                "TCP, cut short\n          8 bytes 00 01 00 02 00 00 00 00"))
    }

    private static let advertisement = RouterAdvertisement(
        isManaged: true, preference: .low, station: station, mtu: 1500,
        prefixes: [NDPrefix(IPv6Prefix("2001:db8::/64")!)],
        dnsServers: .init([a], lifetime: 9))
    private static let link = port.ipv6(from: router, to: .allNodes, hopLimit: 255)

    @Test(arguments: [
        (
            link.discovery(NeighborSolicitation(target: b, station: station)),
            "ICMPv6 who has 2001:db8:0:1::2, from 02:00:00:00:00:01"
        ),
        (
            link.discovery(
                NeighborAdvertisement(
                    target: b, station: station, isRouter: true, isSolicited: true, isOverriding: true)),
            "ICMPv6 2001:db8:0:1::2 is at 02:00:00:00:00:01, router, solicited, override"
        ),
        (link.discovery(RouterSolicitation(station: nil)), "ICMPv6 router solicitation"),
        (
            link.discovery(advertisement),
            "ICMPv6 router advertisement, lifetime 1800, hop limit 64, preference low, managed, "
                + "from 02:00:00:00:00:01, mtu 1500, prefix 2001:db8::/64, dns 2001:db8::1"
        ),
        (
            link.discovery(
                Redirect6(target: router, destination: b, station: station, redirected: [1, 2, 3, 4, 5, 6, 7, 8])),
            "ICMPv6 redirect to fe80::1 for 2001:db8:0:1::2, at 02:00:00:00:00:01, redirected header"
        ),
        (link.icmp6(.unreachable(.address)), "ICMPv6 address unreachable"),
        (link.icmp6(.parameterProblem(.nextHeader, pointer: 40)), "ICMPv6 unknown next header, at 40"),
        (link.icmp6(.echoRequest(identifier: 3, sequence: 4)), "ICMPv6 echo request, id 3, sequence 4"),
        (datagram.overwrite(at: 60, 0, 1), "bad checksum"),
        (datagram.overwrite(at: 14, 0x45), "version 4"),
        (datagram.cut(to: 60), "6 bytes missing"),
        (datagram.cut(to: 50), "IPv6, truncated, 36 bytes left"),
        (link.hopByHop([]).hopByHop([]), "hop-by-hop options, not the first extension header"),
        (link.hopByHop([]).cut(to: 58), "hop-by-hop options, truncated, 4 bytes left"),
        (link.destinationOptions([7, 99]), "destination options, bad option"),
        (link.routing(type: 4, segmentsLeft: 2), "routing header type 4, 2 segments left"),
        (link.discovery(NeighborSolicitation(target: b, station: station)).overwrite(at: 79, 0), "option of length 0"),
        (port.mpls(label: 3).payload([0]), "MPLS label implicit null, ttl 64, implicit null in a packet"),
        (port.mpls(label: 30, isBottom: false), "MPLS, truncated, 0 bytes left"),
    ])
    func saysWhatThereIs(packet: PacketBuilder, words: String) {
        let listing = PacketDescription(packet.bytes).listing
        #expect(listing.contains(words), "\(listing)")
    }

    /// Of what was not kept of a packet nobody knows whether it is right.
    @Test(arguments: [link.discovery(RouterSolicitation(station: station)), link.hopByHop([30, 9, 0, 0, 0, 0])])
    func `the end of a beginning is no fault`(packet: PacketBuilder) {
        let beginning = Array(packet.bytes.prefix(64))
        #expect(PacketDescription(beginning).layers.contains { !$0.faults.isEmpty })
        #expect(!PacketDescription(beginning, isSnapped: true).layers.contains { !$0.faults.isEmpty })
    }

    /// Anything goes in, text comes out.
    @Test func garbage() {
        var random = Lehmer(state: 66)
        let seeds = [
            Self.datagram, Self.link.discovery(Self.advertisement),
            Self.port.mpls(label: 7).mpls(label: 9).ipv6(from: Self.a, to: Self.b).udp(from: 1, to: 2),
            Self.link.discovery(
                Redirect6(target: Self.a, destination: Self.b, station: nil, redirected: Self.datagram.bytes)),
            Self.link.hopByHop([5, 2, 0, 0]).routing(type: 0, segmentsLeft: 0).fragment6().destinationOptions([0x1E, 0])
                .icmp6(.timeExceeded).ipv6(from: Self.a, to: Self.b).tcp(from: 1, to: 2, flags: .syn),
            (0..<50).reduce(Self.port) { packet, _ in packet.mpls(label: 5) },
        ].map(\.bytes)
        for round in 0..<10_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<(random.next() % 8) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            bytes = Array(bytes.prefix(Int(random.next() % UInt64(bytes.count + 1))))
            let description = PacketDescription(bytes)
            guard description.listing.isEmpty || description.line.contains("\n") else { continue }
            Issue.record("\(bytes)")
        }
    }
}
