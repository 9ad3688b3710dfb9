// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Cases: packet notation")
struct NotationTests {
    private static let stations = ["wan0": MACAddress(2, 0, 0, 0, 0, 1), "10.0.0.2": MACAddress(2, 0, 0, 0, 1, 2)]

    private func read(_ text: String) throws -> PacketNotation {
        var words = Words([(text, 1)])
        return try PacketNotation(&words, NotationTests.stations)
    }

    @Test func headersAreStacked() throws {
        let notation = try read(
            "ethernet 10.0.0.2 > wan0 vlan 7 ipv4 10.0.0.2 > 10.0.0.1 ttl 3 df udp 1000 > 53 payload 4")
        let built = PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 1, 2), to: MACAddress(2, 0, 0, 0, 0, 1)).vlan(
            7
        )
        .ipv4(from: IPv4Address(10, 0, 0, 2), to: IPv4Address(10, 0, 0, 1), timeToLive: 3, dontFragment: true)
        .udp(from: 1000, to: 53).payload(count: 4)
        #expect(notation.bytes() == built.bytes)
    }

    @Test func changesComeInTheirOrder() throws {
        #expect(try read("hex 000102030405 pad 8 set 1 ff cut 7").bytes() == [0, 0xff, 2, 3, 4, 5, 0])
    }

    /// The total length lies, and the checksum is right about it.
    @Test func aChecksumIsMended() throws {
        let notation = try read("ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 payload 8 set 16 0100 mend")
        var header = Array(notation.bytes().dropFirst(14))
        header.withBytes { window in
            #expect(IPv4View(window)?.totalLength == 256)
            #expect(IPv4View(window)?.isChecksumRight == true)
        }
    }

    @Test func anyIdentificationIsTakenOver() throws {
        let pattern = try read("ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 id any payload 8")
        let actual = try read("ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 id 4711 payload 8").bytes()
        let other = try read("ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 id 4711 ttl 9 payload 8").bytes()
        #expect(pattern.bytes(adopting: actual) == actual)
        #expect(pattern.bytes(adopting: other) != other)
    }

    @Test func quotesAreCut() throws {
        let text = "ethernet wan0 > 10.0.0.2 ipv4 10.0.0.1 > 10.0.0.2 icmp time-exceeded quoting 28"
        let notation = try read("\(text) ipv4 10.0.0.2 > 192.0.2.9 ttl 1 udp 1000 > 53 payload 20")
        #expect(notation.bytes().count == 14 + 20 + 8 + 28)
        #expect(PacketDescription(notation.bytes()).line.contains("192.0.2.9"))
    }

    @Test(arguments: [
        "ethernet 10.0.0.2 > wan0 vlan 7 ipv4 10.0.0.2 > 10.0.0.1 ttl 3 df udp 1000 > 53 payload 4",
        "ethernet 10.0.0.2 > broadcast arp request 10.0.0.2 at 10.0.0.2 for 10.0.0.1 pad 60",
        "ethernet wan0 > 10.0.0.2 arp reply 10.0.0.1 at wan0 for 10.0.0.2 at 10.0.0.2",
        "ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 ttl 64 mf offset 8 protocol 17 data 0a0b0d",
        "ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 ttl 64 tos 4 id 9 options 94040000 tcp 1 > 2 syn ack sequence 7 acknowledgement 9 window 10",
        "ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 ttl 64 icmp echo-request rest 00010002 payload 56 pad 120",
        "ethernet wan0 > 10.0.0.2 ipv4 10.0.0.1 > 10.0.0.2 ttl 255 tos 192 id any icmp time-exceeded quoting 48 "
            + "ipv4 10.0.0.2 > 192.0.2.9 ttl 1 udp 1000 > 53 payload 40",
        "ethernet 10.0.0.2 > wan0 type 0x88cc data 60000000",
        "ethernet 10.0.0.2 > wan0 ipv6 2001:db8::2 > 2001:db8::1 hop-limit 3 class 184 flow 5 udp 1000 > 53 payload 4",
        "ethernet 10.0.0.2 > wan0 ipv6 2001:db8::2 > 2001:db8::1 hop-limit 64 hop-by-hop 050200000100 "
            + "destination-options 010400000000 routing 4 left 2 00000000 fragment id 7 mf tcp 1 > 2 syn pad 150",
        "ethernet 10.0.0.2 > wan0 ipv6 2001:db8::2 > 2001:db8::1 hop-limit 64 fragment id 7 offset 8 next 17 data 0a0c",
        "ethernet 10.0.0.2 > wan0 ipv6 2001:db8::2 > 2001:db8::1 hop-limit 64 destination-options 010400000000 next 59",
        "ethernet 10.0.0.2 > wan0 ipv6 2001:db8::2 > 2001:db8::1 hop-limit 64 icmp6 echo-request rest 00010002 payload 56",
        "ethernet wan0 > 10.0.0.2 ipv6 2001:db8::1 > 2001:db8::2 hop-limit 255 icmp6 address-unreachable quoting 60 "
            + "ipv6 2001:db8::2 > 2001:db8:9::9 hop-limit 1 udp 1000 > 53 payload 40",
        "ethernet wan0 > ff02::1:ff00:2 ipv6 fe80::1 > ff02::1:ff00:2 hop-limit 255 neighbor-solicitation 2001:db8::2 "
            + "from wan0",
        "ethernet 10.0.0.2 > wan0 ipv6 2001:db8::2 > fe80::1 hop-limit 255 neighbor-advertisement 2001:db8::2 "
            + "at 10.0.0.2 router solicited override",
        "ethernet 10.0.0.2 > ff02::2 ipv6 :: > ff02::2 hop-limit 255 router-solicitation",
        "ethernet wan0 > ff02::1 ipv6 fe80::1 > ff02::1 hop-limit 255 router-advertisement hop-limit 64 managed other "
            + "preference high lifetime 1800 reachable 9 retransmit 8 from wan0 mtu 1500 prefix 2001:db8::/64 off-link "
            + "not-autonomous valid 60 preferred 30 prefix 2001:db8:1::/64 valid 1 preferred 1 dns 2001:db8::53 "
            + "dns-lifetime 9",
        "ethernet wan0 > 10.0.0.2 ipv6 fe80::1 > 2001:db8::2 hop-limit 255 redirect6 fe80::7 for 2001:db8:9::9 "
            + "at 02:00:00:00:00:07 redirected 6000000000000000",
        "ethernet 10.0.0.2 > wan0 mpls 100 class 5 ttl 63 mpls 16 ttl 2 ipv4 10.0.0.2 > 10.0.0.1 ttl 64 udp 1 > 2 pad 60",
        "ethernet 10.0.0.2 > wan0 vlan 7 mpls 2 ttl 255 ipv6 2001:db8::2 > 2001:db8::1 hop-limit 64 udp 1 > 2",
        "ethernet 10.0.0.2 > wan0 mpls 100 ttl 64 data 00000003",
        "ethernet 10.0.0.2 > wan0 mpls 100 ttl 64 not-bottom",
        "hex 0200",
    ])
    func whatIsWrittenIsRead(text: String) throws {
        var stations = NotationTests.stations
        stations["broadcast"] = .broadcast
        var words = Words([(text, 1)])
        #expect(PacketWriter.text(try PacketNotation(&words, stations).bytes(), stations) == text)
    }

    /// A wrong checksum has no words.
    @Test func whatCannotBeWrittenIsHex() throws {
        let frame = try read("ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 payload 4 set 24 ffff").bytes()
        #expect(PacketWriter.text(frame, NotationTests.stations) == "hex " + hexadecimalText(frame))
    }

    @Test(arguments: [
        ("ethernet 10.0.0.2 wan0", "line 1: '>' is wanted in place of 'wan0'"),
        (
            "ethernet 10.0.0.3 > wan0",
            "line 1: '10.0.0.3' is neither a MAC address nor a port nor the address of a static neighbour"
        ),
        ("ipv4 10.0.0.1 > 10.0.0.2 tll 1", "line 1: 'tll' is no header and no field of the header before it"),
        ("ipv4 10.0.0.1 > 10.0.0.2 ttl 256", "line 1: '256' is not a number for ttl"),
        ("ipv4 10.0.0.1 > 10.0.0.2 offset 4", "line 1: a fragment's offset is a multiple of 8"),
        ("ipv6 10.0.0.1 > ::", "line 1: '10.0.0.1' is not an IPv6 address"),
        ("ipv6 ::1 > ::2 ttl 1", "line 1: 'ttl' is no header and no field of the header before it"),
        ("icmp6 net-unreachable", "line 1: 'net-unreachable' is no ICMPv6 message"),
        ("fragment offset 4", "line 1: a fragment's offset is a multiple of 8"),
        ("router-advertisement preference best", "line 1: 'best' is no preference: low, medium or high"),
        ("udp 1 >", "line 1: the destination port is missing at the end of the packet"),
        ("hex 123", "line 1: '123' is not a row of bytes for the data"),
    ])
    func mistakesAreExplained(text: String, problem: String) {
        #expect { try read(text) } throws: { "\($0)" == problem }
    }
}
