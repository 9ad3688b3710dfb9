// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph

/// `show buffers`, `show threads`, `show memory`.
enum ResourceCommands {
    @ControlPlane
    static func all(_ engine: Engine) -> [Command] {
        [
            Command(["show", "buffers"], "Packet buffers: free, in use, and what memory they are") { _ in
                BufferReport(engine)
            },
            Command(["show", "threads"], "Workers with their core, state and load") { _ in ThreadReport(engine) },
            Command(["show", "memory"], "What each part has of memory") { _ in MemoryReport(engine) },
        ]
    }
}

struct BufferReport: Report {
    let total: Int
    let freeInDepot: Int
    let freeInWorkers: [Int]
    let inUse: Int
    let sizeBytes: Int
    let longestPacketBytes: Int
    let memoryBytes: Int
    let hugepages: Bool

    @ControlPlane
    init(_ engine: Engine) {
        let use = engine.bufferUse()
        total = use.total
        freeInDepot = use.depot
        freeInWorkers = use.caches
        inUse = use.inUse
        sizeBytes = engine.pool.chunkSize
        longestPacketBytes = engine.pool.capacity
        memoryBytes = engine.pool.byteCount
        hugepages = engine.pool.isHuge
    }

    var body: [TextBlock] {
        var facts: [TextBlock.Fact] = [.init("Total", "\(total)"), .init("Free in the depot", "\(freeInDepot)")]
        facts += freeInWorkers.enumerated().map { .init("Free with worker \($0)", "\($1)") }
        return [
            .facts(
                facts + [
                    .init("In use", "\(inUse)"),
                    .init("Size", "\(sizeBytes) bytes, packets up to \(longestPacketBytes)"),
                    .init("Memory", "\(Figure.bytes(memoryBytes)) in \(hugepages ? "hugepages" : "ordinary pages")"),
                ])
        ]
    }
}

struct ThreadReport: Report {
    struct Thread: Encodable, Sendable {
        let worker: Int
        let core: Int?
        let state: String
        /// The share of time in loops that had something to do, 0 to 1.
        let load: Double
        let loops: UInt64
        let busyLoops: UInt64
        let sleeps: UInt64
        let handoffsIn: UInt64
        let handoffsOut: UInt64
    }

    let threads: [Thread]

    @ControlPlane
    init(_ engine: Engine) {
        threads = engine.workerSamples().map { sample in
            Thread(
                worker: sample.worker, core: sample.core, state: WorkerState(sample, engine).rawValue,
                load: sample.load,
                loops: sample.counters.loops, busyLoops: sample.counters.busyLoops, sleeps: sample.counters.sleeps,
                handoffsIn: sample.counters.handoffsIn, handoffsOut: sample.counters.handoffsOut)
        }
    }

    var body: [TextBlock] {
        [
            .table(
                [
                    .right("Worker"), .right("Core"), "State", .right("Load"), .right("Loops"), .right("Busy loops"),
                    .right("Sleeps"), .right("Handed in"), .right("Handed out"),
                ],
                threads.map { thread in
                    [
                        "\(thread.worker)", thread.core.map { "\($0)" } ?? "any", thread.state,
                        Figure.percent(thread.load),
                        "\(thread.loops)", "\(thread.busyLoops)", "\(thread.sleeps)", "\(thread.handoffsIn)",
                        "\(thread.handoffsOut)",
                    ]
                })
        ]
    }
}

struct MemoryReport: Report {
    let parts: [MemoryUse]
    /// Of the whole process; nil when the kernel does not say.
    let residentBytes: Int?

    @ControlPlane
    init(_ engine: Engine) {
        parts = engine.memoryUse()
        residentBytes = MemoryReport.processResidentBytes
    }

    /// The second field of /proc/self/statm, in pages.
    private static var processResidentBytes: Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let fields = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    var body: [TextBlock] {
        let rows = parts.map { [$0.name, Figure.bytes($0.bytes), $0.residentBytes.map { Figure.bytes($0) } ?? ""] }
        let process = ["process", "", residentBytes.map { Figure.bytes($0) } ?? "unknown"]
        return [.table(["Part", .right("Reserved"), .right("Resident")], rows + [process])]
    }
}
