// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import IP
import Wire

/// What came of one step.
struct StepOutcome: Sendable {
    /// Frames by port, in the order sent.
    var sent: [String: [[UInt8]]] = [:]
    /// By "node reason", those that are not zero.
    var drops: [String: UInt64] = [:]
    /// Packets that came to each node between input and output, those that are not zero.
    var nodes: [String: UInt64] = [:]
    /// Interface counters that don't agree with the packets, in words.
    var miscounts: [String] = []
    /// Buffers that are not back in the pool; less than nothing when one was freed twice.
    var buffersInUse = 0
}

/// A router that goes through a case, without threads.
@ControlPlane
final class CaseRun {
    /// Time enough for whatever `wait` waits for.
    private static let patience = Clock.ticks(milliseconds: 10_000)

    private let file: CaseFile
    private let router: Router
    private let ports: [TestPort]
    private var engine: Engine { router.engine }

    /// - Parameter modules: Beside the test ports: for tests of the cases' own machinery.
    init(_ file: CaseFile, modules: [any Module.Type] = []) throws {
        self.file = file
        router = try Router(file.router, modules: [TestPorts.self] + modules)
        router.useAddressesAtOnce()
        try router.prepare()
        ports = router.registry.module(TestPorts.self)?.ports ?? []
    }

    /// Runs all steps.
    /// - Parameter isTraced: Packets leave a trace, which `show` prints afterwards.
    func run(traced isTraced: Bool = false) async throws -> [StepOutcome] {
        if isTraced {
            for port in ports { try await engine.addTrace(at: "\(port.name)-rx", count: 256, filter: nil) }
        }
        defer { for module in router.registry.modules { module.stop() } }
        if case .start = file.steps[0].stimulus {
        } else {
            _ = run(CaseFile.Step(stimulus: .start, line: 0, expectationLines: 0..<0))
        }
        return try file.steps.map { step in
            try give(step)
            return run(step)
        }
    }

    /// What an operator would look at, as text.
    func show() async -> String {
        let service = CommandService(router.commands)
        var text = ""
        for words in [["show", "trace"], ["show", "errors"], ["show", "runtime"]] {
            text += "> \(words.joined(separator: " "))\n" + (await service.execute(words).text)
        }
        return text
    }

    private func give(_ step: CaseFile.Step) throws(CaseError) {
        switch step.stimulus {
        case .receive(let inputs):
            for (name, frames) in inputs { try port(name, step).receive(frames) }
        case .link(let name, let event):
            guard let interface = engine.interface(named: try port(name, step).name) else { return }
            switch event {
            case .down, .up: interface.isLinkUp = event == .up
            case .lost: engine.linkAlarm.sound(interface.index, isLost: true, at: Clock.now)
            }
        case .start, .nothing: break
        }
    }

    private func port(_ name: String, _ step: CaseFile.Step) throws(CaseError) -> TestPort {
        guard let port = ports.first(where: { $0.name == name }) else {
            throw CaseError(step.line, "there is no port '\(name)' of type test")
        }
        return port
    }

    private func run(_ step: CaseFile.Step) -> StepOutcome {
        let before = Snapshot(engine)
        var sent: [String: [[UInt8]]] = [:]
        func settle() {
            while engine.step() {}
            for port in ports { sent[port.name, default: []] += port.takeSent() }
        }
        settle()
        if step.waits {
            let wanted = step.expectation.sent.mapValues(\.count)
            let end = Clock.now &+ CaseRun.patience
            while Clock.now < end, !wanted.allSatisfy({ sent[$0.key]?.count ?? 0 >= $0.value }) { settle() }
        }
        return outcome(step, sent, before, Snapshot(engine))
    }

    private func outcome(
        _ step: CaseFile.Step, _ sent: [String: [[UInt8]]], _ before: Snapshot, _ after: Snapshot
    ) -> StepOutcome {
        var outcome = StepOutcome()
        outcome.sent = sent.filter { !$0.value.isEmpty }
        outcome.drops = Snapshot.difference(after.drops, before.drops)
        outcome.nodes = Snapshot.difference(after.nodes, before.nodes)
        // Fragments may wait for others.
        let waiting = router.registry.module(IPModule.self)?.buffersInReassembly ?? 0
        outcome.buffersInUse = engine.buffersInUse - waiting
        for interface in engine.interfaces where interface.kind == "test" {
            guard let earlier = before.interfaces[interface.index] else { continue }
            let count = engine.counters(of: interface.index) - earlier
            outcome.miscounts += miscounts(interface.name, count, step, sent[interface.name] ?? [])
        }
        return outcome
    }

    private func miscounts(
        _ name: String, _ count: InterfaceCounters, _ step: CaseFile.Step, _ sent: [[UInt8]]
    ) -> [String] {
        var received: [[UInt8]] = []
        if case .receive(let inputs) = step.stimulus { received = inputs.filter { $0.port == name }.flatMap(\.frames) }
        func bytes(_ frames: [[UInt8]]) -> UInt64 { UInt64(frames.reduce(0) { $0 + $1.count }) }
        let pairs: [(String, UInt64, UInt64)] = [
            ("rx packets", count.rxPackets, UInt64(received.count)), ("rx bytes", count.rxBytes, bytes(received)),
            ("tx packets", count.txPackets, UInt64(sent.count)), ("tx bytes", count.txBytes, bytes(sent)),
            ("rx errors", count.rxErrors, 0), ("tx errors", count.txErrors, 0),
        ]
        return pairs.filter { $0.1 != $0.2 }.map { "\(name) counts \($0.1) \($0.0), \($0.2) are right" }
    }
}

/// Counters at one moment.
private struct Snapshot {
    var drops: [String: UInt64] = [:]
    var nodes: [String: UInt64] = [:]
    var interfaces: [InterfaceIndex: InterfaceCounters] = [:]

    @ControlPlane
    init(_ engine: Engine) {
        for sample in engine.dropSamples() { drops["\(sample.node) \(sample.reason)", default: 0] += sample.count }
        for sample in engine.nodeSamples() where sample.kind == .internal {
            nodes[sample.node, default: 0] += sample.counters.packets
        }
        for interface in engine.interfaces { interfaces[interface.index] = engine.counters(of: interface.index) }
    }

    static func difference(_ after: [String: UInt64], _ before: [String: UInt64]) -> [String: UInt64] {
        after.merging(before) { $0 &- $1 }.filter { $0.value != 0 }
    }
}

extension Router {
    /// Own addresses are used at once and announced once, unless the file says otherwise: nothing comes of itself a while
    /// later, in the midst of a case.
    func useAddressesAtOnce() {
        guard let neighbors = registry.module(IPModule.self)?.neighbors else { return }
        neighbors.policy.ip6Probes = 0
        neighbors.policy.announcements = 1
    }
}
