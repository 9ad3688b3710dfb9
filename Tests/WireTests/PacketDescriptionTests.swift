// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Packet builder and description")
struct PacketDescriptionTests {
    static let a = MACAddress(2, 0, 0, 0, 0, 1)
    static let b = MACAddress(2, 0, 0, 0, 0, 2)
    static let ipA = IPv4Address(192, 0, 2, 1)
    static let ipB = IPv4Address(192, 0, 2, 2)
    static let port = PacketBuilder().ethernet(from: a, to: b)
    static let datagram = port.vlan(7).ipv4(from: ipA, to: ipB).udp(from: 4000, to: 53).payload(count: 20)

    @Test func bytesOfTheBuilder() {
        #expect(
            Self.datagram.bytes
                == hex(
                    """
                    020000000002 020000000001 8100 0007 0800 45 00 0030 0000 0000 40 11 F6B9 C0000201 C0000202
                    0FA0 0035 001C 1179 000102030405060708090A0B0C0D0E0F10111213
                    """))
    }

    @Test func builderShapesTheFinishedPacket() {
        #expect(Self.port.arp(.probe(for: Self.ipB, from: Self.a)).padded().bytes.count == 60)
        #expect(Self.datagram.cut(to: 15).bytes == Array(Self.datagram.bytes.prefix(15)))
        #expect(Self.datagram.overwrite(at: 65, 1, 2, 3).bytes.suffix(2) == [0x12, 1])
        #expect(PacketBuilder().bytes == [])
        #expect(Self.port.bytes.suffix(2) == [0x88, 0xB5])
        #expect(Self.port.ethernet(from: Self.a, to: Self.b, type: .ipv6).bytes.suffix(2) == [0x86, 0xDD])
        PacketBuilder().withFrame { #expect($0.count == 0) }
    }

    @Test func line() {
        #expect(
            PacketDescription(Self.datagram.bytes).line
                == "02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 7 IPv4 192.0.2.1 > 192.0.2.2 UDP 4000 > 53")
    }

    @Test func listing() {
        #expect(
            PacketDescription(Self.datagram.bytes).listing == """
                Ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02, 66 bytes
                  802.1Q vlan 7
                    IPv4 192.0.2.1 > 192.0.2.2, ttl 64, length 48
                      UDP 4000 > 53, length 28
                        20 bytes 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ...
                """)
    }

    @Test func quotedPackets() {
        let error = Self.port.ipv4(from: Self.ipB, to: Self.ipA).icmp(.timeExceeded)
            .ipv4(from: Self.ipA, to: Self.ipB, timeToLive: 1).tcp(from: 1, to: 2, flags: .syn)
        // Cut behind eight bytes of the quoted datagram, and the IP header mended.
        let cut = error.cut(to: 14 + 20 + 8 + 28).overwrite(at: 16, 0, 56)
        #expect(
            PacketDescription(cut.bytes).listing.hasSuffix(
                """
                IPv4 192.0.2.1 > 192.0.2.2, ttl 1, length 40
                        TCP, cut short
                          8 bytes 00 01 00 02 00 00 00 00
                """))
        let line = PacketDescription(error.bytes).line
        #expect(line.hasSuffix("ICMP time exceeded IPv4 192.0.2.1 > 192.0.2.2 TCP 1 > 2 SYN"), "\(line)")
    }

    @Test(arguments: [
        (datagram.overwrite(at: 28, 0, 0), "(bad checksum)"),
        (datagram.overwrite(at: 44, 0, 1), "UDP 4000 > 53 (bad checksum)"),
        (datagram.cut(to: 60), "(6 bytes missing)"),
        (datagram.cut(to: 17), "802.1Q (truncated, 3 bytes left)"),
        (datagram.cut(to: 13), "Ethernet (truncated, 13 bytes left)"),
        (datagram.overwrite(at: 18, 0x65), "(version 6)"),
        (datagram.overwrite(at: 18, 0x41), "(header length 4)"),
        (port.arp(.probe(for: ipB, from: a)).overwrite(at: 14, 9), "ARP (not IPv4 over Ethernet)"),
        (port.arp(.probe(for: ipB, from: a)), "ARP probe: who has 192.0.2.2"),
        (port.arp(.announcement(of: ipA, at: a)), "ARP announcement: 192.0.2.1 is at 02:00:00:00:00:01"),
        (port.ipv4(from: ipA, to: ipB).icmp(.unreachable(.port)), "ICMP port unreachable"),
    ])
    func saysWhatIsWrong(packet: PacketBuilder, words: String) {
        let line = PacketDescription(packet.bytes).line
        // The header's name stands only in the listing when it is left out of the line.
        let words = words.replacing("802.1Q ", with: "").replacing("Ethernet ", with: "")
        #expect(line.contains(words), "\(line)")
    }

    /// Anything goes in, text comes out; the windows end where the bytes end, so the sanitizer sees a step too far.
    @Test func garbage() {
        var random = Lehmer(state: 42)
        let seeds = [
            Self.datagram, Self.port.arp(.probe(for: Self.ipB, from: Self.a)),
            Self.port.ipv4(from: Self.ipA, to: Self.ipB, options: [7, 7, 4, 0, 0, 0, 0]).icmp(.timeExceeded)
                .ipv4(from: Self.ipA, to: Self.ipB).tcp(from: 1, to: 2, flags: .syn).payload(count: 30),
            PacketBuilder().payload([UInt8](repeating: 0x81, count: 9000)),
            (0..<50).reduce(Self.port) { packet, _ in packet.vlan(5) }.payload(count: 3),
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

    /// A packet that waited for its next hop's address is dropped without a link header.
    @Test func droppedPackets() {
        let ip4 = [UInt8]([
            0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 10, 1, 0, 9, 0, 9, 0, 53, 0, 8, 0, 0,
        ])
        let ip6 = [UInt8](
            [0x60, 0, 0, 0, 0, 8, 17, 64] + Array(repeating: 0x20, count: 32) + [0, 9, 0, 53, 0, 8, 0, 0])
        #expect(PacketDescription(dropped: ip4, length: 28).line.hasPrefix("IPv4 192.0.2.1 > 10.1.0.9"))
        #expect(
            PacketDescription(dropped: ip6, length: 48).line.hasPrefix("IPv6 2020:2020:2020:2020:2020:2020:2020:2020"))
        // Whatever its addresses begin with, a frame is one.
        let frame: [UInt8] = [0x46, 1, 2, 3, 4, 5, 0x62, 0, 0, 0, 0, 1, 8, 0] + ip4
        #expect(PacketDescription(dropped: frame, length: frame.count).line.hasPrefix("62:00:00:00:00:01 > 46:01:02"))
    }
}
