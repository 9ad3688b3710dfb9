// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// Every counter of a router, in shared memory that another process can map read-only.
///
/// The segment is a header, a directory of named blocks, and the blocks. A block has one writer (a worker, or the control
/// side), which adds with plain stores; a reader costs it nothing. When the directory changes, `epoch` is odd until the change is done:
/// a reader that sees an odd or a changed epoch reads the directory again.
public final class StatsSegment: Sendable {
    /// Read by other processes: change `version` with the layout.
    public struct Header {
        public var magic: UInt64
        public var version: UInt32
        public var entryCount: UInt32
        public var epoch: UInt64
        /// Writer's process, to tell a live segment from one that a crash left.
        public var process: UInt32
        public var reserved: UInt32
        public var clocksPerSecond: Double
    }

    /// One block: `count` records of `recordSize` bytes at `offset` from the segment's start.
    public struct Entry {
        /// Zero-padded UTF-8: "/worker/0/nodes".
        public var name: InlineArray<96, UInt8>
        public var offset: UInt64
        public var count: UInt64
        public var recordSize: UInt64
        public var reserved: UInt64
    }

    public static let magic: UInt64 = 0x3174_656c_7472_614d  // "Martlet1" in memory
    public static let version: UInt32 = 1
    public static let directoryOffset = 4096
    static let entryCapacity = 4096
    static let byteCount = 256 << 20

    public let path: String?
    nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    private let end: Mutex<Int>

    /// - Parameter path: Where other processes find the segment; nil keeps it to this process.
    /// - Throws: `BufferPool.Failure` with what to do. The file is sparse: it takes the pages that are written.
    public init(path: String?) throws(BufferPool.Failure) {
        func failure(_ what: String) -> BufferPool.Failure {
            BufferPool.Failure(
                description:
                    "cannot \(what) the stats segment \(path ?? "in memory"): \(String(cString: strerror(errno)))")
        }
        var file: Int32
        if let path {
            unlink(path)
            file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        } else {
            file = CMartletLinux_memfd("martlet-stats")
        }
        guard file >= 0 else { throw failure("create") }
        defer { close(file) }
        guard ftruncate(file, off_t(StatsSegment.byteCount)) == 0 else { throw failure("size") }
        guard let memory = CMartletLinux_mapShared(file, StatsSegment.byteCount, 1) else { throw failure("map") }
        self.path = path
        self.memory = memory
        self.end = Mutex(StatsSegment.directoryOffset + StatsSegment.entryCapacity * MemoryLayout<Entry>.stride)
        memory.storeBytes(
            of: Header(
                magic: StatsSegment.magic, version: StatsSegment.version, entryCount: 0, epoch: 0,
                process: UInt32(getpid()),
                reserved: 0, clocksPerSecond: Clock.frequency), as: Header.self)
    }

    deinit {
        munmap(memory, StatsSegment.byteCount)
        if let path { unlink(path) }
    }

    /// Adds a zeroed block of `count` records. Control side only.
    func block<Record: BitwiseCopyable>(_ name: String, count: Int, of type: Record.Type) -> UnsafeMutablePointer<
        Record
    > {
        let size = count * MemoryLayout<Record>.stride
        let offset = end.withLock { end in
            let offset = end
            end += (size + 4095) & ~4095
            precondition(end <= StatsSegment.byteCount, "the stats segment is full")
            return offset
        }
        var entry = Entry(
            name: InlineArray(repeating: 0), offset: UInt64(offset), count: UInt64(count),
            recordSize: UInt64(MemoryLayout<Record>.stride), reserved: 0)
        for (position, byte) in name.utf8.prefix(95).enumerated() { entry.name[position] = byte }
        change { header in
            let place = StatsSegment.directoryOffset + Int(header.entryCount) * MemoryLayout<Entry>.stride
            memory.storeBytes(of: entry, toByteOffset: place, as: Entry.self)
            header.entryCount += 1
        }
        return (memory + offset).bindMemory(to: Record.self, capacity: count)
    }

    /// Makes a change to names or directory visible as one: the epoch is odd meanwhile.
    func change(_ body: (inout Header) -> Void) {
        let header = memory.assumingMemoryBound(to: Header.self)
        header.pointee.epoch &+= 1
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        body(&header.pointee)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        header.pointee.epoch &+= 1
    }
}
