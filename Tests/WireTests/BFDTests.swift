// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("BFD")
struct BFDTests {
    static let bytes = hex("23 EA 05 18 01020304 A0B0C0D0 000F4240 000493E0 0000C350")
    static let packet = BFDPacket(
        state: .up, diagnostic: .neighborSignaledDown, flags: [.poll, .controlPlaneIndependent, .demand], multiplier: 5,
        myDiscriminator: 0x0102_0304, yourDiscriminator: 0xA0B0_C0D0, desiredMinTx: 1_000_000, requiredMinRx: 300_000,
        requiredMinEchoRx: 50_000)

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let view = BFDView(bytes)!
            #expect(view.version == 1 && view.diagnostic == .neighborSignaledDown && view.state == .up)
            #expect(view.flags == [.poll, .controlPlaneIndependent, .demand])
            #expect(view.multiplier == 5 && view.length == 24)
            #expect(view.myDiscriminator == 0x0102_0304 && view.yourDiscriminator == 0xA0B0_C0D0)
            #expect(view.desiredMinTx == 1_000_000 && view.requiredMinRx == 300_000)
            #expect(view.requiredMinEchoRx == 50_000)
            #expect(view.authentication == nil)
        }
    }

    @Test func parse() { reading(Self.bytes) { #expect(BFDPacket(BFDView($0)!) == Self.packet) } }

    @Test func emit() {
        #expect(writing(24) { Self.packet.emit(into: $0) } == Self.bytes)
        // The length is that of the window: an authentication section fills the rest.
        #expect(writing(52) { Self.packet.emit(into: $0) }[3] == 52)
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<24 { #expect(BFDView(bytes.prefix(length)) == nil) }
        }
    }

    @Test func everyStateAndDiagnosticSurvives() {
        for state in BFDState.allCases {
            for diagnostic in 0..<32 as Range<UInt8> {
                var packet = Self.packet
                packet.state = state
                packet.diagnostic = BFDDiagnostic(rawValue: diagnostic)
                reading(writing(24) { packet.emit(into: $0) }) { #expect(BFDPacket(BFDView($0)!) == packet) }
            }
        }
    }

    @Test func authenticationSection() {
        let section = hex("05 1C 07 00 FFFFFFFE") + [UInt8](repeating: 9, count: 20)
        var packet = Self.bytes + section
        packet[3] = 52
        reading(packet) { bytes in
            let view = BFDView(bytes)!.authentication!
            #expect(view.type == 5 && view.length == 28 && view.keyIdentifier == 7 && view.sequence == 0xFFFF_FFFE)
            #expect(view.digest.count == 20)
        }
    }

    /// The section never reaches beyond what the packet claims, nor beyond what is there.
    @Test func authenticationLengths() {
        for claimed in 0..<256 {
            for sectionClaims in [0, 2, 3, 24, 28, 29, 255] as [UInt8] {
                for present in [24, 26, 27, 40, 52] {
                    var packet = Self.bytes + hex("05 00 07") + [UInt8](repeating: 0, count: 25)
                    packet[3] = UInt8(claimed)
                    packet[25] = sectionClaims
                    packet = Array(packet.prefix(present))
                    reading(packet) { bytes in
                        guard let section = BFDView(bytes)?.authentication else { return }
                        #expect(section.length == sectionClaims && 24 + section.length <= min(claimed, present))
                    }
                }
            }
        }
    }
}
