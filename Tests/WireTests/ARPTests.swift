// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("ARP")
struct ARPTests {
    static let bytes = hex("0001 0800 06 04 0001 020000000001 C0000201 020000000002 C0000202")
    static let a = MACAddress(2, 0, 0, 0, 0, 1)
    static let b = MACAddress(2, 0, 0, 0, 0, 2)
    static let ipA = IPv4Address(192, 0, 2, 1)
    static let ipB = IPv4Address(192, 0, 2, 2)
    static let packet = ARPPacket(.request, senderMAC: a, senderIP: ipA, targetMAC: b, targetIP: ipB)

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let view = ARPView(bytes)!
            #expect(view.isIPv4OverEthernet)
            #expect(view.operation == .request)
            #expect(view.senderMAC == Self.a && view.senderIP == Self.ipA)
            #expect(view.targetMAC == Self.b && view.targetIP == Self.ipB)
            #expect(!view.isProbe && !view.isGratuitous)
        }
    }

    @Test func parse() {
        reading(Self.bytes) { #expect(ARPPacket(ARPView($0)!) == Self.packet) }
    }

    @Test func emit() {
        #expect(writing(30) { Self.packet.emit(into: $0) } == Self.bytes + [0xA5, 0xA5])
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<28 { #expect(ARPView(bytes.prefix(length)) == nil) }
        }
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5]) func otherHardwareOrProtocol(offset: Int) {
        var bytes = Self.bytes
        bytes[offset] ^= 0x40
        reading(bytes) { #expect(ARPPacket(ARPView($0)!) == nil) }
    }

    @Test func kinds() {
        func view<Result>(_ packet: ARPPacket, _ body: (ARPView) -> Result) -> Result {
            reading(writing(28) { packet.emit(into: $0) }) { body(ARPView($0)!) }
        }
        #expect(view(.probe(for: Self.ipB, from: Self.a)) { $0.isProbe && !$0.isGratuitous && $0.targetMAC.isZero })
        #expect(view(.announcement(of: Self.ipA, at: Self.a)) { $0.isGratuitous && !$0.isProbe })
        // A sender without an address has none to announce.
        #expect(view(.probe(for: .any, from: Self.a)) { $0.isProbe && !$0.isGratuitous })
        let reply = ARPPacket.request(for: Self.ipB, from: Self.a, Self.ipA).reply(from: Self.b)
        #expect(
            reply == ARPPacket(.reply, senderMAC: Self.b, senderIP: Self.ipB, targetMAC: Self.a, targetIP: Self.ipA))
    }
}
