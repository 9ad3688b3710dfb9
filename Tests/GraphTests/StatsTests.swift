// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import Graph

@Suite("Stats segment")
@ControlPlane
struct StatsTests {
    private static func path() -> String { "/tmp/martlet-stats-\(getpid())-\(UInt64.random(in: 0 ... .max))" }

    private func router(at path: String) throws -> TestRouter {
        var options = Engine.Options()
        options.statsPath = path
        options.workerCount = 2
        let router = try TestRouter(options)
        try router.engine.build()
        return router
    }

    @Test("a second mapping reads what the engine counted, by name")
    func reading() throws {
        let router = try router(at: Self.path())
        let reader = try StatsReader(path: try #require(router.engine.stats.path))
        router.pass(EngineTests.mixed)
        let nodes = try reader.nodes().filter { $0.worker == 0 }
        #expect(nodes.map(\.name) == router.engine.nodeNames)
        #expect(nodes.first { $0.name == "sorter" }?.counters.packets == 600)
        let drops = try reader.drops().filter { $0.counters > 0 }
        #expect(drops.map(\.name) == ["sorter/bad-luck", "sorter/wrong-kind"])
        #expect(drops.map(\.counters) == [120, 120])
        #expect(drops.allSatisfy { $0.worker == 0 })
        let interfaces = try reader.interfaces()
        #expect(interfaces.map(\.name) == ["one", "two", "one", "two"])
        #expect(interfaces.map(\.counters.rxPackets) == [600, 0, 0, 0])
        #expect(interfaces.map(\.counters.txPackets) == [60, 60, 0, 0])
        #expect(try reader.workers().map(\.worker) == [0, 1])
        #expect(reader.process == getpid())
        #expect(reader.isWriterAlive)
        #expect(reader.clocksPerSecond > 1e6)
        let names = try reader.blocks().map(\.name)
        #expect(names.contains("/worker/1/nodes"))
        #expect(names.contains("/names/nodes"))
    }

    @Test("what is cleared for people stays counted in the segment")
    func clearing() throws {
        let router = try router(at: Self.path())
        let reader = try StatsReader(path: try #require(router.engine.stats.path))
        router.pass([TestPacket(0)])
        router.engine.clearRuntime()
        #expect(try reader.nodes().first { $0.name == "sorter" }?.counters.packets == 1)
    }

    @Test("an interface that comes later has its name at once, and the epoch tells")
    func later() throws {
        let router = try router(at: Self.path())
        let reader = try StatsReader(path: try #require(router.engine.stats.path))
        let epoch = reader.epoch
        _ = router.engine.createInterface("three", kind: "test")
        #expect(reader.epoch > epoch)
        #expect(reader.epoch % 2 == 0)
        #expect(try reader.interfaces().prefix(3).map(\.name) == ["one", "two", "three"])
    }

    @Test("a second router does not take the counters of one that lives")
    func twoRouters() throws {
        let path = Self.path()
        let first = try router(at: path)
        let failure = #expect(throws: BufferPool.Failure.self) { try self.router(at: path) }
        #expect(failure?.setting == "stats.path")
        #expect(
            failure?.description.hasPrefix("another martlet (pid \(getpid())) has its counters in \(path); ") == true)
        #expect(try StatsReader(path: path).interfaces().map(\.name) == ["one", "two", "one", "two"])
        #expect(first.engine.stats.path == path)
    }

    @Test("what a dead router left is replaced, and removed at the end")
    func stale() throws {
        let path = Self.path()
        // As a crash leaves it: complete, and locked by nobody.
        let first = try StatsSegment(path: path)
        let file = try #require(fopen(path, "r"))
        var bytes = [UInt8](repeating: 0, count: 8192)
        #expect(fread(&bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        #expect(first.path == path)
        let other = Self.path()
        let copy = try #require(fopen(other, "w"))
        #expect(fwrite(bytes, 1, bytes.count, copy) == bytes.count)
        fclose(copy)
        var second: StatsSegment? = try StatsSegment(path: other)
        #expect(second?.path == other)
        #expect(try StatsReader(path: other).blocks().isEmpty)
        second = nil
        #expect(access(other, F_OK) != 0)
    }

    @Test("what is no segment stays where it is")
    func noSegment() throws {
        let path = Self.path()
        let file = try #require(fopen(path, "w"))
        defer { unlink(path) }
        fputs("precious", file)
        fclose(file)
        let failure = #expect(throws: BufferPool.Failure.self) { try StatsSegment(path: path) }
        #expect(failure?.description.contains("is no stats segment; remove it") == true)
        #expect(access(path, F_OK) == 0)
    }

    /// Tells threads of a test how far each other is.
    private final class Signals: Sendable {
        let isInside = Atomic(false)
        let mayGo = Atomic(false)
        let looks = Atomic(0)
        let failures = Atomic(0)
    }

    @Test("a reader waits while the directory changes, and sees the change whole")
    func epoch() async throws {
        let segment = try StatsSegment(path: Self.path())
        _ = segment.block("/first", count: 1, of: UInt64.self)
        let path = try #require(segment.path)
        let signals = Signals()
        // Threads of their own: Swift's tasks share few, and none may be held up.
        let writer = Thread(name: "writer") {
            segment.change { header in
                // A half-made entry, as a reader must never see it.
                header.entryCount += 1
                signals.isInside.store(true, ordering: .sequentiallyConsistent)
                while !signals.mayGo.load(ordering: .sequentiallyConsistent) { usleep(100) }
                header.entryCount -= 1
            }
        }.start()
        #expect(try await eventually { signals.isInside.load(ordering: .sequentiallyConsistent) })
        let reader = try StatsReader(path: path)
        #expect(reader.epoch % 2 == 1)
        Thread(name: "later") {
            usleep(20_000)
            signals.mayGo.store(true, ordering: .sequentiallyConsistent)
        }.start()
        #expect(try reader.blocks().map(\.name) == ["/first"])
        #expect(reader.epoch % 2 == 0)
        pthread_join(writer, nil)
    }

    @Test("names and counters are read whole while others are added all the time")
    func concurrent() async throws {
        let router = try router(at: Self.path())
        let path = try #require(router.engine.stats.path)
        let signals = Signals()
        let reader = Thread(name: "reader") {
            let names = { try? StatsReader(path: path).interfaces().filter { $0.worker == 0 }.map(\.name) }
            repeat {
                let found = names() ?? []
                let expected = ["one", "two"] + (0..<max(2, found.count) - 2).map { "interface-\($0)" }
                if found != expected { signals.failures.add(1, ordering: .relaxed) }
                signals.looks.add(1, ordering: .relaxed)
            } while !signals.mayGo.load(ordering: .sequentiallyConsistent)
        }.start()
        for number in 0..<500 {
            _ = router.engine.createInterface("interface-\(number)", kind: "test")
            if number % 10 == 0 { await Task.yield() }
        }
        signals.mayGo.store(true, ordering: .sequentiallyConsistent)
        pthread_join(reader, nil)
        #expect(signals.looks.load(ordering: .relaxed) > 0)
        #expect(signals.failures.load(ordering: .relaxed) == 0)
    }

    @Test("the mapping is read-only, and the file goes with its engine")
    func mapping() async throws {
        let path = Self.path()
        var router: TestRouter? = try router(at: path)
        let reader = try StatsReader(path: path)
        let maps = try String(contentsOfProcessFile: "/proc/self/maps").split(separator: "\n")
        let modes = maps.filter { $0.contains(path) }.map { $0.split(separator: " ")[1] }
        #expect(modes.sorted() == ["r--s", "rw-s"])
        _ = router
        router = nil
        #expect(try await eventually { access(path, F_OK) != 0 })
        // The mapping outlives the file.
        #expect(try !reader.nodes().isEmpty)
    }

    @Test("what is no segment is refused in words")
    func refusals() throws {
        #expect(throws: StatsReader.Failure.self) { try StatsReader(path: "/nowhere/at/all") }
        let path = Self.path()
        defer { unlink(path) }
        func write(_ bytes: [UInt8], size: Int) {
            unlink(path)
            let file = open(path, O_RDWR | O_CREAT, 0o600)
            Glibc.write(file, bytes, bytes.count)
            ftruncate(file, size)
            close(file)
        }
        write([1, 2, 3], size: 3)
        let short = #expect(throws: StatsReader.Failure.self) { try StatsReader(path: path) }
        #expect(short?.description == "cannot read the counters in \(path): it is not a stats segment")
        write([], size: 1 << 20)
        #expect(throws: StatsReader.Failure.self) { try StatsReader(path: path) }

        var header = StatsSegment.Header(
            magic: StatsSegment.magic, version: 99, entryCount: 1, epoch: 0, process: 1, reserved: 0, clocksPerSecond: 1
        )
        write(withUnsafeBytes(of: header) { [UInt8]($0) }, size: 1 << 20)
        let other = #expect(throws: StatsReader.Failure.self) { try StatsReader(path: path) }
        #expect(other?.description.contains("version 99") == true)

        // A directory that points outside the file, more entries than there can be, and an epoch that stays odd.
        header.version = StatsSegment.version
        header.entryCount = .max
        var entry = StatsSegment.Entry(
            name: InlineArray(repeating: 0x41), offset: 1 << 40, count: .max, recordSize: 8, reserved: 0)
        entry.offset = .max
        let padding = [UInt8](
            repeating: 0, count: StatsSegment.directoryOffset - MemoryLayout<StatsSegment.Header>.size)
        write(
            withUnsafeBytes(of: header) { [UInt8]($0) } + padding + withUnsafeBytes(of: entry) { [UInt8]($0) },
            size: 1 << 20)
        let reader = try StatsReader(path: path)
        #expect(try reader.blocks().allSatisfy { $0.name.isEmpty })
        #expect(try reader.nodes().isEmpty)
        header.epoch = 1
        header.process = 0x7fff_fff0
        write(withUnsafeBytes(of: header) { [UInt8]($0) }, size: 1 << 20)
        let stuck = try StatsReader(path: path)
        let error = #expect(throws: StatsReader.Failure.self) { try stuck.blocks() }
        #expect(error?.description.contains("died in the middle") == true)
    }
}

extension String {
    /// Files of /proc have no length to go by.
    fileprivate init(contentsOfProcessFile path: String) throws {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
        self = String(decoding: bytes, as: UTF8.self)
    }
}
