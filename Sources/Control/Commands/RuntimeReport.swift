// SPDX-License-Identifier: Apache-2.0
import Graph

/// `show runtime`, in VPP's columns.
struct RuntimeReport: Report {
    struct Node: Encodable, Sendable {
        let name: String
        let state: String
        let calls: UInt64
        let vectors: UInt64
        let suspends: UInt64
        /// Per vector; per call for a node that had none.
        let clocks: Double
        let vectorsPerCall: Double
        /// Of the clocks of all the worker's nodes, 0 to 1.
        let clockShare: Double
        let instructionsPerVector: Double?
        let cacheMissesPerVector: Double?
    }

    struct Thread: Encodable, Sendable {
        let name: String
        /// Nil for the control side.
        let worker: Int?
        let core: Int?
        let state: String
        let seconds: Double
        /// The share of time in loops that had something to do, 0 to 1.
        let load: Double
        let loopsPerSecond: Double
        let vectorsInPerSecond: Double
        let vectorsOutPerSecond: Double
        let dropsPerSecond: Double
        let nodes: [Node]
    }

    /// The control side, which runs the process nodes, and the workers.
    let threads: [Thread]
    /// "off", "on", or why the machine has none.
    let hardwareCounters: String

    init(_ sample: RuntimeSample, worker: Int?, showsAll: Bool) {
        var threads: [Thread] = []
        let processes = sample.nodes[-1] ?? []
        let control = processes.filter { showsAll || $0.counters.calls > 0 }
        if worker == nil, !control.isEmpty {
            threads.append(
                Thread(
                    name: "main", worker: nil, core: nil, state: "event wait",
                    seconds: sample.workers.first?.seconds ?? 0,
                    load: 0, loopsPerSecond: 0, vectorsInPerSecond: 0, vectorsOutPerSecond: 0, dropsPerSecond: 0,
                    nodes: RuntimeReport.nodes(control, state: .asleep, countsHardware: false)))
        }
        for entry in sample.workers where worker == nil || worker == entry.number {
            threads.append(RuntimeReport.thread(entry, sample, showsAll: showsAll))
        }
        self.threads = threads
        let problem = sample.workers.lazy.compactMap(\.hardwareProblem).first
        hardwareCounters = sample.countsHardware ? problem.map { "not there: \($0)" } ?? "on" : "off"
    }

    private static func thread(_ worker: RuntimeSample.Worker, _ sample: RuntimeSample, showsAll: Bool) -> Thread {
        let nodes = sample.nodes[worker.number] ?? []
        func rate(_ isCounted: (String, NodeDescriptor.Kind) -> Bool) -> Double {
            let count = nodes.reduce(0) { isCounted($1.name, $1.kind) ? $0 + $1.counters.packets : $0 }
            return Figure.rate(count, worker.seconds)
        }
        let shown = nodes.filter { showsAll || $0.counters.calls > 0 || $0.counters.suspends > 0 }
        return Thread(
            name: "worker \(worker.number)", worker: worker.number, core: worker.core, state: worker.state.rawValue,
            seconds: worker.seconds, load: worker.load, loopsPerSecond: Figure.rate(worker.loops, worker.seconds),
            vectorsInPerSecond: rate { $1 == .input }, vectorsOutPerSecond: rate { $1 == .output },
            dropsPerSecond: rate { name, _ in name == DropNode.name },
            nodes: RuntimeReport.nodes(
                shown, state: worker.state, countsHardware: sample.countsHardware && worker.hardwareProblem == nil))
    }

    private static func nodes(
        _ nodes: [(name: String, kind: NodeDescriptor.Kind, counters: NodeCounters)], state: WorkerState,
        countsHardware: Bool
    ) -> [Node] {
        let allClocks = nodes.reduce(0) { $0 &+ $1.counters.clocks }
        return nodes.sorted { $0.name < $1.name }.map { name, kind, counters in
            let units = counters.packets > 0 ? counters.packets : counters.calls
            return Node(
                name: name, state: RuntimeReport.state(kind, state), calls: counters.calls, vectors: counters.packets,
                suspends: counters.suspends, clocks: Figure.ratio(counters.clocks, units),
                vectorsPerCall: Figure.ratio(counters.packets, counters.calls),
                clockShare: Figure.ratio(counters.clocks, allClocks),
                instructionsPerVector: countsHardware ? Figure.ratio(counters.instructions, units) : nil,
                cacheMissesPerVector: countsHardware ? Figure.ratio(counters.cacheMisses, units) : nil)
        }
    }

    /// VPP's words.
    private static func state(_ kind: NodeDescriptor.Kind, _ worker: WorkerState) -> String {
        switch kind {
        case .input: worker == .polling ? "polling" : worker == .asleep ? "interrupt wait" : "stopped"
        case .process: "event wait"
        case .internal, .output: "active"
        }
    }

    // MARK: - Text

    var body: [TextBlock] {
        var blocks: [TextBlock] = []
        for thread in threads {
            blocks.append(.heading(title(thread)))
            if thread.worker != nil { blocks.append(.lines(header(thread))) }
            blocks.append(table(thread.nodes))
        }
        if hardwareCounters.hasPrefix("not there") {
            let why = "many virtual machines have none, and kernel.perf_event_paranoid above 2 forbids them"
            blocks.append(.lines(["", "instructions and cache misses are \(hardwareCounters); \(why)"]))
        }
        return blocks
    }

    private func title(_ thread: Thread) -> String {
        guard thread.worker != nil else { return "Thread main" }
        let core = thread.core.map { ", core \($0)" } ?? ""
        return "Thread \(thread.name)\(core), \(thread.state)"
    }

    private func header(_ thread: Thread) -> [String] {
        [
            "Time \(thread.seconds.fixed(1)) s, load \(Figure.percent(thread.load)), "
                + "loops/s \(thread.loopsPerSecond.fixed(0))",
            "  vectors/s in \(thread.vectorsInPerSecond.fixed(0)), out \(thread.vectorsOutPerSecond.fixed(0)), "
                + "drop \(thread.dropsPerSecond.fixed(0))",
        ]
    }

    private func table(_ nodes: [Node]) -> TextBlock {
        var columns: [TextBlock.Column] = [
            "Name", "State", .right("Calls"), .right("Vectors"), .right("Suspends"), .right("Clocks"),
            .right("Vectors/Call"), .right("Share"),
        ]
        let countsHardware = nodes.contains { $0.instructionsPerVector != nil }
        if countsHardware { columns += [.right("Instructions"), .right("Cache misses")] }
        let rows = nodes.map { node in
            var row = [
                node.name, node.state, "\(node.calls)", "\(node.vectors)", "\(node.suspends)", node.clocks.fixed(2),
                node.vectorsPerCall.fixed(2), Figure.percent(node.clockShare),
            ]
            if countsHardware {
                row += [node.instructionsPerVector, node.cacheMissesPerVector].map { $0?.fixed(2) ?? "" }
            }
            return row
        }
        return .table(columns, rows)
    }
}
