// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Interfaces

/// Forwarding end to end between two pairs of virtual Ethernet devices, in a network namespace of the process's own,
/// which is gone when the process is:
///
///     bench0 (sends) --- bench1 | router | bench2 --- bench3 (counts)
///
/// The floor is the same with an empty forwarding loop in the router's place, measured in the same run. Needs root.
struct BenchXDP {
    let graph: String
    var seconds = 1.0

    func run() throws -> BenchRun {
        let cores = BenchCores()
        guard cores.worker != cores.sender else {
            throw CommandError.failed("there is one core only", "the sender needs another than the router")
        }
        guard geteuid() == 0 else {
            throw CommandError.failed("network namespaces and XDP need root", "run it with sudo")
        }
        // A, B, B, A: what drifts meanwhile takes the same from both.
        var floor = try measureFloor(cores)
        var routed = try measureRouter(cores)
        routed.add(try measureRouter(cores))
        floor.add(try measureFloor(cores))
        let nodes = routed.nodes
        let sum = nodes.reduce(0) { $0 + $1.value }
        return BenchRun(
            figures: nodes + [
                BenchFigure("sum", sum, .clocksPerPacket), BenchFigure("rate", routed.rate, .megapackets),
                BenchFigure("empty loop", floor.rate, .megapackets),
                BenchFigure("ratio", routed.rate / floor.rate, .times),
            ],
            notes: [
                "offered: more than either can take, 60-byte frames of 256 flows from core \(cores.sender); "
                    + "forwarded on core \(cores.worker); rings of 4,096, copy mode"
            ] + (routed.reordered > 0 ? ["packets of one flow were reordered"] : []))
    }

    /// What runs of one kind gave.
    private struct Outcome {
        var rates: [Double]
        var reordered: UInt64
        var nodes: [BenchFigure] = []

        var rate: Double { rates.reduce(0, +) / Double(rates.count) }

        mutating func add(_ other: Outcome) {
            rates += other.rates
            reordered += other.reordered
        }
    }

    private func measureFloor(_ cores: BenchCores) throws -> Outcome {
        let outcome = try XDPBench.floor(seconds: seconds, cores: (loop: cores.worker, sender: cores.sender))
        return Outcome(rates: [outcome.rate], reordered: outcome.reordered)
    }

    private func measureRouter(_ cores: BenchCores) throws -> Outcome {
        try NetworkNamespace.withNew {
            _ = try VethPair("bench0", "bench1")
            _ = try VethPair("bench3", "bench2")
            let child = try BenchChild(["--forward", graph])
            defer { child.finish() }
            guard child.readLine() == BenchForward.ready else {
                throw CommandError.failed("the router between the devices did not start")
            }
            let outcome = try XDPBench.measure(
                from: "bench0", to: "bench3", frame: try frame(), seconds: seconds, core: cores.sender)
            let lines = String(decoding: child.finish(), as: UTF8.self).split(separator: "\n")
            let run = try BenchAnswer.read(Data((lines.last ?? "").utf8), of: "af-xdp")
            return Outcome(rates: [outcome.rate], reordered: outcome.reordered, nodes: run.figures)
        }
    }

    /// A frame to the router's own address, for the network behind it.
    private func frame() throws -> BenchFrame {
        BenchFrame()
    }
}
