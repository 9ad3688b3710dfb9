// SPDX-License-Identifier: Apache-2.0
import IP
import Testing
import Wire

@Suite struct IPv6RouteTableTests {
    /// Random adding, replacing and removing in a crowded corner of the address space, compared after every step.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func agreesWithOracle(seed: UInt64) throws {
        var random = Random(state: seed)
        let table = try RouteTable<IPv6Prefix>()
        var oracle = Oracle<IPv6Prefix>()
        for step in 0..<600 {
            let prefix = crowdedPrefix(seed, &random)
            if Int.random(in: 0..<5, using: &random) < 3 {
                let result = UInt32.random(in: 0...1000, using: &random)
                #expect(try table.set(prefix, result: result) == oracle.routes.first { $0.prefix == prefix }?.result)
                oracle.set(prefix, result)
            } else {
                // Half of the time one that is there.
                let there = oracle.routes.randomElement(using: &random)?.prefix
                let gone = Bool.random(using: &random) ? there ?? prefix : prefix
                #expect(table.remove(gone) == oracle.routes.first { $0.prefix == gone }?.result)
                oracle.remove(gone)
            }
            let probes = edges(of: prefix, &random) + (0..<8).map { _ in crowdedAddress(&random) }
            try #require(mismatch(table, oracle, probes) == nil, "step \(step)")
            try #require(frameMismatch(table, probes) == nil, "step \(step)")
        }
        #expect(Array(table) == oracle.routes.sorted { $0.prefix < $1.prefix })

        // A table knows nothing of what was in it before: a fresh one has as many groups.
        let fresh = try RouteTable<IPv6Prefix>()
        for route in oracle.routes.shuffled(using: &random) { try fresh.set(route.prefix, result: route.result) }
        #expect(table.groupCount == fresh.groupCount)

