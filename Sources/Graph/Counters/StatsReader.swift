// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// Reads the counters of a running router, from any process, through its stats segment.
///
/// The segment is mapped read-only: neither the reader nor its death disturbs the router. Each call looks at the segment
/// anew; counters of one call are read within microseconds of each other, not at one instant.
public final class StatsReader {
    /// Why a segment cannot be read, in words for the operator.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// One named array of records.
    public struct Block: Sendable, Equatable {
        /// "/worker/0/nodes".
        public let name: String
        public let count: Int
        public let recordSize: Int
        let offset: Int
    }

    /// A node's, an interface's or a drop reason's counters on one worker.
    public struct Reading<Counters: BitwiseCopyable & Sendable>: Sendable {
        /// The node, the interface, or "node/reason".
        public let name: String
        public let worker: Int
        public let counters: Counters
    }

    public let path: String
    private let memory: UnsafeRawPointer
    private let byteCount: Int

    /// - Throws: `Failure` when there is no segment at `path`, or one of another version.
    public init(path: String) throws(Failure) {
        func failure(_ what: String) -> Failure { Failure(description: "cannot read the counters in \(path): \(what)") }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(String(cString: strerror(errno))) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, Int(status.st_size) >= StatsReader.leastByteCount else {
            throw failure("it is not a stats segment")
        }
        guard let memory = CMartletLinux_mapShared(file, Int(status.st_size), 0) else {
            throw failure(String(cString: strerror(errno)))
        }
        self.path = path
        self.memory = UnsafeRawPointer(memory)
        byteCount = Int(status.st_size)
        let header = self.memory.load(as: StatsSegment.Header.self)
        // `deinit` unmaps: all members are set.
        guard header.magic == StatsSegment.magic else { throw failure("it is not a stats segment") }
        guard header.version == StatsSegment.version else {
            throw failure(
                "it has version \(header.version), and this program reads \(StatsSegment.version); "
                    + "use the router's own tools")
        }
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: memory), byteCount) }

    private static var leastByteCount: Int {
        StatsSegment.directoryOffset + StatsSegment.entryCapacity * MemoryLayout<StatsSegment.Entry>.stride
    }

    private var header: StatsSegment.Header { memory.load(as: StatsSegment.Header.self) }

    /// Changes when blocks or names were added.
    public var epoch: UInt64 { header.epoch }
    /// The process that writes, or wrote, the segment.
    public var process: Int32 { Int32(truncatingIfNeeded: header.process) }
    /// False for a segment that a crash has left behind.
    public var isWriterAlive: Bool { kill(process, 0) == 0 || errno == EPERM }
    /// What one second is in counters of clocks.
    public var clocksPerSecond: Double { header.clocksPerSecond }

    // MARK: - Reading

    /// The directory of the segment.
    public func blocks() throws(Failure) -> [Block] { try settled { readBlocks() } }

    /// Every node of every worker, also those that were never called.
    public func nodes() throws(Failure) -> [Reading<NodeCounters>] {
        try readings("nodes", names: "nodes")
    }

    /// Every interface on every worker.
    public func interfaces() throws(Failure) -> [Reading<InterfaceCounters>] {
        try readings("interfaces", names: "interfaces")
    }

    /// The packets dropped for each reason, "node/reason", on each worker.
    public func drops() throws(Failure) -> [Reading<UInt64>] { try readings("drops", names: "drops") }

    /// Each worker's account of its time; the name is "worker".
    public func workers() throws(Failure) -> [Reading<WorkerCounters>] {
        try settled {
            let blocks = readBlocks()
            return StatsReader.workers(blocks, "worker").compactMap { number, block in
                guard block.recordSize == MemoryLayout<WorkerCounters>.stride, block.count > 0 else { return nil }
                let counters = memory.loadUnaligned(fromByteOffset: block.offset, as: WorkerCounters.self)
                return Reading(name: "worker", worker: number, counters: counters)
            }
        }
    }

    private func readings<Counters: BitwiseCopyable & Sendable>(
        _ suffix: String, names: String
    ) throws(Failure) -> [Reading<Counters>] {
        try settled {
            let blocks = readBlocks()
            let names = self.names(blocks, "/names/\(names)")
            return StatsReader.workers(blocks, suffix).flatMap { number, block -> [Reading<Counters>] in
                guard block.recordSize == MemoryLayout<Counters>.stride else { return [] }
                return names.filter { $0.index < block.count }.map { index, name in
                    let place = block.offset + index * block.recordSize
                    let counters = memory.loadUnaligned(fromByteOffset: place, as: Counters.self)
                    return Reading(name: name, worker: number, counters: counters)
                }
            }
        }
    }

    /// Runs `body` until the segment's directory and names stood still meanwhile: the epoch was even, and the same after it.
    private func settled<Result>(_ body: () -> Result) throws(Failure) -> Result {
        for attempt in 0..<10_000 {
            let before = header.epoch
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            if before % 2 == 0 {
                let result = body()
                atomicMemoryFence(ordering: .sequentiallyConsistent)
                if header.epoch == before { return result }
            }
            // The writer is at it, or was interrupted in the middle.
            usleep(attempt < 100 ? 0 : 100)
        }
        let remedy =
            isWriterAlive ? "try again" : "process \(process), which wrote them, died in the middle; remove the file"
        throw Failure(description: "the counters in \(path) never come to rest: \(remedy)")
    }

    // MARK: - Layout

    /// What the directory says, and what lies within the file.
    private func readBlocks() -> [Block] {
        let count = min(Int(header.entryCount), StatsSegment.entryCapacity)
        return (0..<count).compactMap { index in
            let place = StatsSegment.directoryOffset + index * MemoryLayout<StatsSegment.Entry>.stride
            let entry = memory.load(fromByteOffset: place, as: StatsSegment.Entry.self)
            let name = StatsReader.text(entry.name)
            let (size, overflow) = entry.count.multipliedReportingOverflow(by: entry.recordSize)
            guard !overflow, entry.offset <= UInt64(byteCount), size <= UInt64(byteCount) - entry.offset else {
                return nil
            }
            return Block(
                name: name, count: Int(entry.count), recordSize: Int(entry.recordSize), offset: Int(entry.offset))
        }
    }

    /// The names that were set, with their index.
    private func names(_ blocks: [Block], _ name: String) -> [(index: Int, name: String)] {
        guard let block = blocks.first(where: { $0.name == name }),
            block.recordSize == MemoryLayout<StatsNames.Name>.stride
        else { return [] }
        var names: [(Int, String)] = []
        for index in 0..<block.count {
            let text = StatsReader.text(
                memory.loadUnaligned(fromByteOffset: block.offset + index * block.recordSize, as: StatsNames.Name.self))
            // Names stand without gaps, but interfaces begin at 1. Going on would touch, and so fill, the file's holes.
            if text.isEmpty, index > 0 { break }
            if !text.isEmpty { names.append((index, text)) }
        }
        return names
    }

    /// The blocks "/worker/N/suffix", by N.
    private static func workers(_ blocks: [Block], _ suffix: String) -> [(Int, Block)] {
        blocks.compactMap { block in
            let parts = block.name.split(separator: "/")
            guard parts.count == 3, parts[0] == "worker", parts[2] == suffix, let number = Int(parts[1]) else {
                return nil
            }
            return (number, block)
        }
    }

    private static func text(_ name: StatsNames.Name) -> String {
        withUnsafeBytes(of: name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
