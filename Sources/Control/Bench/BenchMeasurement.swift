// SPDX-License-Identifier: Apache-2.0
import Graph

/// Steps a router's graph on the calling thread and takes its nodes' clocks window by window.
///
/// A run's figure is the median over many short windows: a window in which the kernel took the core away does not
/// count more than any other, so that the figures hold on a machine that does other things as well.
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
        let first = engine.nodeSamples()
        var nodes = [NodeSeries](repeating: NodeSeries(), count: first.count)
        var (sums, rates) = ([Double](), [Double]())
        var before = first
        for _ in 0..<windows {
            let ticks = step(engine)
            let after = engine.nodeSamples()
            var (received, clocks) = (UInt64(0), UInt64(0))
            for index in after.indices {
                let spent = after[index].counters - before[index].counters
                nodes[index].add(spent)
                if after[index].kind == .input { received += spent.packets } else { clocks += spent.clocks }
            }
            before = after
            guard received > 0, ticks > 0 else { continue }
            sums.append(Double(clocks) / Double(received))
            rates.append(Double(received) / Clock.seconds(ticks) / 1e6)
        }
        guard !sums.isEmpty else {
            throw .failed("no packet came", "the graph needs an interface of type generator that goes on for ever")
        }
        var figures = zip(first, nodes).compactMap { sample, series in series.figure(named: sample.node) }
        figures.append(BenchFigure("sum", sums.median, .clocksPerPacket))
        figures.append(BenchFigure("rate", rates.median, .megapackets))
        return BenchRun(figures: figures, notes: notes(engine))
    }

    /// One window. Returns its length in ticks.
    @discardableResult
    private func step(_ engine: Engine) -> UInt64 {
        let begin = Clock.now
        for _ in 0..<windowSteps { engine.step() }
        return Clock.now &- begin
    }

    /// Packets that were dropped make the figures of the nodes behind them too good.
    private func notes(_ engine: Engine) -> [String] {
        engine.dropSamples().map { "packets were dropped at \($0.node): \($0.text)" }
    }

    /// One node's windows.
    private struct NodeSeries {
        private var clocksPerPacket: [Double] = []
        private var calls: UInt64 = 0
        private var packets: UInt64 = 0

        mutating func add(_ spent: NodeCounters) {
            guard spent.packets > 0 else { return }
            clocksPerPacket.append(Double(spent.clocks) / Double(spent.packets))
            calls += spent.calls
            packets += spent.packets
        }

        func figure(named name: String) -> BenchFigure? {
            guard calls > 0 else { return nil }
            return BenchFigure(
                name, clocksPerPacket.median, .clocksPerPacket, packetsPerCall: Double(packets) / Double(calls))
        }
    }
}