        for route in oracle.routes.shuffled(using: &random) { table.remove(route.prefix) }
        #expect(table.count == 0)
        #expect(table.groupCount == (0, 0))
        #expect(mismatch(table, Oracle(), (0..<1000).map { _ in crowdedAddress(&random) }) == nil)
    }

    /// Every length from 0 to 128 around one address, put in and taken out in random order.
    @Test(arguments: [5, 6, 7] as [UInt64])
    func nestsAllLengths(seed: UInt64) throws {
        var random = Random(state: seed)
        let table = try RouteTable<IPv6Prefix>()
        var oracle = Oracle<IPv6Prefix>()
        let address = IPv6Address(high: random.next(), low: random.next())
        let prefixes = (0...128).map { IPv6Prefix(address, length: $0) }
        let probes = prefixes.flatMap { edges(of: $0, &random) }
        for prefix in prefixes.shuffled(using: &random) {
            try table.set(prefix, result: UInt32(prefix.length) + 1)
            oracle.set(prefix, UInt32(prefix.length) + 1)
            try #require(mismatch(table, oracle, probes) == nil)
        }
        #expect(frameMismatch(table, Array(probes.prefix(256))) == nil)
        for prefix in prefixes.shuffled(using: &random) {
            let cover = oracle.routes.filter { $0.prefix != prefix && $0.prefix.contains(prefix) }
                .max { $0.prefix.length < $1.prefix.length }
            #expect(table.cover(of: prefix) == cover)
            #expect(table.remove(prefix) == UInt32(prefix.length) + 1)
            oracle.remove(prefix)
            try #require(mismatch(table, oracle, probes) == nil)
        }
        #expect(table.groupCount == (0, 0))
    }

    @Test func defaultRouteIsBelowEverything() throws {
        let table = try RouteTable<IPv6Prefix>()
        let (inside, outside) = (host6("2001:db8::1"), host6("2001:db9::1"))
        func looked(_ address: IPv6Address) -> UInt32 { table.reader.lookup(high: address.high, low: address.low) }
        #expect(looked(inside) == 0)
        try table.set(.all, result: 7)
        try table.set(net6("2001:db8::/32"), result: 8)
        #expect(looked(inside) == 8 && looked(outside) == 7)
        try table.set(net6("2000::/3"), result: 9)
        #expect(looked(inside) == 8 && looked(outside) == 9 && looked(.loopback) == 7)
        table.remove(net6("2000::/3"))
        #expect(looked(inside) == 8 && looked(outside) == 7)
        table.remove(.all)
        #expect(looked(inside) == 8 && looked(outside) == 0)
    }

    /// Frames whose addresses all come to one slot of the root: with no, one and several routes below it.
    @Test func framesOfOneRootSlot() throws {
        let table = try RouteTable<IPv6Prefix>()
        let addresses = (0..<256 as Range<UInt64>).map { IPv6Address(high: 0x2001_0db8 << 32 | $0 << 24, low: $0) }
        for text in ["::/0", "2001:d00::/24", "2001:db8::/40", "2001:db8:80::/41", "2001:db8:100::/64"] {
            try table.set(net6(text), result: UInt32(text.utf8.count))
            try #require(frameMismatch(table, addresses) == nil, "with \(text)")
        }
        for text in ["::/0", "2001:d00::/24", "2001:db8:80::/41", "2001:db8:100::/64"] {
            table.remove(net6(text))
            try #require(frameMismatch(table, addresses) == nil, "without \(text)")
        }
        #expect(Set(IPv6Prefix.lookup(addresses, in: table.reader)) == [13, 0])
    }

    /// Result 0 is a route that leads nowhere; it must not let the default route shine through.
    @Test(arguments: [3, 12, 13, 24, 25, 32, 48, 64, 65, 128])
    func dropRouteHidesDefault(length: Int) throws {
        let table = try RouteTable<IPv6Prefix>()
        let address = host6("2001:db8::1")
        try table.set(.all, result: 7)
        try table.set(IPv6Prefix(address, length: length), result: 0)
        #expect(table.reader.lookup(high: address.high, low: address.low) == 0)
        // And where it is inherited by a group.
        for number in 0..<(length < 126 ? 2 as UInt64 : 0) {
            let longer = IPv6Address(high: address.high, low: 2 | number << 2)
            try table.set(IPv6Prefix(longer, length: 127), result: 5)
        }
        #expect(table.reader.lookup(high: address.high, low: address.low) == 0)
    }

    @Test func keepsTheGreatestResultAndRefusesMore() throws {
        let table = try RouteTable<IPv6Prefix>()
        let most = IPv6LookupTable.maximumResult
        let address = host6("2001:db8::9")
        for length in [0, 12, 24, 30, 64, 127, 128] {
            let prefix = IPv6Prefix(address, length: length)
            try table.set(prefix, result: most)
            #expect(table.reader.lookup(high: address.high, low: address.low) == most)
            #expect(throws: LookupTableError.resultTooLarge(most + 1, maximum: most)) {
                try table.set(prefix, result: most + 1)
            }
            #expect(table[prefix] == most)
        }
    }

    @Test func fullTableTakesNothingHalf() throws {
        var pending: [() -> Void] = []
        let table = try RouteTable<IPv6Prefix>(maximumGroups: 1) { pending.append($0) }
        var oracle = Oracle<IPv6Prefix>()
        func set(_ text: String, _ result: UInt32) throws {
            try table.set(net6(text), result: result)
            oracle.set(net6(text), result)
        }
        func release() { while !pending.isEmpty { pending.removeFirst()() } }
        let probes = ["2001:db8:1:1::", "2001:db8:1:2::", "2001:db8:1::", "2001:db8:2::1"].map(host6)

        // The /48 part in one group; the /64 is alone below one of them.
        try set("2001:db8:1::/48", 1)
        try set("2001:db8:2::/48", 2)
        try set("2001:db8:1:1::/64", 3)
        release()
        let groups = table.groupCount
        #expect(throws: LookupTableError.full(.ipv6, used: 1, retired: 0, maximum: 1)) {
            try table.set(net6("2001:db8:1:2::/64"), result: 4)
        }
        #expect(table.groupCount == groups)
        #expect(table.count == 3)
        #expect(mismatch(table, oracle, probes) == nil)

        // With the group given up but not yet released, there is none to be had.
        for text in ["2001:db8:1:1::/64", "2001:db8:2::/48"] {
            table.remove(net6(text))
            oracle.remove(net6(text))
        }
        #expect(throws: LookupTableError.full(.ipv6, used: 0, retired: 1, maximum: 1)) {
            try table.set(net6("2001:db8:2::/48"), result: 3)
        }
        #expect(mismatch(table, oracle, probes) == nil)
        release()
        try set("2001:db8:2::/48", 6)
        #expect(mismatch(table, oracle, probes) == nil)
    }

    @Test func smallTableIsSmallAndABigOneGoesAway() throws {
        let table = try RouteTable<IPv6Prefix>()
        let empty = table.memoryBytes
        try table.set(.all, result: 1)
        for number in 0..<100 as Range<UInt64> {
            try table.set(IPv6Prefix(IPv6Address(high: 0xfe80 << 48, low: number), length: 128), result: 2)
        }
        #expect(table.memoryBytes.total - empty.total < 512 << 10)
        let prefixes = (0..<50_000 as Range<UInt64>).map {
            IPv6Prefix(IPv6Address(high: 0x2a00 << 48 | $0 << 16, low: 0), length: 48)
        }
        for prefix in prefixes { try table.set(prefix, result: 3) }
        #expect(table.memoryBytes.lookupTable - empty.lookupTable < 2 << 20)
        let (used, _) = table.groupCount
        for prefix in prefixes { table.remove(prefix) }
        #expect(table.groupCount.used < used / 50)
        #expect(table.memoryBytes.store - empty.store < 32 << 10)
    }
}

/// The first of at most 256 addresses that gives something else in a frame than alone, in words.
private func frameMismatch(_ table: RouteTable<IPv6Prefix>, _ addresses: [IPv6Address]) -> String? {
    for (address, result) in zip(addresses, IPv6Prefix.lookup(addresses, in: table.reader))
    where result != table.reader.lookup(high: address.high, low: address.low) {
        return "\(address): \(result)"
    }
    return nil
}

/// Few distinct values in every group of bits, so that random prefixes contain each other.
private func crowdedAddress(_ random: inout Random) -> IPv6Address {
    IPv6Address(
        high: 0x2001_0d00_0000_0000 | random.next() & 0x0000_0081_8003_8013,
        low: random.next() & 0xC000_0000_0C00_0007)
}

private func crowdedPrefix(_ seed: UInt64, _ random: inout Random) -> IPv6Prefix {
    let lengths = [8...128, 20...66, 24...48, 60...128, 0...30, 28...36][Int(seed - 1) % 6]
    return IPv6Prefix(crowdedAddress(&random), length: Int.random(in: lengths, using: &random))
}
