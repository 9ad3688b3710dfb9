// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing

@testable import Ethernet

/// Several workers at once: nothing is lost, nothing is mixed up, and the counts are right when all is quiet.
@Suite(.serialized) struct FDBConcurrencyTests {
    /// More threads than processors, so that they are stopped in the midst of things.
    private static let threadCount = 6

    private func inParallel(_ body: @escaping @Sendable (Int) -> Void) {
        let running = Mutex(Self.threadCount)
        for number in 0..<Self.threadCount {
            Thread.detachNewThread {
                body(number)
                running.withLock { $0 -= 1 }
            }
        }
        while running.withLock({ $0 > 0 }) { usleep(1000) }
    }

    @Test func `all learn the same stations at once: each is there once`() {
        for _ in 0..<8 {
            let lab = FDBFixture(capacity: 1 << 14)
            inParallel { _ in
                for number in 0..<10_000 { _ = lab.table.learn(lab.key(number), port: 1, stamp: 0) }
            }
            #expect(lab.table.entries.count == 10_000)
            lab.check()
        }
    }

    @Test func `stations move between ports under everybody's hands`() {
        let lab = FDBFixture(capacity: 64)
        inParallel { thread in
            var random = UInt64(thread) &* 0x9e37_79b9 &+ 1
            for _ in 0..<200_000 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                _ = lab.table.learn(
                    lab.key(Int(random >> 60)), port: UInt32(random >> 40 & 3) + 1, stamp: UInt16(random >> 50 & 1))
            }
        }
        #expect(lab.table.entries.count == 16)
        lab.check()
    }

    /// Station n is only ever on the port n % 4 + 1: whoever finds it elsewhere has a key with another's value.
    @Test func `no reader takes one station's entry for another's while places change hands`() {
        let lab = FDBFixture(capacity: 16)
        let wrong = Atomic(0)
        let found = Atomic(0)
        inParallel { thread in
            var random = UInt64(thread) &* 0x9e37_79b9 &+ 1
            for round in 0..<200_000 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let number = Int(random >> 40 & 511)
                let key = lab.key(number)
                let right = UInt32(number % 4 + 1)
                switch thread {
                case 0 where round & 63 == 0: lab.tally.flush(UInt32(random >> 50 & 3) + 1)
                case 1 where round & 15 == 0:
                    _ = lab.table.sweep(0..<lab.table.bucketCount, stamp: UInt16(round >> 4 & 0xffff)) { _ in 2 }
                case 0, 1, 2: _ = lab.table.learn(key, port: right, stamp: UInt16(round >> 4 & 0xffff))
                case 3 where round & 7 == 0: _ = lab.table.remove(key)
                default:
                    let value = lab.table.lookUp(key)
                    guard value.port != 0 else { continue }
                    found.add(1, ordering: .relaxed)
                    if value.port != right { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        #expect(found.load(ordering: .relaxed) > 0)
        #expect(wrong.load(ordering: .relaxed) == 0)
        lab.check()
    }

    @Test func `limits hold exactly while all learn`() {
        let lab = FDBFixture(capacity: 1 << 12)
        lab.tally.setLimit(300, ofPort: 1)
        lab.tally.setLimit(1000, ofDomain: 1)
        inParallel { thread in
            for number in 0..<2000 {
                _ = lab.table.learn(
                    lab.key(thread * 2000 + number), port: UInt32((thread + number) % 4 + 1), stamp: 0)
            }
        }
        #expect(lab.tally.count(ofPort: 1) <= 300)
        #expect(lab.tally.count(ofDomain: 1) == 1000)
        lab.check()
    }

    @Test func `static stations stay, once, while all learn them elsewhere`() {
        let lab = FDBFixture(capacity: 1 << 10)
        inParallel { thread in
            for number in 0..<500 {
                if thread == 0 {
                    #expect(lab.table.setStatic(lab.key(number), port: 4))
                } else {
                    _ = lab.table.learn(lab.key(number), port: UInt32(thread % 3 + 1), stamp: 0)
                }
            }
        }
        for number in 0..<500 { #expect(lab.table.lookUp(lab.key(number)).port == 4) }
        #expect(lab.table.entries.count == 500)
        lab.check()
    }
}
