// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

private let source = IPv6Address("2001:db8::1")!
private let destination = IPv6Address("2001:db8::2")!
private let sender = IPv6Address("2001:db8::9")!

@Suite("ICMPv6")
struct ICMPv6Tests {
    /// The messages here are made by Scapy 2.8.
    private static let request = hex("80 00 4DA7 1234 0007 616263")
    private static let reply = hex("81 00 4CA7 1234 0007 616263")
    /// A UDP datagram to 2001:db8:5::1 without data.
    private static let quote =
        "60000000 0008 11 40 20010DB8000000000000000000000009 20010DB8000500000000000000000001 0001 0002 0008 A45A"

    @Test func deconstruct() {
        reading(Self.request) { bytes in
            let view = ICMPv6View(bytes)!
            #expect(view.type == .echoRequest && view.code == 0 && view.checksum == 0x4DA7)
            #expect(view.identifier == 0x1234 && view.sequence == 7 && [UInt8](view.payload) == [0x61, 0x62, 0x63])
            #expect(view.isChecksumRight(source: source, destination: destination))
            #expect(!view.isChecksumRight(source: source, destination: source))
            #expect(ICMPv6Message(view) == .echoRequest(identifier: 0x1234, sequence: 7))
            for length in 0..<8 { #expect(ICMPv6View(bytes.prefix(length)) == nil) }
        }
    }

    @Test func requestBecomesReply() {
        reading(Self.request) { bytes in
            let view = ICMPv6View(bytes)!
            view.turnIntoEchoReply()
            #expect([UInt8](bytes) == Self.reply)
            #expect(view.isChecksumRight(source: destination, destination: source))
            // The request went to a group, the reply comes from elsewhere.
            view.computeChecksum(source: sender, destination: source)
            #expect(view.isChecksumRight(source: sender, destination: source))
        }
    }

    @Test(arguments: [
        (ICMPv6Message.unreachable(.address), "01 03 31DF 00000000"),
        (.packetTooBig(mtu: 1400), "02 00 2B6A 00000578"), (.timeExceeded, "03 00 2FE2 00000000"),
        (.parameterProblem(.nextHeader, pointer: 40), "04 01 2EB9 00000028"),
    ])
    func errors(message: ICMPv6Message, expected: String) {
        let quote = hex(Self.quote)
        let bytes = writing(8 + quote.count) { window in
            for (offset, byte) in quote.enumerated() { window.store(byte, at: 8 + offset) }
            message.emit(into: window, source: source, destination: sender)
        }
        #expect(bytes == hex(expected) + quote)
        reading(bytes) { #expect(ICMPv6View($0)!.type.isError && ICMPv6Message(ICMPv6View($0)!) == message) }
    }

    @Test func kinds() {
        #expect(ICMPv6Type(rawValue: 127).isError && !ICMPv6Type.echoRequest.isError && !ICMPv6Type.redirect.isError)
        let discovery = (0...255).filter { ICMPv6Type(rawValue: UInt8($0)).isNeighborDiscovery }
        #expect(discovery == Array(133...137))
        #expect(ICMPv6Message.reassemblyTimeExceeded.code == 1)
        #expect(ICMPv6Message.parameterProblem(.incompleteChain, pointer: 0).code == 3)
        #expect(ICMPv6Message.unreachable(.rejectRoute).code == 6)
        #expect(ICMPv6Message.echoReply(identifier: 1, sequence: 2).rest == 0x0001_0002)
    }
}
