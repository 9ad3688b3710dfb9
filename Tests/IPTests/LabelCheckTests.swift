// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// `test fib` and labels: what is spoiled on purpose is found, and nothing else.
@Suite @ControlPlane struct LabelCheckTests {
    let mpls: MPLSLab
    private var table: LabelTable { mpls.labels.table }

    init() throws {
        mpls = try MPLSLab()
        try mpls.label(100, mpls.path(mpls.red, [200]))
        try mpls.label(101, mpls.path(mpls.red, []), mpls.path(mpls.blue, [300, 301]), mode: .uniform)
        try mpls.labels.set(MPLSLabel(rawValue: 102), .lookupIP(.main), from: "test")
        try mpls.labels.set(MPLSLabel(rawValue: 103), .lookupLabel, at: .above, from: "test")
        try mpls.labels.set(MPLSLabel(rawValue: 0xf_ffff), .node("drop"), from: "test")
    }

    private func check() async -> ConsistencyReport {
        await ConsistencyCheck(mpls.ip.fib, samples: 0).run(mpls.ip.fib.tables)
    }

    private func spoil(_ label: UInt32, isBottom: Bool, _ result: LabelResult) {
        table.store(result, for: MPLSLabel(rawValue: label), isBottom: isBottom)
    }

    @Test func nothingWrong() async throws {
        #expect(await check().differences == [])
        #expect(await check().further == ["labels"])
        _ = try mpls.labels.remove(MPLSLabel(rawValue: 101), from: "test")
        mpls.fail(mpls.red)
        let report = await check()
        #expect(report.differences == [] && report.isGood)
    }

    @Test func anotherResult() async throws {
        spoil(100, isBottom: false, LabelResult(.blackhole))
        let list = try #require(mpls.labels.entry(MPLSLabel(rawValue: 100), isBottom: false)?.list)
        let index = try #require(mpls.ip.fib.pathLists[list]?.forwarding.index)
        let report = await check()
        let found = "the table has \(Forwarding.blackhole.word) \(Forwarding.blackhole.index)"
        #expect(
            report.differences == [
                "labels: label 100 above the bottom of the stack: \(found), and should have "
                    + "\(Forwarding(.loadBalance, index).word) \(index)"
            ])
        #expect(!report.isGood)
    }

    @Test func aLabelIsMissing() async {
        spoil(102, isBottom: true, LabelResult(.noRoute))
        spoil(103, isBottom: false, LabelResult(.noRoute))
        let differences = await check().differences.sorted()
        #expect(differences.count == 2)
        #expect(differences[0].hasPrefix("labels: label 102 at the bottom of the stack: the table has"))
        #expect(differences[1].hasPrefix("labels: label 103 above the bottom of the stack: the table has"))
    }

    @Test func nobodysLabel() async {
        spoil(500, isBottom: true, LabelResult(.blackhole))
        let differences = await check().differences
        #expect(differences.count == 1)
        #expect(differences.first?.contains("label 500 at the bottom of the stack") == true)
        #expect(differences.first?.hasSuffix("nobody has the label") == true)
    }

    @Test func reservedLabelsAndModes() async {
        spoil(1, isBottom: true, LabelResult(.blackhole))
        let right = table.result(of: MPLSLabel(rawValue: 101), isBottom: true)
        #expect(right.isUniform)
        spoil(101, isBottom: true, LabelResult(right.forwarding, .pipe))
        let differences = await check().differences
        #expect(differences.count == 2)
        #expect(differences.first?.hasPrefix("labels: label 1 at the bottom") == true)
        #expect(differences.last?.hasSuffix(" uniform") == true)
    }
}
