// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// Packets as they come in flows, and what tells flows apart.
@Suite("Flow hash")
struct FlowHashTests {
    private static let a4 = IPv4Address(10, 0, 0, 2)
    private static let b4 = IPv4Address(192, 0, 2, 9)
    static let a6 = IPv6HeaderTests.source
    static let b6 = IPv6HeaderTests.destination
    private static let ip4 = PacketBuilder().ipv4(from: a4, to: b4)
    static let ip6 = PacketBuilder().ipv6(from: a6, to: b6, flowLabel: 0x12345)

    private func ipv4(_ packet: PacketBuilder, seed: UInt32 = 1) -> UInt32 {
        packet.withFrame { FlowHash.ipv4($0, seed: seed) }
    }
    func ipv6(_ packet: PacketBuilder, seed: UInt32 = 1) -> UInt32 {
        packet.withFrame { FlowHash.ipv6($0, seed: seed) }
    }
    private func mpls(_ packet: PacketBuilder, seed: UInt32 = 1) -> UInt32 {
        packet.withFrame { FlowHash.mpls($0, seed: seed) }
    }
    /// Whether `hash` tells all packets apart, and itself from no seed to another.
    func areApart(_ packets: [PacketBuilder], _ hash: (PacketBuilder, UInt32) -> UInt32) -> Bool {
        Set(packets.map { hash($0, 1) } + packets.map { hash($0, 2) }).count == 2 * packets.count
    }

    // MARK: - What belongs together

