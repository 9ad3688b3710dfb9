// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The packets that a generator repeats, in one piece of memory: fixed once made, read by any thread.
public final class PacketSource: Sendable {
    struct Entry {
        let offset: UInt32
        let length: UInt32
    }

    nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    nonisolated(unsafe) let entries: UnsafeMutablePointer<Entry>
    public let count: Int
    public let byteCount: Int
    public let longest: Int

    /// Each packet starts on a cache line, so that copying one touches no more lines than it must.
    private static let alignment = 64

    /// - Parameter packets: Whole frames without FCS; at least one.
    public init(_ packets: [[UInt8]]) {
        precondition(!packets.isEmpty, "a packet source has at least one packet")
        func padded(_ length: Int) -> Int { (length + PacketSource.alignment - 1) & ~(PacketSource.alignment - 1) }
        count = packets.count
        let total = packets.reduce(0) { $0 + padded($1.count) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: total, alignment: 4096)
        madvise(memory, total, 14 /* MADV_HUGEPAGE */)
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: packets.count)
        var offset = 0
        for (position, packet) in packets.enumerated() {
            packet.withUnsafeBytes { (memory + offset).copyMemory(from: $0.baseAddress!, byteCount: packet.count) }
            (entries + position).initialize(to: Entry(offset: UInt32(offset), length: UInt32(packet.count)))
            offset += padded(packet.count)
        }
        self.memory = memory
        self.entries = entries
        byteCount = packets.reduce(0) { $0 + $1.count }
        longest = packets.map(\.count).max() ?? 0
    }

    deinit {
        memory.deallocate()
        entries.deallocate()
    }
}
