// SPDX-License-Identifier: Apache-2.0
import Graph

/// Steps a router's graph on the calling thread and takes its nodes' clocks window by window.
@ControlPlane
struct BenchMeasurement {
    /// Dispatch loops per window: some 100 microseconds at 256 packets a frame.
    var windowSteps = 32
    /// Windows before the first that counts.
    var warmUp = 300
    var windows = 3000

    /// - Throws: When the graph has nothing to measure.
    func measure(_ engine: Engine) throws(CommandError) -> BenchRun {
        guard engine.workers.count == 1 else {
            throw .failed("the graph has \(engine.workers.count) workers", "bench measures one: leave 'workers' out")
        }
        for _ in 0..<warmUp { step(engine) }
        engine.clearErrors()
        var measured = BenchWindows(engine.nodeSamples(), countsInputs: false)
        for _ in 0..<windows {
            let nanoseconds = step(engine)
            measured.add(engine.nodeSamples(), nanoseconds: nanoseconds)
        }
        guard !measured.isEmpty else {
            throw .failed("no packet came", "the graph needs an interface of type generator that goes on for ever")
        }
        let figures = measured.figures.ordered(along: engine) + [measured.sum, measured.rate]
        return BenchRun(figures: figures, notes: notes(engine))
    }

    /// One window. Returns its length in nanoseconds.
    @discardableResult
    private func step(_ engine: Engine) -> UInt64 {
        let begin = Clock.monotonicNanoseconds
        for _ in 0..<windowSteps { engine.step() }
        return Clock.monotonicNanoseconds &- begin
    }

    /// Packets that were dropped make the figures of the nodes behind too good.
    private func notes(_ engine: Engine) -> [String] {
        engine.dropSamples().map { "packets were dropped at \($0.node): \($0.text)" }
    }
}
