// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph

/// Why a packet that a session wanted was not copied. The original goes its way.
public enum CopyLoss: UInt16, DropReason {
    case noBuffer, rateExceeded, destinationDown, tooLong, notWritten

    public var text: String {
        switch self {
        case .noBuffer: "no free buffer for a copy; raise `buffers: count`"
        case .rateExceeded: "the source has had as many copies a second as its `rate` allows"
        case .destinationDown: "a copy's destination is down"
        case .tooLong: "a copy is longer than its destination takes; say how much to copy with `first`"
        case .notWritten: "the session's file takes no more: it is full, cannot be written, or copies come too fast"
        }
    }
}

/// What one worker counts of a source in one direction: a cache line.
struct CopyCounts: BitwiseCopyable {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    /// By `CopyLoss`.
    var losses = InlineArray<5, UInt64>(repeating: 0)
    /// Packets since the last one that an interval chose; 0 when the next is chosen.
    var phase: UInt64 = 0
}

/// Counters of sources, by slots, and what else a worker's mirror nodes note: in memory of each worker's own.
///
/// The memory is reserved for all slots and taken page by page as they are used.
final class CopyCounters: @unchecked Sendable {
    static let slotCapacity = 1 << 16

    private let memory: [UnsafeMutableRawPointer]
    private static let countBytes = slotCapacity * MemoryLayout<CopyCounts>.stride
    private static let byteCount = countBytes + Frame.capacity * MemoryLayout<BufferIndex>.stride
    /// Each source's bucket, which workers share.
    private let buckets: UnsafeMutablePointer<SharedTokenBucket>
    /// What was counted before the last `clear`, or by an earlier user of the slot. Control side only.
    private var baselines: [UInt32: CopyCounts] = [:]
    private var free: [UInt32] = []
    private var used: UInt32 = 0

    init(workerCount: Int) {
        func map(_ bytes: Int) -> UnsafeMutableRawPointer {
            guard let memory = CMartletLinux_mapAnonymous(bytes, 0) else {
                fatalError("no address space for the counters of mirrors")
            }
            return memory
        }
        memory = (0..<workerCount).map { _ in map(CopyCounters.byteCount) }
        buckets = map(CopyCounters.slotCapacity * MemoryLayout<SharedTokenBucket>.stride)
            .bindMemory(to: SharedTokenBucket.self, capacity: CopyCounters.slotCapacity)
    }

    deinit {
        for pointer in memory { munmap(pointer, CopyCounters.byteCount) }
        buckets.deinitialize(count: Int(used))
        munmap(buckets, CopyCounters.slotCapacity * MemoryLayout<SharedTokenBucket>.stride)
    }

    // MARK: - Control side

    /// A slot that counts from 0; nil when all are taken.
    func take() -> UInt32? {
        if let slot = free.popLast() {
            clear(slot)
            return slot
        }
        guard used < CopyCounters.slotCapacity else { return nil }
        (buckets + Int(used)).initialize(to: SharedTokenBucket())
        used += 1
        return used - 1
    }

    /// The slot is free again. No worker counts in it any more.
    func give(_ slot: UInt32) { free.append(slot) }

    /// What all workers counted since the slot was taken or cleared.
    func counts(_ slot: UInt32) -> CopyCounts { total(slot) - (baselines[slot] ?? CopyCounts()) }

    /// Counts from here on.
    func clear(_ slot: UInt32) { baselines[slot] = total(slot) }

    private func total(_ slot: UInt32) -> CopyCounts {
        memory.indices.reduce(CopyCounts()) { $0 + seat($1).counts[Int(slot)] }
    }

    // MARK: - Workers

    /// What a worker's nodes keep; they run one after the other.
    func seat(_ worker: Int) -> Seat {
        let memory = memory[worker]
        return Seat(
            counts: memory.assumingMemoryBound(to: CopyCounts.self),
            buffers: (memory + CopyCounters.countBytes).assumingMemoryBound(to: BufferIndex.self), buckets: buckets)
    }

    struct Seat: BitwiseCopyable, @unchecked Sendable {
        let counts: UnsafeMutablePointer<CopyCounts>
        /// Room for a frame's copies.
        let buffers: UnsafeMutablePointer<BufferIndex>
        let buckets: UnsafeMutablePointer<SharedTokenBucket>
    }
}

extension CopyCounts {
    static func + (a: CopyCounts, b: CopyCounts) -> CopyCounts { a.combined(with: b, &+) }

    static func - (now: CopyCounts, earlier: CopyCounts) -> CopyCounts { now.combined(with: earlier, &-) }

    private func combined(with other: CopyCounts, _ body: (UInt64, UInt64) -> UInt64) -> CopyCounts {
        var result = CopyCounts(packets: body(packets, other.packets), bytes: body(bytes, other.bytes))
        for reason in losses.indices { result.losses[reason] = body(losses[reason], other.losses[reason]) }
        return result
    }
}
