// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph

/// A million stations, learned by the workers from the frames that they forward, and forgotten while they go on.
@ControlPlane
struct BenchStations {
    private let router: Router
    private let bridges: BridgeStore
    private let meter: GapMeterModule

    nonisolated static let domain = "lan"
    nonisolated static let stations = 1_000_000
    /// What the steady flow leaves by.
    nonisolated static let output = "out1"
    nonisolated static let calm = Duration.seconds(1)

    static func run(_ path: String) async throws -> BenchRun {
        try await GapMeterModule.run(path) {
            try BenchStations($0)
        } measure: {
            try await $0.measure()
        }
    }

    private init(_ router: Router) throws {
        guard let meter = router.registry.module(GapMeterModule.self),
            let bridges = router.registry.module(EthernetModule.self)?.bridges,
            let out = router.engine.interface(named: BenchStations.output)
        else { throw CommandError.failed("the graph has no interface \(BenchStations.output)") }
        self.router = router
        self.bridges = bridges
        self.meter = meter
        try meter.watch(out, on: [FeatureArc.interfaceOutput.name])
    }

    private func measure() async throws -> BenchRun {
        let seconds = try await learn()
        let known = bridges.stationCount(domain: BenchStations.domain) ?? 0
        try await Task.sleep(for: BenchStations.calm)
        meter.takeLongestGap()
        try await Task.sleep(for: BenchStations.calm)
        let calm = meter.takeLongestGap()
        let begin = Clock.now
        let flushed = bridges.flush(domain: BenchStations.domain) ?? 0
        let flush = Clock.seconds(Clock.now &- begin) * 1e6
        let again = try await learn()
        let flushing = meter.takeLongestGap()
        router.engine.stop()
        return BenchRun(
            figures: [
                BenchFigure("learn", seconds, .seconds), BenchFigure("stations", Double(known), .stations),
                BenchFigure("flush", flush, .microseconds), BenchFigure("flushed", Double(flushed), .stations),
                BenchFigure("learn again", again, .seconds),
                BenchFigure("longest gap, calm", calm, .microseconds),
                BenchFigure("longest gap, flushed", flushing, .microseconds),
            ],
            notes: router.engine.dropSamples().filter { $0.count > 0 }.map {
                "\($0.count) packets were dropped at \($0.node): \($0.text)"
            })
    }

    /// Seconds until all stations are known.
    private func learn() async throws -> Double {
        let begin = Clock.monotonicNanoseconds
        while (bridges.stationCount(domain: BenchStations.domain) ?? 0) < BenchStations.stations {
            guard BenchCase.seconds(since: begin) < 60 else {
                throw CommandError.failed("not all stations were learned within a minute")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
        return BenchCase.seconds(since: begin)
    }
}
