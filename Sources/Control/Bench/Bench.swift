// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Glibc
import Graph
import Logging

/// Measures this program on this machine.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure clocks per packet, node by node, and what else counts.",
        discussion: """
            Every run has a process of its own; the cases take turns. A run's figure is the median of many short windows.
            A case may also be the path of a graph file whose packets come from generators.
            'martlet bench --json > old.json' keeps a report for '--compare old.json'.
            """)

    @Argument(help: "The cases, or graph files; all cases if absent.")
    var cases: [String] = []

    @Flag(help: "List the cases and measure nothing.")
    var list = false

    @Option(help: "Runs of each case.")
    var runs = 5

    @Flag(help: "As one JSON document.")
    var json = false

    @Option(help: "A report to compare with, made with --json.", completion: .file(extensions: ["json"]))
    var compare: String?

    @Option(help: "Where to keep the captures and route lists that the cases need.", completion: .directory)
    var inputs: String = Bench.cache

    @Option(help: "Where the cases' graph files are; near the program if absent.", completion: .directory)
    var graphs: String?

    @Flag(help: .hidden)
    var oneRun = false

    @Option(help: .hidden)
    var forward: String?

    func validate() throws {
        guard (1...1000).contains(runs) else { throw ValidationError("--runs takes 1 to 1000") }
    }

    func run() async throws {
        if let forward {
            StandardErrorLog.bootstrap(level: .warning)
            return try await BenchForward.run(forward)
        }
        let cases = try BenchCase.named(cases)
        if oneRun { return await answer(cases) }
        if list { return show(BenchList(cases)) }
        let old = try compare.map(Bench.report)
        var report = try measure(cases)
        if let old, let compare { report.compare(with: old, file: compare) }
        show(report)
    }

    private func show(_ report: some Report) {
        Console.write(json ? JSONRenderer.render(report) : TextRenderer.render(report.body))
    }

    /// In the process of a run.
    private func answer(_ cases: [BenchCase]) async {
        StandardErrorLog.bootstrap(level: .warning)
        BenchChild.whenParentEnds { Glibc.exit(1) }
        do {
            for entry in cases {
                // The graphs name their inputs without a directory.
                if !entry.isFile { _ = FileManager.default.changeCurrentDirectoryPath(inputs) }
                BenchAnswer(run: try await entry.run(in: URL(fileURLWithPath: inputs))).write()
            }
        } catch {
            BenchAnswer(failure: Failure(error).text).write()
        }
    }

    // MARK: - All runs

    private func measure(_ cases: [BenchCase]) throws -> BenchReport {
        let directory = URL(fileURLWithPath: inputs)
        try prepare(cases, directory)
        let machine = BenchMachine(workerCore: BenchCores().worker)
        var results = [[BenchRun]](repeating: [], count: cases.count)
        // In turns, so that what disturbs the machine for a while disturbs all cases alike.
        for number in 1...runs {
            for (index, entry) in cases.enumerated() {
                progress("run \(number) of \(runs): \(entry.name)")
                results[index].append(try runInChild(entry, directory))
            }
        }
        progress("")
        return BenchReport(machine: machine, cases: zip(cases, results).map { BenchCaseReport($0, $1) })
    }

    /// Puts each case's inputs and graph file side by side, so that `martlet run` works there too.
    private func prepare(_ cases: [BenchCase], _ directory: URL) throws {
        let files = FileManager.default
        do {
            try files.createDirectory(at: directory, withIntermediateDirectories: true)
            for entry in cases where !entry.isFile {
                progress("inputs of \(entry.name)")
                for input in entry.inputs { try input.write(to: directory) }
                let graph =
                    if let text = entry.text {
                        Data(text().utf8)
                    } else {
                        try Data(contentsOf: BenchGraphs.file(entry.name, directory: graphs))
                    }
                try graph.write(to: entry.graph(in: directory), options: .atomic)
            }
        } catch let error as CommandError {
            throw error
        } catch {
            let reason = error.localizedDescription
            throw CommandError.failed("cannot make the inputs in '\(directory.path)': \(reason)", "choose --inputs DIR")
        }
    }

    private func runInChild(_ entry: BenchCase, _ directory: URL) throws -> BenchRun {
        let child = try BenchChild(["--one-run", entry.name, "--inputs", directory.path])
        let answer = child.readLine()
        child.finish()
        return try BenchAnswer.read(answer, of: entry.name)
    }

    /// A line that the next one replaces, for who waits at a terminal.
    private func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        Console.write("\r\u{1b}[K\(text)", toError: true)
    }

    // MARK: - Files

    /// $XDG_CACHE_HOME/martlet/bench, where that is ~/.cache if not set.
    private static var cache: String {
        let home = SocketPath.environment("HOME") ?? "/var/tmp"
        return (SocketPath.environment("XDG_CACHE_HOME") ?? home + "/.cache") + "/martlet/bench"
    }

    private static func report(_ path: String) throws(CommandError) -> BenchReport {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(BenchReport.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch is DecodingError {
            throw .failed("'\(path)' is not a report of this program", "make one with 'martlet bench --json > FILE'")
        } catch {
            throw .failed("cannot read '\(path)': \(error.localizedDescription)")
        }
    }
}

/// What `martlet bench --list` answers.
struct BenchList: Report {
    struct Entry: Encodable, Sendable {
        let name: String
        let summary: String
    }

    let cases: [Entry]

    init(_ cases: [BenchCase]) {
        self.cases = cases.map { Entry(name: $0.name, summary: $0.summary) }
    }

    var body: [TextBlock] { [.table(["Case", "What"], cases.map { [$0.name, $0.summary] })] }
}
