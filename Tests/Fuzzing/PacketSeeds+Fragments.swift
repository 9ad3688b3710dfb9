// SPDX-License-Identifier: Apache-2.0
import Wire

// Packets to the router in pieces, which fit together unless something is done to them.
extension PacketSeeds {
    /// Bytes of the upper layer's packet: in few pieces and in many, shorter and longer than what a link takes.
    private static let counts = [40, 72, 1000, 1600]

    static var fragments: [PacketBuilder] {
        counts.enumerated().flatMap { number, count in
            let step = count < 1000 ? 16 : 1400
            return pieces(count, step).flatMap { range in
                [piece4(range, of: count, UInt16(number)), piece6(range, of: count, UInt32(number))]
            }
        } + overlapping
    }

    /// Of a datagram to a port that nobody has.
    private static var overlapping: [PacketBuilder] {
        [0..<24, 16..<40, 32..<40, 8..<16].flatMap { [piece4($0, of: 40, 100), piece6($0, of: 40, 100)] }
    }

    private static func pieces(_ count: Int, _ step: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: step).map { $0..<min($0 + step, count) }
    }

    private static func piece4(_ range: Range<Int>, of count: Int, _ number: UInt16) -> PacketBuilder {
        let (host, router) = (IPv4Address(10, 0, 0, 2), IPv4Address(10, 0, 0, 1))
        let whole = PacketBuilder().ipv4(from: host, to: router).icmp(.echoRequest(identifier: number, sequence: 1))
            .payload(count: count - 8).bytes.dropFirst(20)
        return link().ipv4(
            from: host, to: router, identification: number, moreFragments: range.upperBound < count,
            fragmentUnits: UInt16(range.lowerBound / 8), protocol: .icmp
        ).payload(Array(Array(whole)[range]))
    }

    private static func piece6(_ range: Range<Int>, of count: Int, _ number: UInt32) -> PacketBuilder {
        let start = PacketBuilder().ipv6(from: source6, to: router6)
        let whole = start.icmp6(.echoRequest(identifier: 1, sequence: 1)).payload(count: count - 8).bytes.dropFirst(40)
        return link().ipv6(from: source6, to: router6).fragment6(
            units: UInt16(range.lowerBound / 8), moreFragments: range.upperBound < count, identification: number,
            next: .icmp6
        ).payload(Array(Array(whole)[range]))
    }
}
