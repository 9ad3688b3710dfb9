// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Every file under `Tests/Cases`, each a test of its own.
@Suite("Cases")
struct CaseTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Cases")
    private static let isUpdating = ProcessInfo.processInfo.environment["MARTLET_UPDATE_CASES"] == "1"

    /// Paths below `Tests/Cases`.
    static let paths: [String] = {
        let found = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(".case") }.sorted()
    }()

    @Test func thereAreCases() {
        #expect(CaseTests.paths.count >= 40)
    }

    @Test(arguments: CaseTests.paths)
    func holds(path: String) async throws {
        let place = CaseTests.directory.appending(path: path)
        let file = try CaseTests.read(path, String(contentsOf: place, encoding: .utf8))
        let outcomes = try await CaseRun(file).run()
        let mismatches = zip(file.steps, outcomes).flatMap { CaseMismatch.all($0, $1) }
        if mismatches.isEmpty { return }
        if CaseTests.isUpdating {
            try file.text(updatedBy: outcomes).write(to: place, atomically: true, encoding: .utf8)
            return
        }
        let report = try await CaseTests.report(file)
        Issue.record("Tests/Cases/\(path): \(mismatches.map(\.description).joined(separator: "\n"))\n\(report)")
    }

    /// A case from text; graphs come from `Tests/Cases/graphs`.
    static func read(_ path: String, _ text: String) throws -> CaseFile {
        try CaseFile(path: path, text: text) { name in
            try String(contentsOf: directory.appending(path: "graphs/\(name).yaml"), encoding: .utf8)
        }
    }

    /// What an operator would see: the case runs again, with a trace.
    private static func report(_ file: CaseFile) async throws -> String {
        let run = try await CaseRun(file)
        _ = try await run.run(traced: true)
        return await run.show()
    }
}
