// SPDX-License-Identifier: Apache-2.0
import IP
import Testing
import Wire

/// Walks in slices over a table that changes meanwhile.
@Suite struct RouteWalkTests {
    private static func prefixes(_ count: UInt32) -> [IPv4Prefix] {
        (0..<count).map { number in
            IPv4Prefix(IPv4Address(number &* 2_654_435_761), length: [16, 24, 28, 32][Int(number % 4)])
        }
    }

    @Test(arguments: [1, 7, 100, 5000, Int.max])
    func visitsEachOnce(limit: Int) throws {
        let table = try RouteTable<IPv4Prefix>()
        let all = Set(Self.prefixes(1000) + [.all])
        for prefix in all { try table.set(prefix, result: UInt32(prefix.length)) }
        var seen: [IPv4Prefix: Int] = [:]
        var cursor = RouteTable<IPv4Prefix>.Cursor()
        var calls = 0
        repeat {
            calls += 1
        } while table.forEach(from: &cursor, limit: limit) { prefix, result in
            if result == UInt32(prefix.length) { seen[prefix, default: 0] += 1 }
        }
        #expect(Set(seen.keys) == all)
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(limit < 1000 || calls <= 5)
        #expect(limit > 100 || calls >= 1000 / limit / 4)
    }

    /// The table doubles and shrinks to a tenth while the walk goes on: who was there all the time is visited once.
    @Test(arguments: [true, false])
    func survivesResizing(grows: Bool) throws {
        let table = try RouteTable<IPv4Prefix>()
        let all = Array(Set(Self.prefixes(4000))).sorted()
        let (stay, others) = (all.prefix(400), all.dropFirst(400))
        for prefix in stay { try table.set(prefix, result: 1) }
        if !grows { for prefix in others { try table.set(prefix, result: 1) } }
        var changes = others.makeIterator()
        var seen: [IPv4Prefix: Int] = [:]
        var cursor = RouteTable<IPv4Prefix>.Cursor()
        while table.forEach(from: &cursor, limit: 10, { prefix, _ in seen[prefix, default: 0] += 1 }) {
            for _ in 0..<100 {
                guard let prefix = changes.next() else { break }
                if grows { try table.set(prefix, result: 1) } else { table.remove(prefix) }
            }
        }
        for prefix in stay { try #require(seen[prefix] == 1) }
        #expect(seen.values.allSatisfy { $0 == 1 })
    }

    @Test func emptyTableEndsAtOnce() throws {
        var cursor = RouteTable<IPv4Prefix>.Cursor()
        let table = try RouteTable<IPv4Prefix>()
        var seen = 0
        while table.forEach(from: &cursor, limit: 1, { _, _ in seen += 1 }) {}
        #expect(seen == 0)
    }
}
