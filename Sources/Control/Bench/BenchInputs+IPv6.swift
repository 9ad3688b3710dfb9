// SPDX-License-Identifier: Apache-2.0
import Wire

extension BenchInput {
    static let one6 = BenchInput(
        name: "ip6-one", summary: "one route, 2001:db8::/32",
        digest: "53842961121338bb01280e005250fc2c8578f522a216ff9e319af55562bc6bf4"
            + "c85384d23dd40496292f68bb1e095771deebe40faa7dd8fef2564ffb7f5d5e72"
    ) { random in
        let net: UInt128 = 0x2001_0db8
        let destinations = (0..<packetCount).map { _ in
            // Python's `randbytes` writes its number from the least significant byte on.
            net << 96 | random.wideBits(96).byteSwapped >> 32
        }
        return content([(net << 96, 32, 0)], destinations)
    }

    static let sites6 = BenchInput(
        name: "ip6-200k", summary: "200,000 consecutive /48",
        digest: "e47b36b0e4713dd42a3162eb058cf48bc5bc1fb3c27d1aa7cfc18e083ce74502"
            + "558e98e731c6f486e3c650481b3f07bf7a80b15153b7cf214586bfe4239ecc49"
    ) { random in
        let start: UInt128 = 0x2a00 << 112
        let destinations = (0..<packetCount).map { _ in
            start + UInt128(random.below(200_000)) << 80 + random.wideBits(64)
        }
        return content((0..<200_000).map { (start + UInt128($0) << 80, 48, 0) }, destinations)
    }

    static let internet6 = BenchInput(
        name: "ip6-bgp", summary: "250,000 routes in the Internet's length mix, 256 next hops",
        digest: "3191f250e923144653e35a129245a34ebbfb9a7710dd62c40e34990928570c63"
            + "d92dd6d6bd99849eaf800d4b764ee7507469813f3d667a7e8d45de22206a3f67"
    ) { random in
        let routes = allocations(&random).sorted().map { ($0.address, $0.length, random.below(256)) }
        let destinations = (0..<packetCount).map { _ in
            let route = routes[Int(random.below(UInt32(routes.count)))]
            return route.0 | random.wideBits(128 - route.1)
        }
        return content(routes, destinations)
    }

    /// Prefixes of each length, about as in the Internet's table, and what an edge has besides.
    private static let lengths: [(Int, Int)] = [
        (19, 2), (20, 12), (21, 5), (22, 10), (23, 6), (24, 30), (25, 8), (26, 15), (27, 20), (28, 150), (29, 5200),
        (30, 700), (31, 400), (32, 27000), (33, 4500), (34, 3500), (35, 1400), (36, 9500), (37, 900), (38, 2200),
        (39, 1500), (40, 26000), (41, 1000), (42, 4500), (43, 1300), (44, 24000), (45, 2500), (46, 6500), (47, 6500),
        (48, 119_052), (49, 20), (52, 40), (56, 300), (60, 30), (64, 1200),
    ]

    private struct Net: Hashable, Comparable {
        /// The upper half of the address, in the upper half.
        let address: UInt128
        let length: Int

        static func < (a: Self, b: Self) -> Bool { (a.address, a.length) < (b.address, b.length) }
    }

    /// What the registries give out; the greater ones come twice.
    private static let blocks = [
        (0x2001, 16), (0x2400, 12), (0x2400, 12), (0x2600, 12), (0x2600, 12), (0x2800, 12), (0x2a00, 12), (0x2a00, 12),
        (0x2a10, 12), (0x2c00, 12),
    ].map { Net(address: UInt128($0) << 112, length: $1) }

    private static func allocations(_ random: inout PythonRandom) -> Set<Net> {
        var seen = Set<Net>(minimumCapacity: 250_000)
        var allocated: [Net] = []
        for (length, number) in lengths {
            var made = 0
            while made < number {
                let block: Net
                var part: UInt128
                if length <= 32 || random.below(10) == 0 {
                    block = blocks[Int(random.below(10))]
                    part = random.wideBits(64 - block.length)
                } else {
                    // Of the first allocations there is more than of the last; of each, half is near its beginning.
                    let count = UInt32(allocated.count)
                    block = allocated[Int(UInt64(random.below(count)) * UInt64(random.below(count)) / UInt64(count))]
                    let width = length - block.length
                    let isNear = random.bits(1) == 1
                    part = isNear ? UInt128(random.below(width < 6 ? 1 << UInt32(width) : 64)) : random.wideBits(width)
                    part <<= 64 - length
                }
                let net = Net(
                    address: (block.address | part << 64) & .max << (128 - length), length: length)
                guard seen.insert(net).inserted else { continue }
                made += 1
                if 28...32 ~= length { allocated.append(net) }
            }
        }
        return seen
    }

    // MARK: - Files

    private static func content(_ routes: [(UInt128, Int, UInt32)], _ destinations: [UInt128]) -> Content {
        var text: [UInt8] = []
        text.reserveCapacity(routes.count * 24)
        for (address, length, nextHop) in routes {
            text += "\(IPv6Prefix(IPv6Address(address), length: length)) \(nextHop)\n".utf8
        }
        return Content(routes: text, frames: destinations.lazy.map(frame))
    }

    /// Ethernet, IPv6, UDP with 10 bytes of zeros: 72 bytes.
    private static func frame(to destination: UInt128) -> [UInt8] {
        head + IPv6Address(destination).networkBytes + udp
    }

    private static let head: [UInt8] =
        stations + [0x86, 0xdd, 0x60, 0, 0, 0, 0, 18, 17, 64]
        + IPv6Address(0xfd01, 0, 0, 0, 0, 0, 0, 0x100).networkBytes
    private static let udp: [UInt8] = [0x04, 0xd2, 0x09, 0x29, 0, 18, 0, 1] + [UInt8](repeating: 0, count: 10)
}

extension IPv6Address {
    fileprivate init(_ number: UInt128) {
        self.init(high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number))
    }
}
