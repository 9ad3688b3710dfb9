// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Synchronization

/// Another process of this program, for one run: each starts with fresh memory, and what the kernel holds for it goes
/// with it. It inherits the calling thread's network namespace and ends when its standard input does, so that none
/// outlives its parent.
final class BenchChild {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var buffer = Data()

    /// - Parameter arguments: What follows `martlet bench`.
    init(_ arguments: [String], directory: String? = nil) throws {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["bench"] + arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// The next line of its output without its end; nil when it has closed it.
    func readLine() -> String? {
        let end = UInt8(ascii: "\n")
        while !buffer.contains(end) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            buffer += more
        }
        let line = buffer.prefix { $0 != end }
        buffer = buffer.dropFirst(line.count + 1)
        return String(decoding: line, as: UTF8.self)
    }

    /// Ends it, and returns the rest of its output.
    @discardableResult
    func finish() -> Data {
        try? input.fileHandleForWriting.close()
        let rest = buffer + output.fileHandleForReading.readDataToEndOfFile()
        buffer = Data()
        process.waitUntilExit()
        return rest
    }

    /// In the child: calls `body` when the parent closes its end, or is no more.
    static func whenParentEnds(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread {
            while !FileHandle.standardInput.availableData.isEmpty {}
            body()
        }
        thread.start()
    }
}

/// How a run's process answers: one of the two.
struct BenchAnswer: Codable {
    var run: BenchRun?
    var failure: String?

    /// As one line.
    func write() {
        let data = (try? JSONEncoder().encode(self)) ?? Data()
        Console.write(String(decoding: data, as: UTF8.self) + "\n")
    }

    init(run: BenchRun) { self.run = run }
    init(failure: String) { self.failure = failure }

    /// What the process answered.
    static func read(_ data: Data, of name: String) throws(CommandError) -> BenchRun {
        let answer = try? JSONDecoder().decode(BenchAnswer.self, from: data)
        if let run = answer?.run { return run }
        throw .failed("case \(name): \(answer?.failure ?? "the process of the run ended without an answer")")
    }
}

/// A router in a process of its own, for the cases that look at it from outside.
enum BenchForward {
    static let ready = "ready"
    static let forwarding = "forwarding"

    /// Runs the file until the parent ends; tells on standard output when it is ready, when the first packet has been
    /// sent, and at the end what its nodes spent.
    static func run(_ file: String) async throws {
        let router = try await Router(file: file)
        try await router.start()
        Console.write("\(ready)\n")
        BenchChild.whenParentEnds { Task { await router.stop() } }
        let watch = Task {
            while await !hasSent(router) { try await Task.sleep(for: .milliseconds(1)) }
            Console.write("\(forwarding)\n")
        }
        try await router.run()
        watch.cancel()
        BenchAnswer(run: BenchRun(figures: await figures(router))).write()
    }

    @ControlPlane
    private static func hasSent(_ router: Router) -> Bool {
        router.engine.interfaces.contains { router.engine.counters(of: $0.index).txPackets > 0 }
    }

    @ControlPlane
    private static func figures(_ router: Router) -> [BenchFigure] {
        router.engine.nodeSamples().compactMap { sample in
            let counters = sample.counters
            guard counters.packets > 0, counters.calls > 0 else { return nil }
            return BenchFigure(
                sample.node, Double(counters.clocks) / Double(counters.packets), .clocksPerPacket,
                packetsPerCall: Double(counters.packets) / Double(counters.calls))
        }
    }
}
