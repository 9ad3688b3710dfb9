// SPDX-License-Identifier: Apache-2.0
import Graph

/// A router in a process of its own, for the cases that look at it from outside.
@ControlPlane
enum BenchForward {
    nonisolated static let ready = "ready"
    nonisolated static let forwarding = "forwarding"

    /// Runs the file until the parent ends; tells on standard output when it is ready, when the first packet has been
    /// sent, and at the end what its nodes spent.
    static func run(_ file: String) async throws {
        let router = try Router(file: file)
        try await router.start()
        Console.write("\(ready)\n")
        BenchChild.whenParentEnds { Task { await router.stop() } }
        let watch = Task { try await measure(router.engine) }
        try await router.run()
        watch.cancel()
        let figures = try await watch.value
        BenchAnswer(run: BenchRun(figures: figures)).write()
    }

    /// Looks at the workers' counters, from the first packet sent until it is cancelled.
    private static func measure(_ engine: Engine) async throws -> [BenchFigure] {
        func hasSent() -> Bool { engine.interfaces.contains { engine.counters(of: $0.index).txPackets > 0 } }
        while !hasSent() { guard await pause() else { return [] } }
        Console.write("\(forwarding)\n")
        var measured = BenchWindows(engine.nodeSamples(), countsInputs: true)
        var begin = Clock.monotonicNanoseconds
        while await pause() {
            let now = Clock.monotonicNanoseconds
            measured.add(engine.nodeSamples(), nanoseconds: now &- begin)
            begin = now
        }
        if measured.isEmpty { return [] }
        return measured.figures.ordered(along: engine) + [measured.sum]
    }

    /// A millisecond, or false when it is cancelled.
    private static func pause() async -> Bool {
        do { try await Task.sleep(for: .milliseconds(1)) } catch { return false }
        return true
    }
}
