// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import Graph

@Suite("Rings and pools")
struct RingTests {
    private static func send(_ ring: ByteRing, _ first: [UInt8], _ second: [UInt8]) -> Bool {
        first.withUnsafeBytes { first in second.withUnsafeBytes { ring.send(first, $0) } }
    }

    private static func receive(_ ring: ByteRing) -> [UInt8]? {
        var message: [UInt8]?
        let received = ring.receive { message = [UInt8]($0) }
        #expect(received == (message != nil))
        return message
    }

    @Test("messages of all lengths come out as they went in, over many turns of the ring")
    func wraps() {
        let ring = ByteRing(byteCount: 256)
        var random = SystemRandomNumberGenerator()
        var waiting: [[UInt8]] = []
        var refused = 0
        for number in 0..<20_000 {
            let message = [UInt8](
                repeating: UInt8(truncatingIfNeeded: number), count: Int.random(in: 0...100, using: &random))
            let cut = Int.random(in: 0...message.count, using: &random)
            if Self.send(ring, Array(message[..<cut]), Array(message[cut...])) {
                waiting.append(message)
            } else {
                refused += 1
                // There is room as soon as the oldest are gone.
                #expect(!waiting.isEmpty)
            }
            if Bool.random(using: &random) || waiting.count > 8 {
                #expect(Self.receive(ring) == (waiting.isEmpty ? nil : waiting.removeFirst()))
            }
        }
        while !waiting.isEmpty { #expect(Self.receive(ring) == waiting.removeFirst()) }
        #expect(Self.receive(ring) == nil)
        #expect(ring.isEmpty)
        #expect(refused > 0, "the ring was never full: this tested nothing")
    }

    @Test("a message that can never fit is refused, and harms nothing")
    func tooLong() {
        let ring = ByteRing(byteCount: 128)
        #expect(!Self.send(ring, [UInt8](repeating: 1, count: 121), []))
        #expect(Self.send(ring, [UInt8](repeating: 1, count: 120), []))
        #expect(!Self.send(ring, [], []))
        #expect(Self.receive(ring)?.count == 120)
        #expect(Self.receive(ring) == nil)
    }

    @Test("one thread sends, another receives: nothing is lost, doubled or torn")
    func twoThreads() {
        let ring = ByteRing(byteCount: 4096)
        let count = 100_000
        let sender = Thread(name: "sender") {
            for number in 0..<count {
                let message = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 8 + number % 90)
                while !Self.send(ring, message, []) { sched_yield() }
            }
        }.start()
        var wrong = 0
        for number in 0..<count {
            let expected = UInt8(truncatingIfNeeded: number)
            var isWhole = false
            while !ring.receive({ isWhole = $0.count == 8 + number % 90 && $0.allSatisfy { $0 == expected } }) {
                sched_yield()
            }
            if !isWhole { wrong += 1 }
        }
        pthread_join(sender, nil)
        #expect(wrong == 0)
        #expect(ring.isEmpty)
    }

    @Test("buffers go round between threads, and each is with one of them")
    func poolBalance() async throws {
        let pool = try BufferPool(count: 16 * 256, chunkSize: 2048)
        let owners = Owners(count: pool.count)
        let left = await withTaskGroup(of: Int.self) { group in
            for thread in 1...4 {
                group.addTask { Self.exercise(pool, owners, thread: UInt32(thread)) }
            }
            return await group.reduce(0, +)
        }
        #expect(owners.conflicts.load(ordering: .relaxed) == 0)
        // What rests in the caches of threads that are gone is all that is missing.
        #expect(pool.depotCount + left == pool.count)
    }

    /// Takes and gives at random. Returns what is left in the cache after everything was given back.
    private static func exercise(_ pool: BufferPool, _ owners: Owners, thread: UInt32) -> Int {
        var cache = BufferCache(pool: pool)
        var held: [BufferIndex] = []
        var random = SystemRandomNumberGenerator()
        withUnsafeTemporaryAllocation(of: BufferIndex.self, capacity: 256) { indices in
            for _ in 0..<20_000 {
                let count = Int.random(in: 1...256, using: &random)
                if Bool.random(using: &random), held.count < 1024 {
                    let taken = cache.take(count, into: indices.baseAddress!)
                    for index in indices.prefix(taken) { owners.change(index, from: 0, to: thread) }
                    held += indices.prefix(taken)
                } else {
                    let given = held.suffix(count)
                    for index in given { owners.change(index, from: thread, to: 0) }
                    Array(given).withUnsafeBufferPointer {
                        guard let base = $0.baseAddress else { return }
                        cache.give(base, count: $0.count)
                    }
                    held.removeLast(given.count)
                }
            }
            while !held.isEmpty {
                let given = Array(held.suffix(256))
                for index in given { owners.change(index, from: thread, to: 0) }
                given.withUnsafeBufferPointer { cache.give($0.baseAddress!, count: $0.count) }
                held.removeLast(given.count)
            }
        }
        return cache.count
    }

    /// Who has each buffer.
    private final class Owners: @unchecked Sendable {
        private let owners: UnsafeMutablePointer<Atomic<UInt32>>
        let conflicts = Atomic(0)

        init(count: Int) {
            owners = .allocate(capacity: count)
            for index in 0..<count { (owners + index).initialize(to: Atomic(0)) }
        }

        deinit { owners.deallocate() }

        func change(_ index: BufferIndex, from old: UInt32, to new: UInt32) {
            let seen = owners[Int(index)].exchange(new, ordering: .relaxed)
            if seen != old { conflicts.add(1, ordering: .relaxed) }
        }
    }

    @Test("the counts of a pool are whole batches, and its memory is its own")
    func poolShape() throws {
        let pool = try BufferPool(count: 300, chunkSize: 4096)
        #expect(pool.count == 512)
        #expect(pool.depotCount == 512)
        #expect(pool.capacity == 4096 - BufferPool.headroom)
        let first = pool.headers[0], last = pool.headers[511]
        #expect(first.data == pool.memory + BufferPool.headroom)
        #expect(last.data == pool.memory + 511 * 4096 + BufferPool.headroom)
        #expect(MemoryLayout<BufferHeader>.stride == 64)
    }

    @Test("no memory is an error with a remedy, not a crash")
    func noMemory() {
        let error = #expect(throws: BufferPool.Failure.self) { try BufferPool(count: 1 << 40, chunkSize: 16384) }
        #expect(error?.description.contains("set a smaller `buffers: count`") == true)
    }
}
