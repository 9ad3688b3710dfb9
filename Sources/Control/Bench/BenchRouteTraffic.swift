// SPDX-License-Identifier: Apache-2.0
import Graph

/// Loads a full table into a router that forwards, and changes its routes: default routes hold throughout, so that each
/// packet has a way at any moment, and none may be lost.
@ControlPlane
struct BenchRouteTraffic {
    private let router: Router
    private let meter: GapMeterModule

    /// What is loaded, with the next hops that the numbers in it mean.
    nonisolated static let files = [
        ("ip4-1m.routes", "192.168.17.0-192.168.17.255"), ("ip6-bgp.routes", "fd17::1-fd17::100"),
    ]
    nonisolated static let inputs = ["gen0", "gen1"]
    nonisolated static let output = "out0"
    /// Of traffic without a change, to compare with.
    nonisolated static let calm = Duration.seconds(1)

    static func run(_ path: String) async throws -> BenchRun {
        try await GapMeterModule.run(path) {
            try BenchRouteTraffic($0)
        } measure: {
            try await $0.measure()
        }
    }

    private init(_ router: Router) throws {
        guard let meter = router.registry.module(GapMeterModule.self),
            let out = router.engine.interface(named: BenchRouteTraffic.output)
        else { throw CommandError.failed("the graph has no interface \(BenchRouteTraffic.output)") }
        self.router = router
        self.meter = meter
        try meter.watch(out)
    }

    private var engine: Engine { router.engine }

    private func measure() async throws -> BenchRun {
        try await Task.sleep(for: .milliseconds(100))
        meter.takeLongestGap()
        try await Task.sleep(for: BenchRouteTraffic.calm)
        let before = meter.takeLongestGap()
        let begin = Clock.monotonicNanoseconds
        for (file, hops) in BenchRouteTraffic.files { try await load(file, hops) }
        let seconds = BenchCase.seconds(since: begin)
        let loading = meter.takeLongestGap()
        // What follows takes memory of its own: it makes lists of all routes.
        let process = BenchMemory.peak
        let changes = try BenchCase.churn(router)
        let changing = meter.takeLongestGap()
        try await Task.sleep(for: .milliseconds(10))
        engine.stop()
        let sent = BenchRouteTraffic.inputs.reduce(0) { $0 + received($1) }
        let lost = sent - meter.packets
        return BenchRun(
            figures: [BenchFigure("load", seconds, .seconds), BenchFigure("process", process, .mebibytes)] + changes
                + [
                    BenchFigure("packets", Double(sent), .packets), BenchFigure("lost", Double(lost), .packets),
                    BenchFigure("longest gap, calm", before, .microseconds),
                    BenchFigure("longest gap, loading", loading, .microseconds),
                    BenchFigure("longest gap, changing", changing, .microseconds),
                ],
            notes: engine.dropSamples().map { "\($0.count) packets were dropped at \($0.node): \($0.text)" })
    }

    /// As an operator does.
    private func load(_ file: String, _ hops: String) async throws {
        let answer = await CommandService(router.commands).execute(["route", "load", file, "--next-hops", hops])
        guard answer.exitCode == 0 else { throw CommandError.failed(answer.text) }
    }

    private func received(_ name: String) -> Int {
        engine.interface(named: name).map { Int(engine.counters(of: $0.index).rxPackets) } ?? 0
    }
}

/// Notes the longest time for which no packet left.
@ControlPlane
final class GapMeterModule: Module {
    nonisolated static let name = "gap-meter"

    private var engine: Engine!
    private var gaps: PerWorker<GapMeter.Gap>!

    func register(in registry: Registry) {
        engine = registry.engine
        let gaps = PerWorker(GapMeter.Gap(), workerCount: engine.workers.count)
        self.gaps = gaps
        registry.add(NodeDescriptor(GapMeter.self) { GapMeter(gap: gaps.slot($0.worker)) })
        for arc in GapMeterModule.arcs + [FeatureArc.interfaceOutput.name] {
            registry.add(Feature(GapMeter.name, on: arc))
        }
    }

    private static let arcs = ["ip4-output", "ip6-output"]

    /// Looks at what is sent by the interface: IP packets, if no other arcs are named.
    func watch(_ interface: Interface, on arcs: [String] = GapMeterModule.arcs) throws(GraphError) {
        for arc in arcs { try engine.setFeature(GapMeter.name, on: arc, interface: interface, true) }
    }

    /// Runs a graph with a meter in it: `prepare` before its workers start, then `measure`, which may stop them itself.
    static func run<Bench>(
        _ path: String, prepare: (Router) throws -> Bench, measure: (Bench) async throws -> BenchRun
    ) async throws -> BenchRun {
        let router = try Router(Router.read(path), modules: [GapMeterModule.self])
        defer { router.engine.stop() }
        try router.prepare()
        let bench = try prepare(router)
        router.engine.start()
        return try await measure(bench)
    }

    /// IP packets that left, the router's own link-layer ones not among them.
    var packets: Int { gaps.values.reduce(0) { $0 + Int($1.packets) } }

    /// In microseconds, since the last call or the first packet.
    @discardableResult
    func takeLongestGap() -> Double {
        let longest = gaps.values.map(\.longest).max() ?? 0
        for worker in engine.workers.indices { gaps.slot(worker).value.longest = 0 }
        return Clock.seconds(longest) * 1e6
    }
}

/// Measures the time between frames that leave.
struct GapMeter: Node {
    static let name = "gap-meter"

    /// In clocks. The control side sets `longest` back: a store of the worker's at the same moment may be lost, or win.
    struct Gap: BitwiseCopyable {
        var last: UInt64 = 0
        var longest: UInt64 = 0
        var packets: UInt64 = 0
    }

    let gap: PerWorker<Gap>.Slot

    mutating func process(_ frame: Frame, _ context: Context) {
        let now = Clock.now
        if gap.value.last != 0 { gap.value.longest = max(gap.value.longest, now &- gap.value.last) }
        gap.value.last = now
        gap.value.packets &+= UInt64(frame.count)
        for position in 0..<frame.count { context.decide(position, Verdict<NoNext, NoReason>.nextFeature) }
    }
}
