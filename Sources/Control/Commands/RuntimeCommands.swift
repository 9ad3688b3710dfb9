// SPDX-License-Identifier: Apache-2.0
import Graph

/// `show runtime`, `clear runtime`.
enum RuntimeCommands {
    @ControlPlane
    static func all(_ engine: Engine) -> [Command] {
        [
            Command(
                ["show", "runtime"], "Calls, vectors and clocks of each node on each worker",
                [
                    StandardCommands.workerOption(engine),
                    .flag("all", "Also nodes that were never called"),
                    .option("over", "Only what happens from now on in this time, such as 1s or 200ms"),
                ]
            ) { arguments in
                try await show(engine, arguments)
            },
            Command(["clear", "runtime"], "Start the nodes' and workers' counters anew") { _ in
                engine.clearRuntime()
                return Notice("runtime counters cleared")
            },
        ]
    }

    @ControlPlane
    private static func show(_ engine: Engine, _ arguments: CommandArguments) async throws -> RuntimeReport {
        let worker = try StandardCommands.worker(arguments, engine)
        let interval = try arguments.value("over", "a time", example: "1s") { Quantity.duration($0) }
        if let interval, !(.milliseconds(1) ... .seconds(600)).contains(interval) {
            throw CommandError.usage("'\(Quantity.text(interval))' does not do for 'over'", "give 1ms to 600s")
        }
        var sample = RuntimeSample(engine)
        if let interval {
            try await Task.sleep(for: interval)
            sample = RuntimeSample(engine).since(sample)
        }
        return RuntimeReport(sample, worker: worker, showsAll: arguments.has(flag: "all"))
    }
}

/// All counters of nodes and workers at one moment, or what they grew between two.
struct RuntimeSample {
    struct Worker {
        var number: Int
        var core: Int?
        var state: WorkerState
        var seconds: Double
        var load: Double
        var loops: UInt64
        var sleeps: UInt64
        var clocks: UInt64
        var busyClocks: UInt64
        var hardwareProblem: String?
    }

    var workers: [Worker]
    /// By worker, -1 standing for the control side, then as declared.
    var nodes: [Int: [(name: String, kind: NodeDescriptor.Kind, counters: NodeCounters)]]
    let countsHardware: Bool

    @ControlPlane
    init(_ engine: Engine) {
        workers = engine.workerSamples().map { sample in
            Worker(
                number: sample.worker, core: sample.core, state: WorkerState(sample, engine),
                seconds: Clock.seconds(sample.clocks), load: sample.load, loops: sample.counters.loops,
                sleeps: sample.counters.sleeps, clocks: sample.clocks, busyClocks: sample.counters.busyClocks,
                hardwareProblem: sample.hardwareProblem)
        }
        nodes = Dictionary(grouping: engine.nodeSamples(), by: \.worker).mapValues { samples in
            samples.map { ($0.node, $0.kind, $0.counters) }
        }
        countsHardware = engine.options.hardwareCounters
    }

    /// What was counted since `earlier`. Counters that were cleared meanwhile count from there.
    func since(_ earlier: RuntimeSample) -> RuntimeSample {
        var grown = self
        for index in workers.indices where index < earlier.workers.count {
            let (now, before) = (workers[index], earlier.workers[index])
            guard now.clocks >= before.clocks else { continue }
            grown.workers[index].clocks = now.clocks - before.clocks
            grown.workers[index].seconds = now.seconds - before.seconds
            grown.workers[index].loops = now.loops &- before.loops
            grown.workers[index].sleeps = now.sleeps &- before.sleeps
            let busy = Figure.ratio(now.busyClocks &- before.busyClocks, grown.workers[index].clocks)
            grown.workers[index].load = min(1, busy)
        }
        for (worker, list) in nodes {
            let before = earlier.nodes[worker] ?? []
            for index in list.indices where index < before.count {
                guard list[index].counters.calls >= before[index].counters.calls else { continue }
                grown.nodes[worker]?[index].counters = list[index].counters - before[index].counters
            }
        }
        return grown
    }
}

/// What a worker's thread is about.
enum WorkerState: String, Encodable {
    case polling, asleep, stopped

    @ControlPlane
    init(_ sample: WorkerSample, _ engine: Engine) {
        self = !engine.isRunning ? .stopped : sample.isAsleep ? .asleep : .polling
    }
}
