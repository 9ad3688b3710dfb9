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

    /// A reader never sees anything but the results that an address may have, while routes of all kinds come and
    /// go and the groups they leave are used again for others.
    @Test func readerSeesOldOrNewAndNothingElse() throws {
        let permitted: [(address: UInt32, results: ClosedRange<UInt32>)] = [
            (0x0A00_0011, 1...5), (0x0A00_0012, 1...3), (0x0A00_00F0, 1...2), (0x0A00_0100, 1...1),
            (0x0B00_0011, 6...8),
        ]
        let shared = Shared()
        let wrong = try flip(permitted, shared)
        #expect(wrong == nil)
        #expect(shared.lookups.load(ordering: .relaxed) > 0)
    }

    @Test func readerCanNoticeAWrongResult() throws {
        let wrong = try flip([(0x0A00_0011, 1...3)], Shared())
        #expect(wrong != nil)
    }

    /// Runs a reader over the `permitted` addresses beside a writer; gives "address: result" of the last wrong one.
    private func flip(
        _ permitted: [(address: UInt32, results: ClosedRange<UInt32>)], _ shared: Shared
    ) throws -> String? {
        var waiting: [(lookups: Int, release: () -> Void)] = []
        let table = try RouteTable<IPv4Prefix>(maximumGroups: 64) { release in
            waiting.append((shared.lookups.load(ordering: .acquiring), release))
        }
        try table.set(net("10.0.0.0/8"), result: 1)
        try table.set(net("11.0.0.0/8"), result: 6)
        let reader = table.reader
        // A thread of its own, as a worker has: a task that never waits would keep others from running.
        Thread.detachNewThread {
            var passes = 0
            while !shared.stop.load(ordering: .relaxed) {
                for (address, results) in permitted {
                    let result = reader.lookup(address)
                    shared.lookups.wrappingAdd(1, ordering: .releasing)
                    guard !results.contains(result) else { continue }
                    shared.wrong.store(UInt64(address) << 32 | UInt64(result), ordering: .relaxed)
                }
                // With one processor for both, the routes should still change many times.
                passes += 1
                if passes % 256 == 0 { sched_yield() }
            }
            shared.stopped.store(true, ordering: .releasing)
        }
        while shared.lookups.load(ordering: .relaxed) == 0 { sched_yield() }

        let flips: [Route<IPv4Prefix>] = [
            Route(prefix: net("10.0.0.0/24"), result: 2), Route(prefix: net("10.0.0.16/28"), result: 3),
            Route(prefix: net("10.0.0.17/32"), result: 4), Route(prefix: net("11.0.0.0/27"), result: 7),
            Route(prefix: net("11.0.0.17/32"), result: 8), Route(prefix: net("10.0.0.17/32"), result: 5),
        ]
        var random = Random(state: 9)
        var changes = 0
        while shared.wrong.load(ordering: .relaxed) == 0,
            changes < 20000 || shared.lookups.load(ordering: .relaxed) < 300_000
        {
            changes += 1
            if changes % 64 == 0 { sched_yield() }
            let route = flips.randomElement(using: &random)!
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
        return wrong == 0 ? nil : "\(IPv4Address(UInt32(wrong >> 32))): \(UInt32(truncatingIfNeeded: wrong))"
    }
}
