// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// All packet memory of a router: equal chunks in one mapping, which is also the UMEM of its AF_XDP sockets.
///
/// Workers take buffers from a `BufferCache` of their own; the caches exchange batches with the depot here, a lock-free
/// stack. Any thread may call any member.
public final class BufferPool: Sendable {
    /// Why the pool's memory could not be had, in words for the operator.
    public struct Failure: Error, CustomStringConvertible {
        /// The setting to change.
        public var setting = "buffers"
        public let description: String
    }

    /// Bytes in front of a packet's first byte: room to push headers, as much as the kernel leaves (`XDP_PACKET_HEADROOM`).
    public static let headroom = 256
    /// Buffers that move between a cache and the depot at a time.
    static let batch = 256

    public let count: Int
    /// Bytes per buffer: a power of two from 2,048.
    public let chunkSize: Int
    /// Whether the memory is hugepages: fewer misses in the address translation, nothing else.
    public let isHuge: Bool

    nonisolated(unsafe) public let memory: UnsafeMutableRawPointer
    nonisolated(unsafe) public let headers: UnsafeMutablePointer<BufferHeader>
    /// links[i]: the buffer behind buffer i in its batch. nextBatch[i]: the batch behind the one that starts with i.
    nonisolated(unsafe) private let links: UnsafeMutablePointer<UInt32>
    nonisolated(unsafe) private let nextBatch: UnsafeMutablePointer<UInt32>
    /// The depot's top: the first buffer of the top batch (low half) and a counter against ABA (high half).
    private let top = Atomic<UInt64>(UInt64(BufferPool.none))
    private let resting: Atomic<Int>

    static let none = UInt32.max

    public var byteCount: Int { count * chunkSize }
    /// The longest packet that a buffer holds.
    public var capacity: Int { chunkSize - BufferPool.headroom - BufferPool.kernelHeadroom }
    /// What the kernel is told to leave free in front of its own headroom: none, headers stand elsewhere.
    public static let kernelHeadroom = 0

    /// - Parameters:
    ///   - count: Buffers, rounded up to whole batches of 256.
    ///   - chunkSize: Bytes per buffer: 2048, 4096, 8192 or 16384.
    /// - Throws: `Failure` with what to do, when the kernel gives no memory.
    public init(count wanted: Int, chunkSize: Int) throws(Failure) {
        precondition(chunkSize >= 2048 && chunkSize & (chunkSize - 1) == 0, "chunks are a power of two from 2048")
        let count = (max(wanted, 1) + BufferPool.batch - 1) / BufferPool.batch * BufferPool.batch
        let bytes = count * chunkSize
        let huge = CMartletLinux_mapAnonymous(bytes, 1)
        guard let memory = huge ?? CMartletLinux_mapAnonymous(bytes, 0) else {
            throw Failure(
                description: "no memory for \(count) buffers of \(chunkSize) bytes (\(bytes >> 20) MiB): "
                    + "\(String(cString: strerror(errno))); set a smaller `buffers: count`")
        }
        if huge == nil { madvise(memory, bytes, MADV_HUGEPAGE) }
        let headerBytes = count * MemoryLayout<BufferHeader>.stride
        guard let headerMemory = CMartletLinux_mapAnonymous(headerBytes, 0) else {
            munmap(memory, bytes)
            throw Failure(description: "no memory for the headers of \(count) buffers; set a smaller `buffers: count`")
        }
        madvise(headerMemory, headerBytes, MADV_HUGEPAGE)
        self.count = count
        self.chunkSize = chunkSize
        self.isHuge = huge != nil
        self.memory = memory
        self.headers = headerMemory.bindMemory(to: BufferHeader.self, capacity: count)
        self.links = .allocate(capacity: count)
        self.nextBatch = .allocate(capacity: count)
        self.resting = Atomic(0)
        for index in 0..<count {
            let start = memory + index * chunkSize + BufferPool.headroom
            headers[index] = BufferHeader(
                data: start, start: start, length: 0, flags: [], reason: 0, rxInterface: 0, txInterface: 0,
                adjacency: 0,
                flowHash: 0, featureCursor: 0, traceHandle: 0, scratch: (0, 0))
        }
        // Downwards, so that the first buffers are handed out first.
        for first in stride(from: count - BufferPool.batch, through: 0, by: -BufferPool.batch) {
            for index in first..<first + BufferPool.batch { links[index] = UInt32(index + 1) }
            links[first + BufferPool.batch - 1] = BufferPool.none
            push(UInt32(first))
        }
    }

    deinit {
        munmap(memory, byteCount)
        munmap(headers, count * MemoryLayout<BufferHeader>.stride)
        links.deallocate()
        nextBatch.deallocate()
    }

    /// Buffers that rest in the depot. With the caches' counts and those in flight it sums to `count`.
    public var depotCount: Int { resting.load(ordering: .relaxed) }

    /// Takes 256 buffers into `indices`; false when the depot is empty.
    func takeBatch(into indices: UnsafeMutablePointer<BufferIndex>) -> Bool {
        var current = top.load(ordering: .acquiring)
        while true {
            let first = UInt32(truncatingIfNeeded: current)
            guard first != BufferPool.none else { return false }
            let below = UInt64(nextBatch[Int(first)]) | (current & ~0xffff_ffff) &+ (1 << 32)
            let (done, seen) = top.compareExchange(expected: current, desired: below, ordering: .acquiringAndReleasing)
            if done {
                var index = first
                for position in 0..<BufferPool.batch {
                    indices[position] = index
                    index = links[Int(index)]
                }
                resting.subtract(BufferPool.batch, ordering: .relaxed)
                return true
            }
            current = seen
        }
    }

    /// Gives 256 buffers back.
    func giveBatch(from indices: UnsafePointer<BufferIndex>) {
        for position in 0..<BufferPool.batch - 1 { links[Int(indices[position])] = indices[position + 1] }
        links[Int(indices[BufferPool.batch - 1])] = BufferPool.none
        push(indices[0])
    }

    private func push(_ first: UInt32) {
        var current = top.load(ordering: .relaxed)
        while true {
            nextBatch[Int(first)] = UInt32(truncatingIfNeeded: current)
            let above = UInt64(first) | (current & ~0xffff_ffff) &+ (1 << 32)
            let (done, seen) = top.compareExchange(expected: current, desired: above, ordering: .acquiringAndReleasing)
            if done { break }
            current = seen
        }
        resting.add(BufferPool.batch, ordering: .relaxed)
    }
}
