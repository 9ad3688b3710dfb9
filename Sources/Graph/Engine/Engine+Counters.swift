// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// What `clear` commands subtract: counters themselves only ever grow, so clearing disturbs no worker.
struct CounterBaseline {
    var nodes: [[NodeCounters]] = []
    var drops: [[UInt64]] = []
    var interfaces: [[InterfaceCounters]] = []
    var workers: [WorkerCounters] = []
    var clock: UInt64?
}

/// One node on one worker, as counted since the last `clear runtime`.
public struct NodeSample: Sendable {
    public let node: String
    public let kind: NodeDescriptor.Kind
    public let worker: Int
    public let counters: NodeCounters
}

/// A worker's account of its time since the last `clear runtime`.
public struct WorkerSample: Sendable {
    public let worker: Int
    public let core: Int?
    public let isAsleep: Bool
    /// Why there are no instruction and cache-miss counts, if they were asked for and are not there.
    public let hardwareProblem: String?
    public let counters: WorkerCounters
    /// Clocks since the worker started, or since the last clear.
    public let clocks: UInt64

    /// The share of time in loops that had something to do, 0 to 1.
    public var load: Double { clocks == 0 ? 0 : min(1, Double(counters.busyClocks) / Double(clocks)) }
}

/// How many packets were dropped at a node for a reason.
public struct DropSample: Sendable {
    public let node: String
    public let reason: String
    public let text: String
    public let worker: Int
    public let count: UInt64
}

extension Engine {
    /// All nodes on all workers, in the order of declaration; process nodes with worker -1.
    public func nodeSamples() -> [NodeSample] {
        var samples: [NodeSample] = []
        for worker in workers {
            for (index, node) in topology.nodes.enumerated() {
                let base = element(baseline.nodes, worker.number, index) ?? NodeCounters()
                samples.append(
                    NodeSample(
                        node: node.descriptor.name, kind: node.descriptor.kind, worker: worker.number,
                        counters: worker.nodeCounters[index] - base))
            }
        }
        for process in processes {
            var counters = NodeCounters()
            counters.calls = UInt64(process.calls)
            counters.packets = UInt64(process.packets)
            counters.suspends = UInt64(process.calls)
            samples.append(NodeSample(node: process.name, kind: .process, worker: -1, counters: counters))
        }
        return samples
    }

    /// Each worker's account of its time since `clearRuntime`.
    public func workerSamples() -> [WorkerSample] {
        let cores = placement()
        return workers.map { worker in
            var counters = worker.counters.pointee
            let started = max(counters.startClock, baseline.clock ?? 0)
            if worker.number < baseline.workers.count {
                let base = baseline.workers[worker.number]
                counters.loops &-= base.loops
                counters.busyLoops &-= base.busyLoops
                counters.busyClocks &-= base.busyClocks
                counters.sleeps &-= base.sleeps
                counters.handoffsIn &-= base.handoffsIn
                counters.handoffsOut &-= base.handoffsOut
            }
            let problem = worker.hardwareProblem.load(ordering: .relaxed)
            return WorkerSample(
                worker: worker.number, core: cores[worker.number],
                isAsleep: worker.isAsleep.load(ordering: .relaxed),
                hardwareProblem: problem == 0 ? nil : String(cString: strerror(problem)), counters: counters,
                clocks: started == 0 ? 0 : Clock.now &- started)
        }
    }

    /// Reasons that dropped at least one packet.
    public func dropSamples() -> [DropSample] {
        workers.flatMap { worker in
            topology.reasons.enumerated().compactMap { index, reason in
                let count = worker.dropCounters[index] &- (element(baseline.drops, worker.number, index) ?? 0)
                guard count > 0 else { return nil }
                return DropSample(
                    node: reason.node, reason: reason.name, text: reason.text, worker: worker.number, count: count)
            }
        }
    }

    /// An interface's counters, summed over the workers.
    public func counters(of interface: InterfaceIndex) -> InterfaceCounters {
        workers.reduce(InterfaceCounters()) { sum, worker in
            let base = element(baseline.interfaces, worker.number, Int(interface)) ?? InterfaceCounters()
            return sum + (worker.interfaceCounters[Int(interface)] - base)
        }
    }

    /// Counts nodes' and workers' work from now on. The counters in the stats segment go on.
    public func clearRuntime() {
        baseline.nodes = workers.map { worker in topology.nodes.indices.map { worker.nodeCounters[$0] } }
        baseline.workers = workers.map(\.counters.pointee)
        baseline.clock = Clock.now
        for index in processes.indices {
            processes[index].calls = 0
            processes[index].packets = 0
        }
    }

    /// Counts drops from now on.
    public func clearErrors() {
        baseline.drops = workers.map { worker in topology.reasons.indices.map { worker.dropCounters[$0] } }
    }

    /// Counts interfaces' packets from now on.
    public func clearInterfaces() {
        baseline.interfaces = workers.map { worker in (0...interfaces.count).map { worker.interfaceCounters[$0] } }
    }

    private func element<Value>(_ lists: [[Value]], _ first: Int, _ second: Int) -> Value? {
        first < lists.count && second < lists[first].count ? lists[first][second] : nil
    }
}
