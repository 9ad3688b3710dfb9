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
        "ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 ttl 64 tos 4 id 9 options 94040000 tcp 1 > 2 syn ack",
        "ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 10.0.0.1 ttl 64 icmp echo-request rest 00010002 payload 56 pad 120",
        "ethernet wan0 > 10.0.0.2 ipv4 10.0.0.1 > 10.0.0.2 ttl 255 tos 192 id any icmp time-exceeded quoting 48 "
            + "ipv4 10.0.0.2 > 192.0.2.9 ttl 1 udp 1000 > 53 payload 40",
        "ethernet 10.0.0.2 > wan0 type 0x86dd data 60000000",
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
        ("udp 1 >", "line 1: the destination port is missing at the end of the packet"),
        ("hex 123", "line 1: '123' is not a row of bytes for the data"),
    ])
    func mistakesAreExplained(text: String, problem: String) {
        #expect { try read(text) } throws: { "\($0)" == problem }
    }
}
