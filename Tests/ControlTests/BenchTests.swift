// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Control
@testable import Graph

@Suite("Bench: cases and reports")
struct BenchTests {
    // MARK: - Cases

    @Test func `without words all cases are meant`() throws {
        #expect(try BenchCase.named([]).map(\.name) == BenchCase.all.map(\.name))
        #expect(Set(BenchCase.all.map(\.name)).count == BenchCase.all.count)
    }

    @Test func `an unknown case is refused with the nearest name`() {
        let error = #expect(throws: CommandError.self) { try BenchCase.named(["ip4-on"]) }
        #expect(error?.message == "there is no case 'ip4-on'")
        #expect(error?.remedy == "did you mean 'ip4-one'?")
        #expect(error?.exitCode == 1)
    }

    @Test func `a graph file is a case`() throws {
        let cases = try BenchCase.named(["mine/graph.yaml", "chain"])
        #expect(cases.map(\.isFile) == [true, false])
        #expect(cases[0].graph(in: URL(fileURLWithPath: "/inputs")).path.hasSuffix("mine/graph.yaml"))
        #expect(cases[1].graph(in: URL(fileURLWithPath: "/inputs")).path == "/inputs/chain.yaml")
    }

    @Test func `the list names every case`() {
        let text = TextRenderer.render(BenchList(BenchCase.all).body)
        for entry in BenchCase.all { #expect(text.contains("\(entry.name) ")) }
    }

    @Test(arguments: BenchCase.all.filter { $0.text == nil }.map(\.name))
    func `every case has its graph file`(name: String) throws {
        let file = try BenchGraphs.file(name, directory: BenchTests.graphs.path)
        #expect(try YAMLReader.read(file: file.path)["interfaces"] != nil)
    }

    @Test func `a graph that is made has a sub-interface for each pair of tags`() throws {
        let text = BenchCase.subinterfaces(["dot1q: 7", "dot1ad: 1, second-dot1q: 2"], of: .qinqAll)
        let interfaces = try #require(YAMLReader.read(text: text, name: "made.yaml")["interfaces"])
        #expect(try interfaces.map.map(\.key) == ["gen0", "out0", "sub0", "sub1"])
        #expect(try interfaces["sub1"]?["second-dot1q"]?.integer(in: 1...4094) == 2)
    }

    @Test func `a bridge that is made has its stations`() throws {
        let text = BenchCase.stations(3, of: .bridge)
        let bridges = try #require(YAMLReader.read(text: text, name: "made.yaml")["bridges"])
        #expect(
            try bridges["lan"]?["static-macs"]?.map.map(\.key) == [
                "02:55:00:00:00:00", "02:55:00:00:00:01", "02:55:00:00:00:02",
            ])
    }

    @Test func `a missing graph file is told`() {
        #expect(throws: CommandError.self) { try BenchGraphs.file("nothing", directory: BenchTests.graphs.path) }
    }

    static let graphs = BenchLab.repository.appending(path: "Graphs/bench")

    // MARK: - Measuring

    @ControlPlane
    private static func measure(_ setting: Setting) throws -> BenchRun {
        let router = try Router(setting)
        try router.prepare()
        let measurement = BenchMeasurement(windowSteps: 4, warmUp: 2, windows: 20)
        return try measurement.measure(router.engine)
    }

    private static func graph(_ name: String) throws -> Setting {
        try YAMLReader.read(file: graphs.appending(path: "\(name).yaml").path)
    }

    @Test func `a chain's figures come in the packets' order`() async throws {
        let run = try await BenchTests.measure(BenchTests.graph("chain"))
        let nodes = ["gen0-rx"] + (1...8).map { "node\($0)" } + ["out0-tx"]
        #expect(run.figures.map(\.name) == nodes + ["sum", "rate"])
        #expect(run.figures.allSatisfy { $0.value > 0 && $0.value.isFinite })
        #expect(run.figures.prefix(10).allSatisfy { $0.packetsPerCall == 256 && $0.unit == .clocksPerPacket })
        #expect(run.notes == [])
    }

    @Test(arguments: [("tree", 25, 16.0), ("fan-in", 8, 256.0), ("fan-out", 9, 64.0)])
    func `the other shapes split and join frames`(name: String, figures: Int, smallest: Double) async throws {
        let run = try await BenchTests.measure(BenchTests.graph(name))
        #expect(run.figures.count == figures)
        #expect(run.figures.compactMap(\.packetsPerCall).min() == smallest)
    }

