// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Interfaces

/// Forwarding end to end between two pairs of virtual Ethernet devices, in a network namespace of the process's own,
/// which is gone when the process is:
///
///     bench0 (sends) --- bench1 | router | bench2 --- bench3 (counts)
///
/// It is set against something else that is measured in the same run. Needs root.
struct BenchXDP {
    let graph: String
    let frame: BenchFrame
    let rival: Rival
    /// Pairs of measurements, and how long each of them is.
    var rounds = 4
    var seconds = 0.5

    enum Rival {
        /// An empty forwarding loop in the router's place: the floor.
        case emptyLoop
        /// The same router with other frames.
        case frame(BenchFrame)

        var name: String {
            switch self {
            case .emptyLoop: "empty loop"
            case .frame: "untagged"
            }
        }
    }

    /// IPv4 without tags, beside the empty loop.
    init(graph: String) {
        (self.graph, frame, rival) = (graph, BenchFrame(), .emptyLoop)
    }

    /// IPv4 from a VLAN, beside what has no tags.
    init(vlan: UInt16, graph: String) {
        let tagged = BenchFrame(sourceAddress: 0x0a00_0201, destinationAddress: 0x0a00_0302, vlan: vlan, length: 64)
        (self.graph, frame, rival) = (graph, tagged, .frame(BenchFrame()))
    }

    func run() throws -> BenchRun {
        let cores = BenchCores()
        guard cores.worker != cores.sender else {
            throw CommandError.failed("there is one core only", "the sender needs another than the router")
        }
        guard geteuid() == 0 else {
            throw CommandError.failed("network namespaces and XDP need root", "run it with sudo")
        }
        // A, B, B, A: what drifts meanwhile takes the same from both.
        var (other, routed) = (Outcome(), Outcome())
        for number in 0..<rounds {
            if number % 2 == 0 { try measureRival(cores, &other) }
            try measureRouter(cores, frame, &routed)
            if number % 2 == 1 { try measureRival(cores, &other) }
        }
        return BenchRun(
            figures: routed.nodes + [
                BenchFigure("rate", routed.rate, .megapackets),
                BenchFigure(rival.name, other.rate, .megapackets),
                BenchFigure("ratio", routed.rate / other.rate, .times),
            ],
            notes: [
                "offered: more than either can take, \(frame.length)-byte frames of \(frame.flows) flows from core \(cores.sender); "
                    + "forwarded on core \(cores.worker); rings of 4,096, copy mode"
            ] + (routed.reordered > 0 ? ["packets of one flow were reordered"] : []))
    }

    /// What the measurements of one kind gave.
    private struct Outcome {
        var rates: [Double] = []
        var reordered: UInt64 = 0
        /// Of the last router.
        var nodes: [BenchFigure] = []

        var rate: Double { rates.median }

        mutating func add(_ outcome: XDPBench.Outcome) {
            rates.append(outcome.rate)
            reordered += outcome.reordered
        }
    }

    private func measureRival(_ cores: BenchCores, _ outcome: inout Outcome) throws {
        switch rival {
        case .emptyLoop:
            outcome.add(try XDPBench.floor(seconds: seconds, cores: (loop: cores.worker, sender: cores.sender)))
        case .frame(let frame): try measureRouter(cores, frame, &outcome)
        }
    }

    private func measureRouter(_ cores: BenchCores, _ frame: BenchFrame, _ outcome: inout Outcome) throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("bench0", "bench1")
            _ = try VethPair("bench3", "bench2")
            let child = try BenchChild(["--forward", graph])
            defer { child.finish() }
            guard child.readLine() == BenchForward.ready else {
                throw CommandError.failed("the router between the devices did not start")
            }
            outcome.add(
                try XDPBench.measure(
                    from: "bench0", to: "bench3", frame: frame, seconds: seconds, core: cores.sender))
            outcome.nodes = try BenchAnswer.read(child.finish(), of: "af-xdp").figures
        }
    }
}
