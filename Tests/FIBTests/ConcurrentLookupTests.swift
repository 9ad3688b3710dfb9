// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import IP
import Synchronization
import Testing
import Wire

@Suite struct ConcurrentLookupTests {
    /// What the reader shares with the writer.
    private final class Shared: Sendable {
        let lookups = Atomic(0)
        let stop = Atomic(false)
        let stopped = Atomic(false)
        let wrong = Atomic<UInt64>(0)
    }

    private typealias Permitted<Prefix: LookedUpPrefix> = (address: Prefix.Address, results: ClosedRange<UInt32>)

    /// Those that stay throughout: results 1 and 6. The others come and go.
    private struct Routes<Prefix: LookedUpPrefix> {
        let staying: [Route<Prefix>]
        let flipping: [Route<Prefix>]
    }

    private static let routes4 = Routes(
        staying: [Route(prefix: net("10.0.0.0/8"), result: 1), Route(prefix: net("11.0.0.0/8"), result: 6)],
        flipping: [
            Route(prefix: net("10.0.0.0/24"), result: 2), Route(prefix: net("10.0.0.16/28"), result: 3),
            Route(prefix: net("10.0.0.17/32"), result: 4), Route(prefix: net("11.0.0.0/27"), result: 7),
            Route(prefix: net("11.0.0.17/32"), result: 8), Route(prefix: net("10.0.0.17/32"), result: 5),
        ])

    /// Covers above the root, in it, in a group and in a skip; routes that part from each other at several places.
    private static let routes6 = Routes(
        staying: [Route(prefix: net6("2001::/16"), result: 1), Route(prefix: net6("2a00::/12"), result: 6)],
        flipping: [
            Route(prefix: net6("2001:db8::/32"), result: 2), Route(prefix: net6("2001:db8:1::/48"), result: 3),
            Route(prefix: net6("2001:db8:1:1::/64"), result: 4), Route(prefix: net6("2001:db8:1:1::1/128"), result: 5),
            Route(prefix: net6("2001:db8:1:1::/64"), result: 5), Route(prefix: net6("2a00:0:1::/48"), result: 7),
            Route(prefix: net6("2001:d00::/24"), result: 2), Route(prefix: net6("2001:db8:1:1::2/127"), result: 4),
            Route(prefix: net6("2a00::/40"), result: 7), Route(prefix: net6("2a00:0:1:8000::/49"), result: 8),
        ])

    /// A reader never sees anything but the results that an address may have, while routes of all kinds come and
    /// go and the groups they leave are used again for others.
    @Test func readerSeesOldOrNewAndNothingElse() throws {
        let permitted: [Permitted<IPv4Prefix>] = [
            (host("10.0.0.17"), 1...5), (host("10.0.0.18"), 1...3), (host("10.0.0.240"), 1...2),
            (host("10.0.1.0"), 1...1), (host("11.0.0.17"), 6...8),
        ]
        let shared = Shared()
        let wrong = try flip(Self.routes4, permitted, shared)
        #expect(wrong == nil)
        #expect(shared.lookups.load(ordering: .relaxed) > 0)
    }

    @Test func readerSeesOldOrNewIPv6() throws {
        let permitted: [Permitted<IPv6Prefix>] = [
            (host6("2001:db8:1:1::1"), 1...5), (host6("2001:db8:1:1::3"), 1...5), (host6("2001:db8:1:1::9"), 1...5),
            (host6("2001:db8:1:2::1"), 1...3), (host6("2001:db8:2::1"), 1...2), (host6("2001:db9::1"), 1...2),
            (host6("2001:e00::1"), 1...1), (host6("2a00:0:1:8000::1"), 6...8), (host6("2a00:0:1::1"), 6...7),
            (host6("2a00:0:100::1"), 6...6), (host6("2a0f::"), 6...6),
        ]
        let shared = Shared()
        let wrong = try flip(Self.routes6, permitted, shared)
        #expect(wrong == nil)
        #expect(shared.lookups.load(ordering: .relaxed) > 0)
    }

    @Test func readerCanNoticeAWrongResult() throws {
        let wrong = try flip(Self.routes4, [(host("10.0.0.17"), 1...3)], Shared())
        #expect(wrong != nil)
        let wrong6 = try flip(Self.routes6, [(host6("2001:db8:1:1::1"), 1...3)], Shared())
        #expect(wrong6 != nil)
    }

    /// Runs a reader over the `permitted` addresses beside a writer; gives "address: result" of the last wrong one.
    private func flip<Prefix: LookedUpPrefix>(
        _ routes: Routes<Prefix>, _ permitted: [Permitted<Prefix>], _ shared: Shared
    ) throws -> String? {
        var waiting: [(lookups: Int, release: () -> Void)] = []
        let table = try RouteTable<Prefix>(maximumGroups: 64) { release in
            waiting.append((shared.lookups.load(ordering: .acquiring), release))
        }
        try table.set(contentsOf: routes.staying)
        let reader = table.reader
        let addresses = permitted.map(\.address)
        // A thread of its own, as a worker has: a task that never waits would keep others from running.
        Thread.detachNewThread {
            var passes = 0
            while !shared.stop.load(ordering: .relaxed) {
                let found = Prefix.lookup(addresses, in: reader)
                shared.lookups.wrappingAdd(1, ordering: .releasing)
                for (index, result) in found.enumerated() where !permitted[index].results.contains(result) {
                    shared.wrong.store(UInt64(index + 1) << 32 | UInt64(result), ordering: .relaxed)
                }
                // With one processor for both, the routes should still change many times.
                passes += 1
                if passes % 256 == 0 { sched_yield() }
            }
            shared.stopped.store(true, ordering: .releasing)
        }
        while shared.lookups.load(ordering: .relaxed) == 0 { sched_yield() }

        var random = Random(state: 9)
        var changes = 0
        while shared.wrong.load(ordering: .relaxed) == 0,
            changes < 20000 || shared.lookups.load(ordering: .relaxed) < 60_000
        {
            changes += 1
            if changes % 64 == 0 { sched_yield() }
            let route = routes.flipping.randomElement(using: &random)!
            // The table is out of groups for as long as the reader has not moved on.
            if Bool.random(using: &random) {
                _ = try? table.set(route.prefix, result: route.result)
            } else {
                table.remove(route.prefix)
            }
            // The reader is out of the lookup that it was in when its count has moved.
            let seen = shared.lookups.load(ordering: .acquiring)
            let ready = waiting.filter { $0.lookups < seen }
            waiting.removeAll { $0.lookups < seen }
            for entry in ready { entry.release() }
        }
        shared.stop.store(true, ordering: .relaxed)
        while !shared.stopped.load(ordering: .acquiring) { sched_yield() }
        withExtendedLifetime(table) {}
        let wrong = shared.wrong.load(ordering: .relaxed)
        return wrong == 0
            ? nil : "\(permitted[Int(wrong >> 32) - 1].address): \(UInt32(truncatingIfNeeded: wrong))"
    }
}