    @Test func `the IPv4 graphs forward every packet of their inputs`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-bench-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try BenchInput.one.write(to: directory)
        let text = try String(contentsOf: BenchTests.graphs.appending(path: "ip4-one.yaml"), encoding: .utf8)
        let moved = text.replacingOccurrences(of: ": ip4-one.", with: ": \(directory.path)/ip4-one.")
        let run = try await BenchTests.measure(YAMLReader.read(text: moved, name: "ip4-one.yaml"))
        let nodes = ["ethernet-input", "ip4-input", "ip4-lookup", "ip4-rewrite", "interface-output"]
        #expect(run.figures.map(\.name) == ["gen0-rx"] + nodes + ["out0-tx", "sum", "rate"])
        #expect(run.notes == [])
    }

    @Test func `a graph without generators is refused`() async throws {
        let text = "interfaces:\n  out0:\n    type: \"null\"\n"
        let setting = try YAMLReader.read(text: text, name: "empty.yaml")
        let error = await #expect(throws: CommandError.self) { try await BenchTests.measure(setting) }
        #expect(error?.message == "no packet came")
    }

    @Test func `windows leave generators out of the sum, and strays out of the nodes`() {
        func samples(_ steps: UInt64) -> [NodeSample] {
            func sample(
                _ name: String, _ kind: NodeDescriptor.Kind, _ packets: UInt64, _ clocks: UInt64
            ) -> NodeSample {
                var counters = NodeCounters()
                counters.calls = steps
                counters.packets = packets * steps
                counters.clocks = clocks * steps
                return NodeSample(node: name, kind: kind, worker: 0, counters: counters)
            }
            return [
                sample("in", .input, 10_000, 50_000), sample("work", .internal, 10_000, 70_000),
                sample("stray", .internal, 1, 900_000), sample("idle", .internal, 0, 0),
            ]
        }
        var without = BenchWindows(samples(0), countsInputs: false)
        var with = BenchWindows(samples(0), countsInputs: true)
        #expect(without.isEmpty)
        for step: UInt64 in 1...3 {
            without.add(samples(step), nanoseconds: 1_000_000)
            with.add(samples(step), nanoseconds: 1_000_000)
        }
        #expect(without.figures.map(\.name) == ["in", "work"])
        #expect(without.figures.map(\.value) == [5, 7])
        #expect(without.sum.value == 97)
        #expect(with.sum.value == 102)
        #expect(with.rate.value == 10)
    }

    // MARK: - Reports

    private static func report(_ sums: [Double]) -> BenchReport {
        let runs = sums.map {
            BenchRun(figures: [
                BenchFigure("ip4-lookup", $0 / 4, .clocksPerPacket, packetsPerCall: 256),
                BenchFigure("sum", $0, .clocksPerPacket),
            ])
        }
        let definition = BenchCase.all.first { $0.name == "ip4-one" }!
        return BenchReport(machine: BenchMachine(workerCore: 1), cases: [BenchCaseReport(definition, runs)])
    }

    @Test func `a report survives JSON and compares with itself`() throws {
        let report = BenchTests.report([36, 35, 37])
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let old = try decoder.decode(BenchReport.self, from: Data(JSONRenderer.render(report).utf8))
        #expect(old.cases[0].rows.map(\.values) == report.cases[0].rows.map(\.values))
        var compared = report
        compared.compare(with: old, file: "old.json")
        #expect(compared.baseline?.isSameMachine == true)
        #expect(compared.cases[0].rows.map(\.difference) == [.notProven, .notProven])
        #expect(TextRenderer.render(compared.body).contains("No difference proven at 95.0% confidence"))
        // A compared report can be compared with in its turn.
        _ = try decoder.decode(BenchReport.self, from: Data(JSONRenderer.render(compared).utf8))
    }

    @Test func `a faster program is told`() throws {
        var report = BenchTests.report([30, 30.1, 29.9])
        report.compare(with: BenchTests.report([40, 40.1, 39.9]), file: "old.json")
        let text = TextRenderer.render(report.body)
        #expect(text.contains("-10 +/- 0.2266"))
        #expect(text.contains("-25% +/- "))
    }

    @Test func `goals say whether they are met, and by what they are set`() {
        let goal = BenchGoal("sum", atMost: 37, reference: 131, from: "VPP")
        let text = goal.text(median: 36.96, .clocksPerPacket)
        #expect(text == "sum: 37.0 clocks/packet, goal <= 37: met; 131 is the figure of VPP")
        #expect(BenchGoal("ratio", atLeast: 0.95).text(median: 0.9, .times) == "ratio: 0.90 x, goal >= 0.95: missed")
    }

    @Test func `a figure that one run lacks is left out`() {
        let definition = BenchCase(name: "x", summary: "", work: .graph)
        let both = BenchFigure("both", 1, .seconds)
        let runs = [BenchRun(figures: [both, BenchFigure("one", 1, .seconds)]), BenchRun(figures: [both])]
        #expect(BenchCaseReport(definition, runs).rows.map(\.name) == ["both"])
    }

    @Test func `a process without an answer is told by its case`() {
        let error = #expect(throws: CommandError.self) { try BenchAnswer.read("", of: "ip4-one") }
        #expect(error?.message.contains("ip4-one") == true)
    }
}
