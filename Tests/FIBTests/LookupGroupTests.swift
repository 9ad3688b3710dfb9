// SPDX-License-Identifier: Apache-2.0
import IP
import Testing
import Wire

@Suite struct LookupGroupTests {
    /// Collects what is to run after quiescence.
    private final class GracePeriods {
        var pending: [() -> Void] = []

        func end() {
            let ended = pending
            pending = []
            for release in ended { release() }
        }
    }

    @Test func groupsComeAndGoWithLongRoutes() throws {
        let table = try RouteTable<IPv4Prefix>()
        try table.set(net("10.0.0.0/24"), result: 1)
        #expect(table.groupCount.used == 0)
        try table.set(net("10.0.0.16/28"), result: 2)
        #expect(table.groupCount.used == 1)
        try table.set(net("10.0.0.17/32"), result: 3)
        #expect(table.groupCount.used == 2)
        table.remove(net("10.0.0.16/28"))
        #expect(table.groupCount.used == 2)
        #expect(table.reader.lookup(0x0A00_0011) == 3)
        #expect(table.reader.lookup(0x0A00_0012) == 1)
        table.remove(net("10.0.0.17/32"))
        #expect(table.groupCount.used == 0)
        #expect(table.reader.lookup(0x0A00_0011) == 1)
    }

    @Test func retiredGroupsWaitForReaders() throws {
        let periods = GracePeriods()
        let table = try RouteTable<IPv4Prefix>(maximumGroups: 2) { periods.pending.append($0) }
        try table.set(net("10.0.0.1/32"), result: 1)
        table.remove(net("10.0.0.1/32"))
        #expect(table.groupCount == (0, 2))

        // A route that would need a retired group is refused and leaves no trace.
        #expect(throws: LookupTableError.full(.ipv4, used: 0, retired: 2, maximum: 2)) {
            try table.set(net("10.0.1.1/32"), result: 2)
        }
        #expect(table.count == 0)
        #expect(table.reader.lookup(0x0A00_0101) == 0)

        // The first period was asked for when only one group had been retired; the other one waits for the next.
        periods.end()
        #expect(table.groupCount == (0, 1))
        periods.end()
        #expect(table.groupCount == (0, 0))
        #expect(periods.pending.isEmpty)
        try table.set(net("10.0.1.1/32"), result: 2)
        #expect(table.reader.lookup(0x0A00_0101) == 2)
        #expect(table.reader.lookup(0x0A00_0001) == 0)
    }

    /// A half-made way to a route (one group of two) is undone when the second one cannot be had.
    @Test func fullTableTakesNothingHalf() throws {
        let table = try RouteTable<IPv4Prefix>(maximumGroups: 3)
        try table.set(net("10.0.0.1/32"), result: 1)
        #expect(throws: LookupTableError.full(.ipv4, used: 3, retired: 0, maximum: 3)) {
            try table.set(net("10.0.1.1/32"), result: 2)
        }
        #expect(table.groupCount.used == 2)
        try table.set(net("10.0.1.16/28"), result: 3)
        #expect(table.reader.lookup(0x0A00_0111) == 3)
    }

    @Test func tableMayGoBeforeItsGracePeriodEnds() throws {
        let periods = GracePeriods()
        do {
            let table = try RouteTable<IPv4Prefix> { periods.pending.append($0) }
            try table.set(net("10.0.0.1/32"), result: 1)
            table.remove(net("10.0.0.1/32"))
        }
        periods.end()
        #expect(periods.pending.isEmpty)
    }

    @Test func groupMemoryGrows() throws {
        let table = try RouteTable<IPv4Prefix>()
        // More groups than fit into the first huge page of them.
        let prefixes = (0..<40000 as Range<UInt32>).map { IPv4Prefix(IPv4Address($0 << 8 | 0x80), length: 25) }
        for (number, prefix) in prefixes.enumerated() { try table.set(prefix, result: UInt32(number) + 1) }
        #expect(table.groupCount.used == 40000)
        for (number, prefix) in prefixes.enumerated() {
            let found = table.reader.lookup(prefix.address.value)
            try #require(found == UInt32(number) + 1)
            try #require(table.reader.lookup(prefix.address.value - 1) == 0)
        }
    }
}
