// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("IPv4 header")
struct IPv4HeaderTests {
    static let bytes = hex("4587 001E 0102 6007 1A 11 D6D3 11121314 21222324 AAAAAAAAAAAAAAAAAAAA")
    static let header = IPv4Header(
        source: IPv4Address(0x1112_1314), destination: IPv4Address(0x2122_2324), protocol: .udp, payloadLength: 10,
        timeToLive: 26, trafficClass: 0x87, identification: 0x0102, dontFragment: true, moreFragments: true,
        fragmentUnits: 7)

    @Test func deconstruct() {
        reading(Self.bytes + [0xFF, 0xFF]) { bytes in
            let view = IPv4View(bytes)!
            #expect(view.version == 4 && view.headerLength == 20 && !view.hasOptions)
            #expect(view.dscp == 33 && view.ecn == 3)
            #expect(view.totalLength == 30)
            #expect(view.identification == 0x0102)
            #expect(view.dontFragment && view.moreFragments && view.fragmentOffset == 56)
            #expect(view.isFragment && view.isLaterFragment)
            #expect(view.timeToLive == 26 && view.protocol == .udp)
            #expect(view.checksum == 0xD6D3 && view.isChecksumRight)
            #expect(view.source == IPv4Address(0x1112_1314) && view.destination == IPv4Address(0x2122_2324))
            #expect(view.options.count == 0)
            #expect([UInt8](view.payload) == [UInt8](repeating: 0xAA, count: 10))
        }
    }

    @Test func parse() {
        reading(Self.bytes) { #expect(IPv4Header(IPv4View($0)!) == Self.header) }
    }

    @Test func emit() {
        #expect(writing(21) { Self.header.emit(into: $0) } == Array(Self.bytes.prefix(20)) + [0xA5])
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<20 { #expect(IPv4View(bytes.prefix(length)) == nil) }
            #expect(IPv4View(bytes.prefix(25))!.payload.count == 5)
        }
    }

    @Test func options() {
        let packet = PacketBuilder()
            .ipv4(from: IPv4Address(10, 0, 0, 1), to: IPv4Address(10, 0, 0, 2), options: [0x94, 4, 0, 0, 1])
            .payload(count: 3)
        packet.withFrame { bytes in
            let view = IPv4View(bytes)!
            #expect(view.hasOptions && view.headerLength == 28 && view.totalLength == 31)
            #expect([UInt8](view.options) == [0x94, 4, 0, 0, 1, 0, 0, 0])
            #expect([UInt8](view.payload) == [0, 1, 2])
            #expect(view.isChecksumRight)
            bytes.store(7 as UInt8, at: 25)
            #expect(!view.isChecksumRight)
        }
        // A header that claims to be longer than the packet.
        packet.cut(to: 27).withFrame { #expect(!IPv4View($0)!.isChecksumRight) }
    }

    @Test func nonsenseLengthsStayInside() {
        reading([0x40, 0, 0, 0] + [UInt8](repeating: 0, count: 20)) { bytes in
            let view = IPv4View(bytes)!
            #expect(view.headerLength == 0 && view.options.count == 0 && view.payload.count == 0)
        }
        reading([0x4F, 0, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 20)) { bytes in
            let view = IPv4View(bytes)!
            #expect(view.options.count == 4 && view.payload.count == 0)
        }
    }

    @Test func fastChecksumAgreesWithTheTextbook() {
        var random = Lehmer(state: 1)
        for round in 0..<20_000 {
            // Words of all ones and all zeros make the carries.
            var bytes = (0..<20).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            for word in 0..<10 {
                let choice = random.next() % 4
                guard choice < 2 else { continue }
                bytes[2 * word] = choice == 0 ? 0xFF : 0
                bytes[2 * word + 1] = bytes[2 * word]
            }
            bytes[0] = 0x45
            if round % 2 == 0 {
                bytes[10] = 0
                bytes[11] = 0
                let sum = ~textbookSum(bytes)
                bytes[10] = UInt8(sum >> 8)
                bytes[11] = UInt8(sum & 0xFF)
            }
            let isRight = textbookSum(bytes) == 0xFFFF
            #expect(reading(bytes) { IPv4View($0)!.isChecksumRight } == isRight, "\(bytes)")
        }
    }

    @Test func allOnesDoNotLoseACarry() {
        reading([UInt8](repeating: 0xFF, count: 16) + [0, 0, 0, 1]) {
            #expect(!IPv4View($0)!.isChecksumWithoutOptionsRight)
        }
        reading([UInt8](repeating: 0xFF, count: 20)) { #expect(IPv4View($0)!.isChecksumWithoutOptionsRight) }
        reading([UInt8](repeating: 0, count: 20)) { #expect(!IPv4View($0)!.isChecksumWithoutOptionsRight) }
    }

    /// Every checksum that a header can have, so that the sum passes 0x0000 and 0xFFFF.
    @Test func decrementKeepsTheChecksumAsComputedAnew() {
        for identification in 0...UInt16.max {
            var header = Self.header
            header.identification = identification
            var decremented = header
            decremented.timeToLive -= 1
            let bytes = writing(20) { window in
                header.emit(into: window)
                IPv4View(window)!.decrementTimeToLive()
            }
            let expected = writing(20) { decremented.emit(into: $0) }
            guard bytes != expected else { continue }
            Issue.record("identification \(identification): \(bytes) is not \(expected)")
            return
        }
    }
}

/// RFC 1071 to the letter.
func textbookSum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for offset in stride(from: 0, to: bytes.count, by: 2) {
        sum += UInt32(bytes[offset]) << 8 | (offset + 1 < bytes.count ? UInt32(bytes[offset + 1]) : 0)
        sum = sum & 0xFFFF + sum >> 16
    }
    return UInt16(sum & 0xFFFF + sum >> 16)
}
