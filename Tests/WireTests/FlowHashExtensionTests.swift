// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

// IPv6 extension headers.
extension FlowHashTests {
    /// A flow with extension headers is the flow that it is without them.
    @Test func extensionHeaders() {
        func chains(_ next: (PacketBuilder) -> PacketBuilder) -> [PacketBuilder] {
            let long = (0..<IPv6Extensions.limit).reduce(Self.ip6) { chain, _ in chain.destinationOptions([]) }
            return [
                Self.ip6, Self.ip6.hopByHop([]),
                Self.ip6.destinationOptions([1, 20] + [UInt8](repeating: 0, count: 20)),
                Self.ip6.routing(type: 4, segmentsLeft: 0), Self.ip6.fragment6(),
                Self.ip6.hopByHop([]).routing(type: 4, segmentsLeft: 0).destinationOptions([]), long,
            ].map(next)
        }
        let udp = chains { $0.udp(from: 1, to: 2).payload(count: 8) }
        #expect(Set(udp.map { ipv6($0) }).count == 1)
        func gre(_ key: String) -> [PacketBuilder] {
            let header = PacketBuilder().ipv6(from: Self.a6, to: Self.b6, flowLabel: 0x12345, nextHeader: .gre)
            return [header, Self.ip6.hopByHop([]).destinationOptions([], next: .gre)].map { $0.payload(hex(key)) }
        }
        #expect(Set(gre("20000800 00000001").map { ipv6($0) }).count == 1)
        let others = [udp[0], chains { $0.udp(from: 1, to: 3) }[5], chains { $0.tcp(from: 1, to: 2, flags: .syn) }[6]]
        #expect(areApart(others + [gre("20000800 00000001")[1], gre("20000800 00000002")[1]]) { ipv6($0, seed: $1) })
        // One header too many, and it is as if nothing stood behind them; the same where they are cut short.
        let tooMany = [2, 3].map { chains { $0 }[6].destinationOptions([]).udp(from: 1, to: $0) }
        #expect(ipv6(tooMany[0]) == ipv6(tooMany[1]))
        for packet in udp.dropFirst() {
            for count in 0..<packet.bytes.count {
                var bytes = packet.bytes
                _ = bytes.withBytes { FlowHash.ipv6($0.prefix(count), seed: 1) }
                _ = bytes.withBytes { FlowHash.symmetricIPv6($0.prefix(count)) }
            }
        }
        let back = PacketBuilder().ipv6(from: Self.b6, to: Self.a6).udp(from: 2, to: 1)
        let hashes = (udp + [back]).map { $0.withFrame { FlowHash.symmetricIPv6($0) } }
        #expect(Set(hashes).count == 1)
    }

    /// Whatever stands before the fragment header, and behind that of the first fragment.
    @Test func fragmentsBehindExtensionHeaders() {
        for start in [Self.ip6, Self.ip6.hopByHop([]), Self.ip6.hopByHop([]).routing(type: 4, segmentsLeft: 0)] {
            let packets = [
                start.fragment6(moreFragments: true).udp(from: 1, to: 2).payload(count: 8),
                start.fragment6(moreFragments: true).udp(from: 3, to: 4).payload(count: 8),
                start.fragment6(moreFragments: true).destinationOptions([]).udp(from: 1, to: 2),
                start.fragment6(units: 2, moreFragments: true, next: .udp).payload(count: 16),
                start.fragment6(units: 4, next: .destinationOptions).payload(count: 16),
            ]
            #expect(Set(packets.map { ipv6($0) }).count == 1)
            #expect(Set(packets.map { $0.withFrame { FlowHash.symmetricIPv6($0) } }).count == 1)
        }
    }
}
