// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing

@Suite("Checking a file")
struct CheckTests {
    /// A router may be running with the very file that is checked: its counters stay where other processes find them.
    @Test func touchesNoStatsSegment() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-check-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let segment = directory.appending(path: "stats")
        try Data("counters".utf8).write(to: segment)
        let file = directory.appending(path: "router.yaml")
        try Data("interfaces: {wan0: {type: 'null'}}\nstats: {path: \(segment.path)}\n".utf8).write(to: file)

        #expect(await Router.check(file: file.path).map(\.description) == [])
        #expect(try String(contentsOf: segment, encoding: .utf8) == "counters")
    }
}
