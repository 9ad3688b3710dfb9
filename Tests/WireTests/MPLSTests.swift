// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("MPLS")
struct MPLSTests {
    /// Label 100, class 5, not the bottom, time to live 63; then 1,048,575, class 0, bottom, 255.
    private static let bytes = hex("00064A3F FFFFF1FF 45")

    @Test func deconstruct() {
        reading(Self.bytes) { bytes in
            let entry = MPLSView(bytes)!.entry
            #expect(entry.label == MPLSLabel(rawValue: 100) && entry.trafficClass == 5)
            #expect(!entry.isBottom && entry.timeToLive == 63)
            let second = MPLSView(MPLSView(bytes)!.payload)!
            #expect(second.entry.label == .maximum && second.entry.trafficClass == 0)
            #expect(second.entry.isBottom && second.timeToLive == 255)
            #expect([UInt8](second.payload) == [0x45])
        }
    }

    @Test func emit() {
        let bytes = writing(8) { window in
            MPLSView(window)!.entry = MPLSEntry(
                MPLSLabel(rawValue: 100), trafficClass: 5, isBottom: false, timeToLive: 63)
            // What is too large for its field does no harm to the next.
            MPLSView(window.dropping(first: 4))!.entry = MPLSEntry(
                MPLSLabel(rawValue: .max), trafficClass: 8, isBottom: true, timeToLive: 1)
            MPLSView(window.dropping(first: 4))!.timeToLive = 255
        }
        #expect(bytes == Array(Self.bytes.prefix(8)))
    }

    @Test func truncated() {
        reading(Self.bytes) { bytes in
            for length in 0..<4 { #expect(MPLSView(bytes.prefix(length)) == nil) }
            #expect(MPLSView(bytes.prefix(4))!.payload.count == 0)
        }
    }

    @Test func reservedLabels() {
        #expect((0...20).filter { MPLSLabel(rawValue: $0).isReserved }.max() == 15)
        #expect("\(MPLSLabel.entropyIndicator)" == "entropy label indicator" && "\(MPLSLabel.maximum)" == "1048575")
        #expect(MPLSLabel.implicitNull.rawValue == 3 && MPLSLabel.associatedChannel.rawValue == 13)
        #expect(
            "\(MPLSEntry(.routerAlert, trafficClass: 2, isBottom: false, timeToLive: 9))"
                == "label router alert class 2 ttl 9 +")
    }
}
