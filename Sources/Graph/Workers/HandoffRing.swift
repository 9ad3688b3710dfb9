// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A bounded, lock-free ring of buffers from one worker to one other.
///
/// A handed-over packet keeps its buffer: the pool is common to all workers. The sender counts what doesn't fit as a drop.
final class HandoffRing: Sendable {
    struct Entry {
        var buffer: BufferIndex
        /// The node at which the receiving worker goes on.
        var node: UInt32
    }

    static let capacity = 4096
    nonisolated(unsafe) private let entries: UnsafeMutablePointer<Entry> = .allocate(capacity: HandoffRing.capacity)
    /// Free-running: they wrap, so all arithmetic on them does.
    private let head = Atomic<UInt32>(0)
    private let tail = Atomic<UInt32>(0)
    /// The workers own their rings.
    unowned(unsafe) let receiver: Worker

    init(receiver: Worker) { self.receiver = receiver }

    deinit { entries.deallocate() }

    /// The sending worker only. False when the ring is full.
    func send(_ buffer: BufferIndex, node: Int) -> Bool {
        let tail = self.tail.load(ordering: .relaxed)
        guard tail &- head.load(ordering: .acquiring) < UInt32(HandoffRing.capacity) else { return false }
        entries[Int(tail) & (HandoffRing.capacity - 1)] = Entry(buffer: buffer, node: UInt32(node))
        self.tail.store(tail &+ 1, ordering: .releasing)
        return true
    }

    /// The receiving worker only: takes up to `limit` buffers.
    func receive(limit: Int, _ body: (Entry) -> Void) -> Int {
        let head = self.head.load(ordering: .relaxed)
        let count = min(tail.load(ordering: .acquiring) &- head, UInt32(limit))
        for position in 0..<count { body(entries[Int(head &+ position) & (HandoffRing.capacity - 1)]) }
        self.head.store(head &+ count, ordering: .releasing)
        return Int(count)
    }

    var isEmpty: Bool { head.load(ordering: .relaxed) == tail.load(ordering: .acquiring) }
}
