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
    /// Open and locked as long as the segment lives.
    private let file: Int32
    private let end: Mutex<Int>

    /// - Parameter path: Where other processes find the segment; nil keeps it to this process.
    /// - Throws: `BufferPool.Failure` with what to do: when another router's counters are there, or something that is no
    ///   segment. What a dead router left is replaced. The file is sparse: it takes the pages that are written.
    public init(path: String?) throws(BufferPool.Failure) {
        let draft = path.map { "\($0).\(getpid())" }
        if let draft { unlink(draft) }
        let file =
            draft.map { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) } ?? CMartletLinux_memfd("martlet-stats")
        guard file >= 0 else { throw StatsSegment.failure("create", path) }
        var isDone = false
        defer {
            if let draft { unlink(draft) }
            if !isDone { close(file) }
        }
        guard ftruncate(file, off_t(StatsSegment.byteCount)) == 0 else { throw StatsSegment.failure("size", path) }
        guard let memory = CMartletLinux_mapShared(file, StatsSegment.byteCount, 1) else {
            throw StatsSegment.failure("map", path)
        }
        memory.storeBytes(
            of: Header(
                magic: StatsSegment.magic, version: StatsSegment.version, entryCount: 0, epoch: 0,
                process: UInt32(getpid()),
                reserved: 0, clocksPerSecond: Clock.frequency), as: Header.self)
        if let path, let draft {
            do {
                try StatsSegment.publish(draft, file, as: path)
            } catch {
                munmap(memory, StatsSegment.byteCount)
                throw error
            }
        }
        isDone = true
        self.path = path
        self.file = file
        self.memory = memory
        self.end = Mutex(StatsSegment.directoryOffset + StatsSegment.entryCapacity * MemoryLayout<Entry>.stride)
    }

    deinit {
        munmap(memory, StatsSegment.byteCount)
        if let path { unlink(path) }
        close(file)
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
