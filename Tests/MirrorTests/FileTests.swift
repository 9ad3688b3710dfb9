// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Interfaces
import Testing
import Wire

@testable import Mirror

/// Sessions whose copies go to pcapng files, read back by libpcap.
@Suite @ControlPlane struct FileTests {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "martlet-mirror-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { directory.appending(path: name).path }

    private func records(_ name: String) throws -> [(bytes: [UInt8], wireLength: Int, nanoseconds: UInt64)] {
        let reader = try CaptureReader(path: path(name))
        var records: [(bytes: [UInt8], wireLength: Int, nanoseconds: UInt64)] = []
        while let record = try reader.next() {
            records.append(([UInt8](record.bytes), record.wireLength, record.nanoseconds))
        }
        return records
    }

    @Test func `copies are in the file with their lengths and times`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let lab = try MirrorLab(
            "monitor-sessions: {lab: {destination: {file: '\(path("x.pcapng"))'}, sources: [a, {interface: b, first: 20}]}}"
        )
        let before = UInt64(Date().timeIntervalSince1970 * 1e9) - 1_000_000_000
        lab.send([MirrorLab.frame(1), MirrorLab.frame(2, length: 61)], by: "a")
        #expect(lab.sent("b").count == 2)
        for module in lab.router.registry.modules { module.stop() }
        let records = try records("x.pcapng")
        #expect(
            records.map(\.bytes) == [
                MirrorLab.frame(1), MirrorLab.frame(2, length: 61), Array(MirrorLab.frame(1).prefix(20)),
                Array(MirrorLab.frame(2).prefix(20)),
            ])
        #expect(records.map(\.wireLength) == [60, 61, 60, 61])
        #expect(records.allSatisfy { $0.nanoseconds > before && $0.nanoseconds < before + 60_000_000_000 })
    }

    @Test func `a full file is the end, or one of several`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        for files in [1, 3] {
            let name = "y\(files).pcapng"
            let lab = try MirrorLab(
                """
                monitor-sessions:
                  lab:
                    destination: {file: '\(path(name))', limit: 64KiB, files: \(files)}
                    sources: [{interface: a, direction: rx}]
                """)
            for _ in 0..<5 { lab.send((0..<200).map { MirrorLab.frame(UInt8($0), length: 200) }, by: "a") }
            let writer = try #require(lab.sessions.writer(of: "lab"))
            writer.drain()
            #expect(writer.problem == (files == 1 ? "the file '\(path(name))' is full" : nil))
            for module in lab.router.registry.modules { module.stop() }
            for file in [name, "\(name).1", "\(name).2", "\(name).3"] {
                let isThere = FileManager.default.fileExists(atPath: path(file))
                #expect(isThere == (file == name || (files == 3 && !file.hasSuffix(".3"))), "\(file)")
                guard isThere else { continue }
                let size = try FileManager.default.attributesOfItem(atPath: path(file))[.size] as? Int ?? .max
                #expect(size <= 65_536)
                #expect(try records(file).count > 100)
            }
        }
    }

    @Test func `what a file does not take is counted as lost`() throws {
        let lab = try MirrorLab(
            "monitor-sessions: {lab: {destination: {file: /nowhere/x.pcapng}, sources: [{interface: a, direction: rx}]}}"
        )
        lab.send((0..<5).map { MirrorLab.frame($0) }, by: "a")
        #expect(lab.sent("b").count == 5)
        let counts = try #require(lab.sessions.report(.counters, only: nil).sessions[0].sources[0].rx)
        #expect(counts.packets == 0)
        #expect(counts.lost["not-written"] == 5)
    }

    @Test func `a worker does not wait for room in its ring`() throws {
        let files = CopyFiles(workerCount: 2)
        let rings = files.open(7)
        let note = CopyNote(session: 7, source: 1, direction: .rx, originalLength: 1500, isTruncated: false, clock: 0)
        var memory = [UInt8](repeating: 0x5a, count: 1500)
        memory.withUnsafeMutableBytes { buffer in
            let frame = Bytes(start: buffer.baseAddress!, count: buffer.count)
            let seats = [files.seat(0), files.seat(1)]
            var sent = 0
            while sent < 10_000, seats[0].write(frame, note) { sent += 1 }
            #expect((2000..<10_000).contains(sent))
            #expect(seats[1].write(frame, note), "the other worker has a ring of its own")
            var received = 0
            while rings[0].receive({ message in
                #expect(message.count == 1516)
                received += 1
            }) {}
            #expect(received == sent)
            #expect(seats[0].write(frame, note))
            files.close(7)
            #expect(!seats[0].write(frame, note))
        }
    }
}
