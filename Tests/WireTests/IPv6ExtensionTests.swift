// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("IPv6 extension headers")
struct IPv6ExtensionTests {
    private static let addresses = "20010DB8000000000000000000000001 20010DB8000000010000000000000002"

    /// Hop-by-hop options (router alert), destination options (home address), routing, fragment, UDP. Made by Scapy 2.8.
    static let chain = hex(
        """
        60000000 0050 00 40 \(addresses)
        3C 00 0502 0000 0100
        2B 02 0102 0000 C910 20010DB8000000000000000000000099
        2C 02 00 01 00000000 20010DB8000000000000000000000007
        11 00 0001 DEADBEEF
        0001 0002 0010 1224 6162636465666768
        """)
    static let laterFragment = hex(
        "60000000 0010 2C 40 \(addresses) 11 00 05C8 DEADBEEF 6162636465666768")

    /// A packet of these bytes behind its IPv6 header.
    private static func packet(_ next: UInt8, _ payload: String) -> [UInt8] {
        let payload = hex(payload)
        return hex("60000000") + [UInt8(payload.count >> 8), UInt8(payload.count & 255), next, 64] + hex(addresses)
            + payload
    }

    private func walk(_ bytes: [UInt8], _ body: (inout IPv6Extensions) -> Void) {
        reading(bytes) { window in
            var headers = IPv6Extensions(IPv6View(window)!)
            body(&headers)
        }
    }

    private func end(_ bytes: [UInt8]) -> (upper: IPv6Extensions, payload: [UInt8]) {
        reading(bytes) { window in
            let upper = IPv6View(window)!.upperLayer
            return (upper, [UInt8](upper.payload))
        }
    }

    @Test func walk() {
        walk(Self.chain) { headers in
            let hop = headers.next()!
            #expect(hop.kind == .hopByHop && hop.offset == 40 && hop.pointer == 6 && hop.bytes.count == 8)
            let destination = headers.next()!
            #expect(destination.kind == .destinationOptions && destination.offset == 48 && destination.pointer == 40)
            let routing = headers.next()!
            #expect(routing.kind == .routing && routing.bytes.count == 24 && routing.pointer == 48)
            #expect(routing.routingType == 0 && routing.segmentsLeft == 1)
            let fragment = headers.next()!
            #expect(fragment.kind == .fragment && fragment.offset == 96 && fragment.pointer == 72)
            #expect(headers.next() == nil)
            #expect(headers.problem == nil && headers.protocol == .udp && headers.offset == 104)
            #expect(headers.pointer == 96 && headers.payload.count == 16 && !headers.isLaterFragment)
            let expected = IPv6Fragment(next: .udp, units: 0, moreFragments: true, identification: 0xDEAD_BEEF)
            #expect(headers.fragment == expected && !expected.isAtomic)
            #expect(headers.next() == nil)
        }
    }

    @Test func withoutExtensions() {
        let (upper, payload) = end(IPv6HeaderTests.bytes)
        #expect(upper.protocol == .udp && upper.offset == 40 && upper.pointer == 6 && upper.fragment == nil)
        #expect(upper.problem == nil && payload.count == 12)
    }

    /// What stands behind a later fragment's header is data, whatever it looks like.
    @Test func theWalkEndsAtALaterFragment() {
        let (upper, payload) = end(Self.laterFragment)
        #expect(upper.problem == nil && upper.isLaterFragment && upper.protocol == .udp && payload.count == 8)
        #expect(upper.fragment?.offset == 1480 && upper.fragment?.moreFragments == false)
        var bytes = Self.laterFragment
        bytes[40] = 60
        let other = end(bytes).upper
        #expect(other.problem == nil && other.protocol == .destinationOptions && other.offset == 48)
    }

    @Test func fragmentHeadersAreWritten() {
        let fragment = IPv6Fragment(next: .udp, units: 185, moreFragments: true, identification: 0xDEAD_BEEF)
        #expect(writing(8) { fragment.emit(into: $0) } == hex("11 00 05C9 DEADBEEF"))
        #expect(IPv6Fragment(next: .udp, units: 0, moreFragments: false, identification: 1).isAtomic)
    }

    /// The length of an authentication header is in words, and two less.
    @Test func authenticationHeader() {
        let (upper, payload) = end(Self.packet(51, "06 04 0000 00000001 00000002 000000000000000000000000 AABB"))
        #expect(upper.problem == nil && upper.protocol == .tcp && upper.offset == 64 && payload.count == 2)
    }

    /// Behind ESP and "no next header" nothing is read.
    @Test(arguments: [50, 59, 58, 253] as [UInt8])
    func endsOfTheChain(next: UInt8) {
        let upper = end(Self.packet(next, "0000000000000000")).upper
        #expect(upper.problem == nil && upper.protocol.rawValue == next && upper.offset == 40)
    }

