// SPDX-License-Identifier: Apache-2.0
import IP
import Testing
import Wire

@Suite struct RouteTableTests {
    /// Random adding, replacing and removing in a crowded corner of the address space, compared after every step.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func agreesWithOracle(seed: UInt64) throws {
        var random = Random(state: seed)
        let table = try RouteTable<IPv4Prefix>()
        var oracle = Oracle<IPv4Prefix>()
        for step in 0..<3000 {
            let prefix = crowdedPrefix(lengths: 10...32, &random)
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
        }
        #expect(Array(table) == oracle.routes.sorted { $0.prefix < $1.prefix })
        #expect(table.count == oracle.routes.count)

        for route in oracle.routes { table.remove(route.prefix) }
        #expect(table.count == 0)
        #expect(table.groupCount == (0, 0))
        #expect(mismatch(table, Oracle<IPv4Prefix>(), (0..<1000).map { _ in crowdedAddress(&random) }) == nil)
    }

    /// Every length from 0 to 32 around one address, put in and taken out in random order.
    @Test(arguments: [5, 6] as [UInt64])
    func nestsAllLengths(seed: UInt64) throws {
        var random = Random(state: seed)
        let table = try RouteTable<IPv4Prefix>()
        var oracle = Oracle<IPv4Prefix>()
        let address = IPv4Address(UInt32.random(in: 0 ... .max, using: &random))
        let prefixes = (0...32).map { IPv4Prefix(address, length: $0) }
        let probes = prefixes.flatMap { edges(of: $0, &random) }
        for prefix in prefixes.shuffled(using: &random) {
            try table.set(prefix, result: UInt32(prefix.length) + 1)
            oracle.set(prefix, UInt32(prefix.length) + 1)
            try #require(mismatch(table, oracle, probes) == nil)
        }
        for prefix in prefixes.shuffled(using: &random) {
            let cover = oracle.routes.filter { $0.prefix != prefix && $0.prefix.contains(prefix) }
                .max { $0.prefix.length < $1.prefix.length }
            #expect(table.cover(of: prefix) == cover)
            #expect(table.remove(prefix) == UInt32(prefix.length) + 1)
            oracle.remove(prefix)
            try #require(mismatch(table, oracle, probes) == nil)
        }
    }

    @Test func comparisonCanFail() throws {
        let table = try RouteTable<IPv4Prefix>()
        var oracle = Oracle<IPv4Prefix>()
        try table.set(net("192.0.2.0/24"), result: 1)
        oracle.set(net("192.0.2.0/24"), 1)
        #expect(mismatch(table, oracle, [host("192.0.2.1"), host("192.0.3.0")]) == nil)
        oracle.set(net("192.0.2.0/30"), 2)
        #expect(mismatch(table, oracle, [host("192.0.2.4")]) == nil)
        #expect(mismatch(table, oracle, [host("192.0.2.3")]) != nil)
    }

    @Test func defaultRouteIsBelowEverything() throws {
        let table = try RouteTable<IPv4Prefix>()
        #expect(table.reader.lookup(0x0102_0304) == 0)
        try table.set(.all, result: 7)
        #expect(table.reader.lookup(0x0102_0304) == 7)
        try table.set(net("1.2.3.4/32"), result: 8)
        #expect(table.reader.lookup(0x0102_0304) == 8)
        #expect(table.reader.lookup(0x0102_0305) == 7)
        try table.set(.all, result: 9)
        #expect(table.reader.lookup(0x0102_0305) == 9)
        table.remove(.all)
        #expect(table.reader.lookup(0x0102_0305) == 0)
        #expect(table.reader.lookup(0x0102_0304) == 8)
    }

    /// Result 0 is a route that leads nowhere; it must not let the default route shine through.
    @Test func dropRouteHidesDefault() throws {
        let table = try RouteTable<IPv4Prefix>()
        try table.set(.all, result: 7)
        try table.set(net("10.0.0.0/8"), result: 0)
        #expect(table.reader.lookup(0x0A00_0001) == 0)
        #expect(table.longestMatch(host("10.0.0.1"))?.prefix == net("10.0.0.0/8"))
    }

    @Test func keepsTheGreatestResultAndRefusesMore() throws {
        let table = try RouteTable<IPv4Prefix>()
        let most = IPv4LookupTable.maximumResult
        for length in [0, 24, 28, 32] {
            let prefix = IPv4Prefix(host("203.0.113.9"), length: length)
            try table.set(prefix, result: most)
            #expect(table.reader.lookup(0xCB00_7109) == most)
            #expect(throws: LookupTableError.resultTooLarge(most + 1, maximum: most)) {
                try table.set(prefix, result: most + 1)
            }
            #expect(table[prefix] == most)
        }
    }

    @Test func removingWhatIsNotThereChangesNothing() throws {
        let table = try RouteTable<IPv4Prefix>()
        try table.set(net("10.1.0.0/16"), result: 1)
        for absent in ["10.0.0.0/15", "10.1.0.0/17", "10.1.2.0/24", "10.1.2.3/32", "0.0.0.0/0"] {
            #expect(table.remove(net(absent)) == nil)
        }
        #expect(table.reader.lookup(0x0A01_0203) == 1)
        #expect(table.count == 1)
    }

    @Test func memoryFollowsTheRoutes() throws {
        let table = try RouteTable<IPv4Prefix>()
        let before = table.memoryBytes
        let prefixes = (0..<20000).map { IPv4Prefix(IPv4Address($0 << 12), length: 20) }
        try table.set(contentsOf: prefixes.map { Route(prefix: $0, result: 1) })
        let full = table.memoryBytes
        #expect(full.lookupTable > before.lookupTable)
        #expect(full.store > before.store)
        #expect(full.store < 20000 * 32)
        for route in table { table.remove(route.prefix) }
        #expect(table.memoryBytes.store < full.store / 10)
    }
}

/// Few distinct values in every byte, so that random prefixes contain each other.
private func crowdedAddress(_ random: inout Random) -> IPv4Address {
    IPv4Address(0x0AC0_0000 | UInt32.random(in: 0 ... .max, using: &random) & 0x0003_0323)
}

private func crowdedPrefix(lengths: ClosedRange<Int>, _ random: inout Random) -> IPv4Prefix {
    IPv4Prefix(crowdedAddress(&random), length: Int.random(in: lengths, using: &random))
}
