// SPDX-License-Identifier: Apache-2.0
import Glibc
import Wire

/// The packets that a generator repeats, in one piece of memory: fixed once made, read by any thread.
public final class PacketSource: Sendable {
    struct Entry: BitwiseCopyable {
        /// Where the packet starts, in lines of 64 bytes.
        let line: UInt32
        /// Bytes.
        let length: UInt32
    }

    /// Each packet has cache lines of its own: copying one touches no more of them than it must, and may copy whole ones.
    static let lineSize = 64

    nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    nonisolated(unsafe) let entries: UnsafeMutablePointer<Entry>
    public let count: Int
    public let byteCount: Int
    /// Bytes of the longest packet.
    public let longest: Int

    /// - Parameter packets: Whole frames without FCS; at least one.
    public convenience init(_ packets: [[UInt8]]) {
        var builder = Builder(capacity: packets.reduce(0) { $0 + $1.count + PacketSource.lineSize })
        for packet in packets { packet.withUnsafeBytes { builder.append($0) } }
        self.init(builder)
    }

    /// The packets of a capture file.
    ///
    /// - Parameters:
    ///   - path: A pcap or pcapng file of Ethernet frames.
    ///   - longest: Bytes; longer packets are left out.
    ///   - skipped: How many were left out.
    /// - Throws: `CaptureError` when the file cannot be read to its end.
    public convenience init(capture path: String, longest: Int, skipped: inout Int) throws(CaptureError) {
        let reader = try CaptureReader(path: path)
        // A record's header takes the room that padding to whole lines does, more or less.
        var builder = Builder(capacity: max(1 << 20, FileIdentity(of: path)?.size ?? 0))
        while let record = try reader.next() {
            if record.bytes.count > longest {
                skipped += 1
            } else {
                builder.append(UnsafeRawBufferPointer(start: record.bytes.start, count: record.bytes.count))
            }
        }
        guard builder.count > 0 else { throw CaptureError(path: path, problem: .noPackets(skipped: skipped)) }
        self.init(builder)
    }

    init(_ builder: consuming Builder) {
        precondition(builder.count > 0, "a packet source has at least one packet")
        count = builder.count
        byteCount = builder.byteCount
        longest = builder.longest
        (memory, entries) = builder.release()
    }

    deinit {
        free(memory)
        free(entries)
    }
}

extension PacketSource {
    /// Collects packets, one behind the other.
    struct Builder: ~Copyable {
        private var memory: UnsafeMutableRawPointer
        private var entries: UnsafeMutablePointer<Entry>
        private var lineCapacity: Int
        private var entryCapacity = 4096
        private var lines = 0
        private(set) var count = 0
        private(set) var byteCount = 0
        private(set) var longest = 0

        /// - Parameter capacity: Bytes to begin with.
        init(capacity: Int) {
            lineCapacity = max(1, capacity / lineSize)
            memory = Builder.allocate(lineCapacity * lineSize)
            entries = Builder.allocate(entryCapacity * MemoryLayout<Entry>.stride)
                .bindMemory(to: Entry.self, capacity: entryCapacity)
        }

        deinit {
            free(memory)
            free(entries)
        }

        mutating func append(_ packet: UnsafeRawBufferPointer) {
            let needed = (packet.count + lineSize - 1) / lineSize
            reserve(lines: needed)
            let start = memory + lines * lineSize
            if let bytes = packet.baseAddress { start.copyMemory(from: bytes, byteCount: packet.count) }
            entries[count] = Entry(
                line: UInt32(truncatingIfNeeded: lines), length: UInt32(truncatingIfNeeded: packet.count))
            lines += needed
            count += 1
            byteCount += packet.count
            longest = max(longest, packet.count)
        }

        /// The memory, which the caller frees.
        consuming func release() -> (UnsafeMutableRawPointer, UnsafeMutablePointer<Entry>) {
            let result = (memory, entries)
            discard self
            return result
        }

        private mutating func reserve(lines needed: Int) {
            if lines + needed > lineCapacity {
                lineCapacity = max(lineCapacity * 2, lines + needed)
                memory = Builder.grow(memory, used: lines * lineSize, to: lineCapacity * lineSize)
            }
            if count == entryCapacity {
                let stride = MemoryLayout<Entry>.stride
                let grown = Builder.grow(entries, used: count * stride, to: 2 * count * stride)
                entryCapacity = 2 * count
                entries = grown.bindMemory(to: Entry.self, capacity: entryCapacity)
            }
        }

        private static func grow(_ old: UnsafeMutableRawPointer, used: Int, to size: Int) -> UnsafeMutableRawPointer {
            let new = allocate(size)
            new.copyMemory(from: old, byteCount: used)
            free(old)
            return new
        }

        /// MADV_HUGEPAGE, which Swift's Glibc module hides.
        private static let adviseHugePages: Int32 = 14

        /// Aligned for huge pages, where the system gives them on request.
        private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
            let alignment = size >= 1 << 21 ? 1 << 21 : 4096
            var memory: UnsafeMutableRawPointer?
            guard posix_memalign(&memory, alignment, size) == 0, let memory else {
                fatalError("no memory for \(size) bytes of packets to generate")
            }
            // Of no consequence where it fails.
            if alignment > 4096 { madvise(memory, size, adviseHugePages) }
            return memory
        }
    }
}
