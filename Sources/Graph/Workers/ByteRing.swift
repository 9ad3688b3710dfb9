// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A bounded, lock-free ring of variable-length messages from one thread to one other.
///
/// Punted packets travel from a worker to the control side in it, injected ones the other way: by copy, so that no buffer ever
/// belongs to two threads. A message that doesn't fit is refused, and the sender counts it.
public final class ByteRing: Sendable {
    nonisolated(unsafe) private let memory: UnsafeMutableRawPointer
    private let capacity: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)

    /// In front of each message: its length, padded to keep messages aligned. A negative length means: go on at the start.
    private static let prefix = 8

    /// - Parameter byteCount: A power of two.
    public init(byteCount: Int) {
        precondition(byteCount & (byteCount - 1) == 0)
        capacity = byteCount
        memory = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit { memory.deallocate() }

    public var isEmpty: Bool { head.load(ordering: .relaxed) == tail.load(ordering: .acquiring) }

    /// Sends `first` and `second` as one message; false when there is no room. The sending thread only.
    public func send(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
        let length = first.count &+ second.count
        let needed = (ByteRing.prefix &+ length &+ 7) & ~7
        var tail = self.tail.load(ordering: .relaxed)
        let free = capacity &- (tail &- head.load(ordering: .acquiring))
        let place = tail & (capacity &- 1)
        let untilEnd = capacity &- place
        guard needed <= (untilEnd >= needed ? free : free &- untilEnd) else { return false }
        var target = memory + place
        if untilEnd < needed {
            target.storeBytes(of: -1, as: Int.self)
            tail &+= untilEnd
            target = memory
        }
        target.storeBytes(of: length, as: Int.self)
        target += ByteRing.prefix
        if let base = first.baseAddress { target.copyMemory(from: base, byteCount: first.count) }
        if let base = second.baseAddress { (target + first.count).copyMemory(from: base, byteCount: second.count) }
        self.tail.store(tail &+ needed, ordering: .releasing)
        return true
    }

    /// Hands the oldest message to `body`, in place, and removes it; false when there is none. The receiving thread only.
    public func receive(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        var head = self.head.load(ordering: .relaxed)
        guard head != tail.load(ordering: .acquiring) else { return false }
        var source = memory + (head & (capacity &- 1))
        var length = source.load(as: Int.self)
        if length < 0 {
            head &+= capacity &- (head & (capacity &- 1))
            source = memory
            length = source.load(as: Int.self)
        }
        body(UnsafeRawBufferPointer(start: source + ByteRing.prefix, count: length))
        self.head.store(head &+ ((ByteRing.prefix &+ length &+ 7) & ~7), ordering: .releasing)
        return true
    }
}
