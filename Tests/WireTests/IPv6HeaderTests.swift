// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("IPv6 header")
struct IPv6HeaderTests {
    static let source = IPv6Address("2001:db8::1")!
    static let destination = IPv6Address("2001:db8:0:1::2")!
    /// Made by Scapy 2.8.
    static let bytes = hex(
        """
        6B912345 000C 11 40 20010DB8000000000000000000000001 20010DB8000000010000000000000002
        0FA0 0035 000C 9287 00010203
        """)
    static let header = IPv6Header(
        source: source, destination: destination, nextHeader: .udp, payloadLength: 12, trafficClass: 0xB9,
        flowLabel: 0x12345)

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let view = IPv6View(bytes)!
            #expect(view.version == 6 && view.trafficClass == 0xB9 && view.dscp == 46 && view.ecn == 1)
            #expect(view.flowLabel == 0x12345 && view.payloadLength == 12 && view.totalLength == 52)
            #expect(view.nextHeader == .udp && view.hopLimit == 64)
            #expect(view.source == Self.source && view.destination == Self.destination)
            #expect([UInt8](view.payload) == Array(Self.bytes.suffix(12)))
        }
    }

    @Test func parse() {
        reading(Self.bytes) { #expect(IPv6Header(IPv6View($0)!) == Self.header) }
    }

    @Test func emit() {
        #expect(writing(40) { Self.header.emit(into: $0) } == Array(Self.bytes.prefix(40)))
        var header = Self.header
        header.flowLabel = 0xFFF1_2345
        #expect(writing(40) { header.emit(into: $0) } == Array(Self.bytes.prefix(40)))
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<40 { #expect(IPv6View(bytes.prefix(length)) == nil) }
            #expect(IPv6View(bytes.prefix(40))!.payload.count == 0)
            #expect(IPv6View(bytes.prefix(45))!.payload.count == 5)
        }
    }

    @Test func paddingIsNoPayload() {
        reading(Self.bytes + [1, 2, 3]) { #expect(IPv6View($0)!.payload.count == 12) }
    }

    /// Each field is written without harm to its neighbours.
    @Test func fieldsAreSet() {
        reading(Self.bytes) { bytes in
            let view = IPv6View(bytes)!
            view.decrementHopLimit()
            #expect(view.hopLimit == 63 && view.nextHeader == .udp && view.source == Self.source)
            view.trafficClass = 0xFF
            #expect(view.version == 6 && view.flowLabel == 0x12345)
            view.flowLabel = 0xFFFF_FFFF
            #expect(view.version == 6 && view.trafficClass == 0xFF && view.flowLabel == 0xF_FFFF)
            view.flowLabel = 0
            view.trafficClass = 0
            view.payloadLength = 0x1234
            view.nextHeader = .icmp6
            view.hopLimit = 1
            view.source = Self.destination
            view.destination = Self.source
            let expected = IPv6Header(
                source: Self.destination, destination: Self.source, nextHeader: .icmp6, payloadLength: 0x1234,
                hopLimit: 1)
            #expect(IPv6Header(view) == expected)
        }
    }

    @Test func groupsHaveStations() {
        #expect(MACAddress(multicast: IPv6Address("ff02::1:ff28:9c5a")!) == MACAddress("33:33:ff:28:9c:5a"))
        #expect(MACAddress(multicast: IPv6Address.allNodes) == MACAddress("33:33:00:00:00:01"))
        #expect(MACAddress(multicast: IPv6Address("2001:db8::ab28:9c5a")!.solicitedNode).value == 0x3333_FF28_9C5A)
        #expect(MACAddress(multicast: IPv4Address(224, 0, 0, 5)) == MACAddress("01:00:5e:00:00:05"))
        // The ninth bit of the group is lost.
        #expect(MACAddress(multicast: IPv4Address(239, 255, 1, 2)) == MACAddress("01:00:5e:7f:01:02"))
    }
}

@Suite("Transport over IPv6")
struct IPv6TransportTests {
    private static let source = IPv6HeaderTests.source
    private static let destination = IPv6HeaderTests.destination

    @Test func udp() {
        let datagram = Array(IPv6HeaderTests.bytes.suffix(12))
        reading(datagram) { bytes in
            let view = UDPView(bytes)!
            #expect(view.isChecksumRight(source: Self.source, destination: Self.destination))
            #expect(!view.isChecksumRight(source: Self.source, destination: Self.source))
            #expect(!UDPView(bytes.prefix(11))!.isChecksumRight(source: Self.source, destination: Self.destination))
            // RFC 8200 section 8.1: none is wrong.
            bytes.storeNetwork(0 as UInt16, at: 6)
            #expect(!view.isChecksumRight(source: Self.source, destination: Self.destination))
            UDPHeader(sourcePort: 4000, destinationPort: 53).emit(
                into: bytes, source: Self.source, destination: Self.destination)
            #expect([UInt8](bytes) == datagram)
        }
    }

    /// Made by Scapy 2.8.
    @Test func tcp() {
        let segment = hex("0FA0 0050 00000000 00000000 50 02 FFFF 447D 0000")
        let emitted = writing(20) {
            TCPHeader(sourcePort: 4000, destinationPort: 80, flags: .syn).emit(
                into: $0, source: Self.source, destination: Self.destination)
        }
        #expect(emitted == segment)
        reading(segment) { bytes in
            #expect(TCPView(bytes)!.isChecksumRight(source: Self.source, destination: Self.destination))
            #expect(!TCPView(bytes)!.isChecksumRight(source: .any, destination: Self.destination))
        }
    }

    /// All bits of the length count; no datagram reaches so far, but a jumbogram does.
    @Test func pseudoHeaderHasAWideLength() {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: .any, destination: .loopback, protocol: .icmp6, length: 0x0001_0002)
        #expect(sum.folded == 1 + 58 + 1 + 2)
        sum = InternetChecksum()
        let ones = IPv6Address(high: .max, low: .max)
        sum.addPseudoHeader(source: ones, destination: ones, protocol: .tcp, length: 3)
        #expect(sum.folded == 9)
    }
}