    @Test func hopByHopStandsFirst() {
        let upper = end(Self.packet(60, "00 00 0104 00000000 3B 00 0104 00000000")).upper
        #expect(upper.problem == .misplacedHopByHop && upper.pointer == 40 && upper.offset == 48)
    }

    @Test func chainsAreLimited() {
        let headers = Array(repeating: "3C 00 0104 00000000", count: IPv6Extensions.limit)
        #expect(end(Self.packet(60, headers.joined())).upper.problem == .tooMany)
        #expect(end(Self.packet(60, headers.dropLast().joined() + "3B 00 0104 00000000")).upper.problem == nil)
    }

    /// Cut anywhere, by the frame or by the claimed length, the walk ends before the end.
    @Test func truncated() {
        for length in 40..<104 {
            let cut = end(Array(Self.chain.prefix(length)))
            #expect(cut.upper.problem == .truncated && cut.upper.offset <= length)
            var bytes = Self.chain
            bytes[5] = UInt8(length - 40)
            let claimed = end(bytes)
            #expect(claimed.upper.problem == .truncated && claimed.upper.offset <= length)
            #expect(claimed.payload.count == length - claimed.upper.offset)
        }
        let whole = end(Array(Self.chain.prefix(104)))
        #expect(whole.upper.problem == nil && whole.payload.count == 0)
    }

    // MARK: - Options

    private func options(_ text: String, _ body: (inout IPv6Options) -> Void) {
        walk(Self.packet(0, text)) { headers in
            var options = headers.next()!.options
            body(&options)
        }
    }

    @Test func optionsInTheirOrder() {
        options("3B 01 00 0101FF 0502BEEF C20400011111") { options in
            #expect(options.next()?.kind == IPv6Option.pad1)
            let padding = options.next()!
            #expect(padding.isPadding && padding.offset == 43 && [UInt8](padding.data) == [0xFF])
            let alert = options.next()!
            #expect(alert.kind == IPv6Option.routerAlert && alert.offset == 46)
            #expect([UInt8](alert.data) == [0xBE, 0xEF] && alert.action == .skip && !alert.mayChange)
            let jumbo = options.next()!
            #expect(jumbo.kind == IPv6Option.jumboPayload && jumbo.action == .discardAndTellUnlessMulticast)
            #expect(options.next() == nil && options.problem == nil && options.offset == 56)
        }
    }

    @Test(arguments: zip([0x1E, 0x5E, 0x9E, 0xDE, 0x3E] as [UInt8], [0, 1, 2, 3, 0] as [UInt8]))
    func actions(kind: UInt8, action: UInt8) {
        options("3B 00 \(String(0x100 + Int(kind), radix: 16).dropFirst()) 04 00000000") { options in
            let option = options.next()!
            #expect(option.action.rawValue == action && option.mayChange == (kind == 0x3E))
        }
    }

    @Test(arguments: ["3B 00 0105 00000000", "3B 00 0103 000000 05", "3B 00 05FF 00000000"])
    func optionsThatDoNotEnd(text: String) {
        options(text) { options in
            while options.next() != nil {}
            #expect(options.problem == .truncated && options.offset < 48)
        }
    }

    @Test func optionsAreLimited() {
        options("3B 08" + String(repeating: "00", count: 70)) { options in
            var count = 0
            while options.next() != nil { count += 1 }
            #expect(count == IPv6Options.limit && options.problem == .tooMany)
        }
    }

    /// Whatever the bytes: every window that is handed out lies within the packet, and the walk comes to an end.
    @Test func garbage() {
        var random = Lehmer(state: 6)
        let kinds: [UInt8] = [0, 43, 44, 51, 60, 135, 139, 140, 17, 58]
        for _ in 0..<20_000 {
            var bytes = Self.chain + [UInt8](repeating: 0, count: 80)
            for place in 40..<bytes.count where random.next() % 3 == 0 {
                bytes[place] = UInt8(truncatingIfNeeded: random.next() % (random.next() % 2 == 0 ? 4 : 256))
            }
            for place in [6, 40, 48, 56, 72, 96] { bytes[place] = kinds[Int(random.next() % 10)] }
            bytes[5] = UInt8(truncatingIfNeeded: random.next() % 160)
            let count = 40 + Int(random.next() % UInt64(bytes.count - 39))
            walk(Array(bytes.prefix(count))) { headers in
                let end = min(count, 40 + Int(bytes[5]))
                while let header = headers.next() {
                    var options = header.options
                    while let option = options.next() {
                        guard option.offset + option.data.count > end else { continue }
                        Issue.record("an option reaches beyond the end of \(bytes)")
                    }
                }
                if headers.offset > end || headers.pointer >= max(end, 7) { Issue.record("\(bytes)") }
            }
        }
    }
}
