// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph

/// Where and with what was measured: figures of different machines do not compare.
public struct BenchMachine: Codable, Sendable, Equatable {
    public let processor: String
    public let cores: Int
    /// Ticks of the time stamp counter per second, in millions: what "clocks" counts.
    public let clockMegahertz: Double
    public let kernel: String
    public let compiler: String
    /// False for a build without optimization, whose figures say nothing.
    public let isOptimized: Bool
    /// Of the source tree around the executable; nil when there is none.
    public let commit: String?
    public let loadAverage: Double
    /// Where the worker ran; nil when it was not pinned.
    public let workerCore: Int?

    /// Asks the machine.
    init(workerCore: Int?) {
        processor = BenchMachine.processorName()
        cores = ProcessInfo.processInfo.activeProcessorCount
        clockMegahertz = (Clock.frequency / 1e5).rounded() / 10
        kernel = BenchMachine.text(of: "/proc/sys/kernel/osrelease") ?? "unknown"
        compiler = BenchMachine.compilerName
        var isDebug = false
        assert(
            {
                isDebug = true
                return true
            }())
        isOptimized = !isDebug
        commit = BenchMachine.commit()
        var load = [Double](repeating: 0, count: 1)
        getloadavg(&load, 1)
        loadAverage = load[0]
        self.workerCore = workerCore
    }

    var body: [TextBlock] {
        let core = workerCore.map { "core \($0) of \(cores)" } ?? "unpinned, \(cores) cores"
        var blocks: [TextBlock] = [
            .facts([
                .init("Processor", "\(processor), clock \(clockMegahertz.fixed(0)) MHz"),
                .init("Worker", core), .init("Load average", loadAverage.fixed(2)), .init("Kernel", "Linux \(kernel)"),
                .init("Program", "martlet \(Version.current), commit \(commit ?? "unknown"), \(compiler)"),
            ])
        ]
        if !isOptimized {
            blocks.append(.line("Built without optimization: the figures say nothing. Build with -c release."))
        }
        return blocks
    }

    // MARK: - Asking

    private static var compilerName: String {
        #if compiler(>=6.4)
            "Swift 6.4 or later"
        #elseif compiler(>=6.3)
            "Swift 6.3"
        #else
            "Swift 6.2"
        #endif
    }

    private static func text(of path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func processorName() -> String {
        let lines = text(of: "/proc/cpuinfo")?.split(separator: "\n") ?? []
        func value(_ key: String) -> String? {
            lines.first { $0.hasPrefix(key) }?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
        }
        guard let name = value("model name") else { return "unknown" }
        // Virtual machines hide the model behind a family name.
        guard let family = value("cpu family"), let model = value("model\t") else { return name }
        return "\(name) (family \(family), model \(model))"
    }

    /// Of the tree in which the executable was built, marked when the tree has changed since.
    private static func commit() -> String? {
        let link = "/proc/self/exe"
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else { return nil }
        let directory = URL(fileURLWithPath: program).deletingLastPathComponent().path
        let git = Process()
        git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        git.arguments = ["git", "-C", directory, "describe", "--always", "--dirty"]
        let output = Pipe()
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        do { try git.run() } catch { return nil }
        let name = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        git.waitUntilExit()
        let trimmed = name.trimmingCharacters(in: .whitespacesAndNewlines)
        return git.terminationStatus == 0 && !trimmed.isEmpty ? trimmed : nil
    }
}
