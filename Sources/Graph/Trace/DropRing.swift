// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Wire

/// The last drops of one worker, always kept: what `show drops` prints.
///
/// The worker writes; any thread may read. An entry's sequence number is odd while it is being written, so a reader knows
/// to leave it out.
final class DropRing: Sendable {
    static let capacity = 64
    /// How much of a dropped packet is kept.
    static let snapLength = 64

    struct Entry {
        var sequence: UInt64 = 0
        var clock: UInt64 = 0
        var reason: UInt16 = 0
        var snapped: UInt16 = 0
        var length: UInt32 = 0
        var rxInterface: InterfaceIndex = 0
        var bytes = InlineArray<64, UInt8>(repeating: 0)
    }

    nonisolated(unsafe) private let entries: UnsafeMutablePointer<Entry>
    nonisolated(unsafe) private let next: UnsafeMutablePointer<UInt64>

    init() {
        entries = .allocate(capacity: DropRing.capacity)
        entries.initialize(repeating: Entry(), count: DropRing.capacity)
        next = .allocate(capacity: 1)
        next.initialize(to: 0)
    }

    deinit {
        entries.deallocate()
        next.deallocate()
    }

    /// The owning worker only.
    @inline(__always)
    func record(_ packet: Packet, now: UInt64) {
        let entry = entries + Int(truncatingIfNeeded: next.pointee) & (DropRing.capacity &- 1)
        next.pointee &+= 1
        let sequence = entry.pointee.sequence
        entry.pointee.sequence = sequence &+ 1
        atomicMemoryFence(ordering: .releasing)
        let bytes = packet.frameBytes
        let snapped = min(bytes.count, DropRing.snapLength)
        entry.pointee.clock = now
        entry.pointee.reason = packet.header.reason
        entry.pointee.length = UInt32(truncatingIfNeeded: bytes.count)
        entry.pointee.snapped = UInt16(truncatingIfNeeded: snapped)
        entry.pointee.rxInterface = packet.header.rxInterface
        withUnsafeMutableBytes(of: &entry.pointee.bytes) {
            $0.baseAddress!.copyMemory(from: bytes.start, byteCount: snapped)
        }
        atomicMemoryFence(ordering: .releasing)
        entry.pointee.sequence = sequence &+ 2
    }

    /// Any thread: the entries that could be read whole, oldest first.
    func read() -> [Entry] {
        (0..<DropRing.capacity).compactMap { position in
            let before = entries[position].sequence
            atomicMemoryFence(ordering: .acquiring)
            guard before != 0, before % 2 == 0 else { return nil }
            let copy = entries[position]
            atomicMemoryFence(ordering: .acquiring)
            return entries[position].sequence == before ? copy : nil
        }.sorted { $0.clock < $1.clock }
    }
}