    @Test func whatChangesOnTheWayDoesNotCount() {
        let other = PacketBuilder().ipv4(
            from: Self.a4, to: Self.b4, timeToLive: 3, trafficClass: 7, identification: 9, dontFragment: true)
        #expect(
            ipv4(Self.ip4.udp(from: 1, to: 2).payload(count: 3))
                == ipv4(other.udp(from: 1, to: 2).payload(count: 99)))
        let other6 = PacketBuilder().ipv6(from: Self.a6, to: Self.b6, hopLimit: 3, trafficClass: 7, flowLabel: 5)
        #expect(ipv6(Self.ip6.tcp(from: 1, to: 2, flags: .syn)) == ipv6(other6.tcp(from: 1, to: 2, flags: .ack)))
        // GTP-U is over UDP alone.
        let (syn, ack) = (2152 as UInt16, UInt32(0x3033_0000))
        #expect(
            ipv4(Self.ip4.tcp(from: syn, to: 2, flags: .syn))
                == ipv4(Self.ip4.tcp(from: syn, to: 2, flags: .ack, sequenceNumber: 7, acknowledgement: ack)))
    }

    @Test func fragmentsOfADatagramStayTogether() {
        let first = PacketBuilder().ipv4(from: Self.a4, to: Self.b4, moreFragments: true)
        let later = PacketBuilder().ipv4(from: Self.a4, to: Self.b4, fragmentUnits: 2, protocol: .udp)
        #expect(ipv4(first.udp(from: 1, to: 2).payload(count: 8)) == ipv4(later.payload(count: 16)))
        #expect(ipv4(first.udp(from: 1, to: 2).payload(count: 8)) != ipv4(Self.ip4.udp(from: 1, to: 2)))
        #expect(ipv4(later.payload(count: 8)) == ipv4(later.payload([9, 9, 9, 9])))
        let first6 = Self.ip6.fragment6(moreFragments: true).udp(from: 1, to: 2).payload(count: 8)
        let later6 = Self.ip6.fragment6(units: 2, next: .udp).payload(count: 16)
        #expect(ipv6(first6) == ipv6(later6))
        let gre = IPProtocol.gre
        let firstKey = PacketBuilder().ipv4(from: Self.a4, to: Self.b4, moreFragments: true, protocol: gre)
        let laterKey = PacketBuilder().ipv4(from: Self.a4, to: Self.b4, fragmentUnits: 2, protocol: gre)
        #expect(ipv4(firstKey.payload(hex("20000800 00000001"))) == ipv4(laterKey.payload(hex("20000800 00000002"))))
    }

    // MARK: - What tells flows apart

    @Test func fiveTuples() {
        let elsewhere = PacketBuilder().ipv4(from: Self.b4, to: Self.a4)
        let packets = [
            Self.ip4.udp(from: 1, to: 2), Self.ip4.udp(from: 2, to: 1), Self.ip4.udp(from: 1, to: 3),
            Self.ip4.tcp(from: 1, to: 2, flags: .syn), elsewhere.udp(from: 1, to: 2), Self.ip4.payload(count: 8),
        ]
        #expect(areApart(packets) { ipv4($0, seed: $1) })
        let elsewhere6 = PacketBuilder().ipv6(from: Self.b6, to: Self.a6)
        let packets6 = [
            Self.ip6.udp(from: 1, to: 2), Self.ip6.udp(from: 2, to: 1), Self.ip6.udp(from: 1, to: 3),
            Self.ip6.tcp(from: 1, to: 2, flags: .syn), elsewhere6.udp(from: 1, to: 2), Self.ip6.payload(count: 8),
        ]
        #expect(areApart(packets6) { ipv6($0, seed: $1) })
    }

    @Test func tunnels() {
        let bodies = ["30FF 0008 00000001", "30FF 0008 00000002", "50FF 0008 00000001"].map {
            Self.ip4.udp(from: 40000, to: 2152).payload(hex($0))
        }
        #expect(areApart(bodies) { ipv4($0, seed: $1) })
        // Not of version 1, hence without a tunnel; and cut short.
        #expect(ipv4(bodies[2]) == ipv4(Self.ip4.udp(from: 40000, to: 2152)))
        let tunnel6 = Self.ip6.udp(from: 2152, to: 2152)
        #expect(ipv6(tunnel6.payload(hex("30FF 0008 00000001"))) != ipv6(tunnel6.payload(hex("30FF 0008 00000002"))))

        let gre = PacketBuilder().ipv4(from: Self.a4, to: Self.b4, protocol: .gre)
        let keys = ["20000800 00000001", "20000800 00000002", "A0000800 00000000 00000003", "00000800 00000001"].map {
            gre.payload(hex($0))
        }
        #expect(areApart(keys) { ipv4($0, seed: $1) })
        #expect(ipv4(keys[0]) == ipv4(gre.payload(hex("A0000800 77770000 00000001"))))
        #expect(ipv4(keys[3]) == ipv4(gre.payload(hex("00000800 00000002"))))
        let gre6 = PacketBuilder().ipv6(from: Self.a6, to: Self.b6, nextHeader: .gre)
        #expect(ipv6(gre6.payload(hex("20000800 00000001"))) != ipv6(gre6.payload(hex("20000800 00000002"))))
    }

    /// RFC 6438: with a tunnel or an extension header in the way the flow label is what there is.
    @Test func flowLabels() {
        func packets(_ label: UInt32) -> [PacketBuilder] {
            let header = PacketBuilder().ipv6(from: Self.a6, to: Self.b6, flowLabel: label)
            return [
                header.ipv6(from: Self.b6, to: Self.a6).udp(from: 1, to: 2),
                header.hopByHop([], next: .esp).payload(count: 8),
                header.fragment6(units: 1, next: .udp).payload(count: 8),
            ]
        }
        #expect(areApart(packets(1) + packets(2)) { ipv6($0, seed: $1) })
        #expect(
            ipv6(packets(1)[0])
                == ipv6(PacketBuilder().ipv6(from: Self.a6, to: Self.b6, flowLabel: 1, nextHeader: .ipv6)))
    }

    @Test func labelStacks() {
        let inner = PacketBuilder().mpls(label: 100).mpls(label: 200)
        #expect(mpls(inner.ipv4(from: Self.a4, to: Self.b4).udp(from: 1, to: 2)) == ipv4(Self.ip4.udp(from: 1, to: 2)))
        #expect(
            mpls(PacketBuilder().mpls(label: 2).ipv6(from: Self.a6, to: Self.b6).udp(from: 1, to: 2))
                == ipv6(Self.ip6.udp(from: 1, to: 2)))
        // A pseudowire: labels alone, whatever their class and time to live.
        let other = PacketBuilder().mpls(label: 100, trafficClass: 3, timeToLive: 9).mpls(label: 200)
        #expect(mpls(inner.payload([0, 1])) == mpls(other.payload([0, 2])))
        #expect(
            mpls(inner.payload([0]))
                == mpls(PacketBuilder().mpls(label: 1).mpls(label: 100).mpls(label: 200).payload([0])))
        let stacks = [[100, 200], [200, 100], [100], [100, 201], [300_100, 200]] as [[UInt32]]
        let packets = stacks.map { $0.reduce(PacketBuilder()) { $0.mpls(label: $1) }.payload([0]) }
        #expect(areApart(packets) { mpls($0, seed: $1) })
    }

    /// RFC 6790: it is all that counts, wherever it stands; and it stands only behind its indicator.
    @Test func entropyLabels() {
        let hashes = [(16, 1), (17, 2)].map { (label, port) in
            mpls(
                PacketBuilder().mpls(label: label).mpls(label: 7).mpls(label: 5000)
                    .ipv4(from: Self.a4, to: Self.b4).udp(from: port, to: 2))
        }
        #expect(hashes[0] == hashes[1])
        func entropy(_ label: UInt32) -> PacketBuilder {
            PacketBuilder().mpls(label: 7).mpls(label: label).payload([0])
        }
        #expect(areApart([5000, 5001, 0xF5000].map(entropy)) { mpls($0, seed: $1) })
        // Behind an extension label a 7 is no indicator (RFC 7274), and no label of a path.
        func extended(_ label: UInt32) -> PacketBuilder {
            PacketBuilder().mpls(label: 100).mpls(label: 15).mpls(label: label).mpls(label: 200).payload([0])
        }
        #expect(mpls(extended(7)) == mpls(extended(500)))
    }

    // MARK: - Both directions

    @Test func symmetric() {
        let there = Self.ip4.udp(from: 1000, to: 53)
        let back = PacketBuilder().ipv4(from: Self.b4, to: Self.a4)
        let hash = there.withFrame { FlowHash.symmetricIPv4($0) }
        #expect(hash != nil && hash == back.udp(from: 53, to: 1000).withFrame { FlowHash.symmetricIPv4($0) })
        #expect(hash != back.udp(from: 54, to: 1000).withFrame { FlowHash.symmetricIPv4($0) })
        #expect(hash != back.tcp(from: 53, to: 1000, flags: .syn).withFrame { FlowHash.symmetricIPv4($0) })

        let there6 = Self.ip6.udp(from: 1000, to: 53)
        let back6 = PacketBuilder().ipv6(from: Self.b6, to: Self.a6, flowLabel: 77)
        let hash6 = there6.withFrame { FlowHash.symmetricIPv6($0) }
        #expect(hash6 != nil && hash6 == back6.udp(from: 53, to: 1000).withFrame { FlowHash.symmetricIPv6($0) })
        #expect(hash6 != back6.udp(from: 54, to: 1000).withFrame { FlowHash.symmetricIPv6($0) })

        let labelled = PacketBuilder().mpls(label: 100).ipv6(from: Self.b6, to: Self.a6).udp(from: 53, to: 1000)
        #expect(hash6 == labelled.withFrame { FlowHash.symmetricMPLS($0) })
        #expect(PacketBuilder().mpls(label: 100).payload([0]).withFrame { FlowHash.symmetricMPLS($0) } == nil)
        #expect(PacketBuilder().payload(count: 19).withFrame { FlowHash.symmetricIPv4($0) } == nil)
        #expect(PacketBuilder().payload(count: 39).withFrame { FlowHash.symmetricIPv6($0) } == nil)
    }

    // MARK: - Quality

    /// Every bit of input and seed turns each bit of the hash in half of all cases.
    @Test(arguments: [(0, 12, 24), (1, 8, 44), (2, 0, 3)])
    func avalanche(kind: Int, first: Int, last: Int) {
        var random = Lehmer(state: 7)
        let rounds = 1000
        let frames = [
            Self.ip4.udp(from: 1, to: 2), Self.ip6.udp(from: 1, to: 2), PacketBuilder().mpls(label: 7).mpls(label: 9),
        ].map(\.bytes)
        func hash(_ bytes: Bytes, _ seed: UInt32) -> UInt32 {
            kind == 0
                ? FlowHash.ipv4(bytes, seed: seed)
                : kind == 1 ? FlowHash.ipv6(bytes, seed: seed) : FlowHash.mpls(bytes.dropping(first: 0), seed: seed)
        }
        // The label that counts is the second one: 20 bits from its first byte on.
        let start = kind == 2 ? 4 : first
        let bits = kind == 2 ? 20 : (last - first) * 8
        for bit in -32..<bits {
            var turned = [Int](repeating: 0, count: 32)
            for _ in 0..<rounds {
                var frame = frames[kind]
                for place in start..<(start + (bits + 7) / 8) {
                    frame[place] = UInt8(truncatingIfNeeded: random.next())
                }
                let seed = UInt32(truncatingIfNeeded: random.next())
                let other = bit < 0 ? seed ^ 1 << UInt32(bit + 32) : seed
                let difference = frame.withBytes { window in
                    let before = hash(window, seed)
                    if bit >= 0 {
                        let place = start + bit / 8
                        window.store(window.load(at: place, as: UInt8.self) ^ 0x80 >> UInt8(bit % 8), at: place)
                    }
                    return before ^ hash(window, other)
                }
                for position in 0..<32 { turned[position] += Int(difference >> UInt32(position) & 1) }
            }
            // Eight standard deviations.
            let isGood = turned.allSatisfy { abs($0 - rounds / 2) < 127 }
            #expect(isGood, "bit \(bit): \(turned)")
        }
    }

    /// Neighbouring addresses and ports fill a small number of buckets alike, by the low bits and by the high ones; and
    /// what one seed puts into one bucket another one spreads again.
    @Test(arguments: [2, 4, 7, 16])
    func evenness(buckets: UInt32) {
        let flows = 16384
        var counts: [[Int]] = Array(repeating: Array(repeating: 0, count: Int(buckets)), count: 6)
        var second = Array(repeating: 0, count: Int(buckets))
        var frames = [Self.ip4.udp(from: 1024, to: 80).bytes, Self.ip6.udp(from: 1024, to: 80).bytes]
        for flow in 0..<flows {
            for version in 0..<2 {
                frames[version].withBytes { window in
                    window.storeNetwork(UInt16(1024 + flow % 128), at: version == 0 ? 20 : 40)
                    window.storeNetwork(UInt16(flow / 128), at: version == 0 ? 14 : 22)
                    let hash = version == 0 ? FlowHash.ipv4(window, seed: 5) : FlowHash.ipv6(window, seed: 5)
                    let both = version == 0 ? FlowHash.symmetricIPv4(window)! : FlowHash.symmetricIPv6(window)!
                    counts[version * 3][Int(hash % buckets)] += 1
                    counts[version * 3 + 1][Int((UInt64(hash) * UInt64(buckets)) >> 32)] += 1
                    counts[version * 3 + 2][Int((UInt64(both) * UInt64(buckets)) >> 32)] += 1
                    guard hash % buckets == 0, version == 0 else { return }
                    second[Int(FlowHash.ipv4(window, seed: 6) % buckets)] += 1
                }
            }
        }
        for count in counts + [second] {
            let expected = Double(count.reduce(0, +)) / Double(buckets)
            let isEven = count.allSatisfy { abs(Double($0) - expected) < 6 * expected.squareRoot() }
            #expect(isEven, "\(count)")
        }
    }

    /// Cut anywhere: no read past the end, which AddressSanitizer sees.
    @Test func truncated() {
        let packets = [
            Self.ip4.udp(from: 1, to: 2152).payload(hex("30FF 0008 00000001")),
            PacketBuilder().ipv4(from: Self.a4, to: Self.b4, protocol: .gre).payload(hex("A0000800 00000000 00000003")),
            Self.ip6.udp(from: 1, to: 2152).payload(hex("30FF 0008 00000001")),
            PacketBuilder().mpls(label: 100).mpls(label: 7).mpls(label: 9).ipv4(from: Self.a4, to: Self.b4),
            (0..<40).reduce(PacketBuilder()) { packet, label in packet.mpls(label: label) },
        ]
        for packet in packets {
            for length in 0...packet.bytes.count {
                packet.cut(to: length).withFrame { window in
                    _ = (FlowHash.ipv4(window, seed: 0), FlowHash.ipv6(window, seed: 0), FlowHash.mpls(window, seed: 0))
                    _ = FlowHash.symmetricIPv4(window)
                    _ = (FlowHash.symmetricIPv6(window), FlowHash.symmetricMPLS(window))
                }
            }
        }
    }
}
