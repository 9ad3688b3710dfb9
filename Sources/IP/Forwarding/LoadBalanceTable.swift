// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization
import Wire

/// The load-balances of a router as workers read them: for each a range of buckets, a power of two of them, each with a
/// result.
///
/// A load-balance is one 64-bit word, the place and the number of its buckets. Its content changes by filling other
/// buckets and storing that word: one store moves all prefixes that share it.
@frozen
public struct LoadBalanceTable: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let words: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let buckets: UnsafeMutablePointer<UInt32>

    /// Load-balances, and a quarter of the buckets.
    @inlinable static var capacity: Int { 1 << 20 }
    @inlinable static var bucketCapacity: Int { 1 << 22 }

    init() {
        guard
            let words = CMartletLinux_mapAnonymous(LoadBalanceTable.capacity * MemoryLayout<UInt64>.stride, 0),
            let buckets = CMartletLinux_mapAnonymous(LoadBalanceTable.bucketCapacity * MemoryLayout<UInt32>.stride, 0)
        else { fatalError("no address space for the table of load-balances") }
        self.words = words.bindMemory(to: Atomic<UInt64>.self, capacity: LoadBalanceTable.capacity)
        self.buckets = buckets.bindMemory(to: UInt32.self, capacity: LoadBalanceTable.bucketCapacity)
    }

    func unmap() {
        munmap(words, LoadBalanceTable.capacity * MemoryLayout<UInt64>.stride)
        munmap(buckets, LoadBalanceTable.bucketCapacity * MemoryLayout<UInt32>.stride)
    }

    /// The place and number of a load-balance's buckets.
    @inlinable
    @inline(__always)
    public func range(of index: UInt32) -> Range {
        let word = words[Int(index) & (LoadBalanceTable.capacity &- 1)].load(ordering: .relaxed)
        return Range(
            first: UInt32(truncatingIfNeeded: word), mask: UInt32(truncatingIfNeeded: word &>> 32))
    }

    /// The bucket for a flow.
    @inlinable
    @inline(__always)
    public func bucket(_ range: Range, hash: UInt32) -> Forwarding {
        let place = range.first &+ hash & range.mask
        return Forwarding(rawValue: buckets[Int(place) & (LoadBalanceTable.bucketCapacity &- 1)])
    }

    /// Publishes buckets; all that was written to them before is seen by who sees this.
    func publish(_ index: UInt32, _ range: Range) {
        words[Int(index)].store(UInt64(range.mask) << 32 | UInt64(range.first), ordering: .releasing)
    }

    /// The buckets of one load-balance: `mask + 1` of them, a power of two, from `first` on.
    @frozen
    public struct Range: BitwiseCopyable, Hashable, Sendable {
        public let first: UInt32
        /// One less than the number of buckets; 0 when the flow does not matter.
        public let mask: UInt32

        @inlinable @inline(__always)
        init(first: UInt32, mask: UInt32) {
            self.first = first
            self.mask = mask
        }

        var count: Int { Int(mask) + 1 }
    }
}
