// SPDX-License-Identifier: Apache-2.0
import Graph

/// Counters of a graph's nodes over many short windows, and the medians of what they cost in each.
///
/// A window in which the kernel took the core away counts no more than any other, so that the figures hold on a machine
/// that does other things as well.
struct BenchWindows {
    /// Whether the inputs' clocks are in the sum: those of devices are, those of generators are not.
    let countsInputs: Bool
    private let names: [String]
    private var nodes: [Node]
    private var sums: [Double] = []
    private var rates: [Double] = []
    private var last: [NodeSample]

    /// - Parameter samples: The nodes' counters before the first window.
    init(_ samples: [NodeSample], countsInputs: Bool) {
        self.countsInputs = countsInputs
        names = samples.map(\.node)
        nodes = [Node](repeating: Node(), count: samples.count)
        last = samples
    }

    /// Ends a window that was `nanoseconds` long.
    mutating func add(_ samples: [NodeSample], nanoseconds: UInt64) {
        var (received, clocks) = (UInt64(0), UInt64(0))
        for (index, sample) in samples.enumerated() {
            let spent = sample.counters - last[index].counters
            nodes[index].add(spent)
            if sample.kind == .input { received &+= spent.packets }
            if sample.kind != .input || countsInputs { clocks &+= spent.clocks }
        }
        last = samples
        guard received > 0, nanoseconds > 0 else { return }
        sums.append(Double(clocks) / Double(received))
        rates.append(Double(received) / Double(nanoseconds) * 1e3)
    }

    /// Whether no packet was received.
    var isEmpty: Bool { sums.isEmpty }

    /// Millions of packets received per second.
    var rate: BenchFigure { BenchFigure("rate", rates.median, .megapackets) }

    /// All nodes' clocks per packet received.
    var sum: BenchFigure { BenchFigure("sum", sums.median, .clocksPerPacket) }

    /// Each node that the packets visit. One that sees less than a thousandth of them tells of something else.
    var figures: [BenchFigure] {
        let most = nodes.map(\.packets).max() ?? 0
        return zip(names, nodes).compactMap { $1.packets > most / 1000 ? $1.figure(named: $0) : nil }
    }

    private struct Node {
        private var clocksPerPacket: [Double] = []
        private var calls: UInt64 = 0
        private(set) var packets: UInt64 = 0

        mutating func add(_ spent: NodeCounters) {
            guard spent.packets > 0 else { return }
            clocksPerPacket.append(Double(spent.clocks) / Double(spent.packets))
            calls &+= spent.calls
            packets &+= spent.packets
        }

        func figure(named name: String) -> BenchFigure? {
            guard calls > 0 else { return nil }
            return BenchFigure(
                name, clocksPerPacket.median, .clocksPerPacket, packetsPerCall: Double(packets) / Double(calls))
        }
    }
}
