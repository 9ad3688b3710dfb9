// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Graph

@Suite("Feature arcs")
@ControlPlane
struct FeatureTests {
    /// Writes its mark behind the marks that a packet already has, and drops packets that are marked to end there.
    struct Marker: Node {
        static let name = "marker"
        let mark: UInt8

        enum Reason: UInt16, DropReason {
            case endsHere
            var text: String { "the packet asked for it" }
        }

        mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, Reason> {
            let bytes = packet.header.data.assumingMemoryBound(to: UInt8.self)
            if bytes[10] == mark { return .drop(.endsHere) }
            // Behind the packet's number: how many marks, then the marks.
            bytes[20] = bytes[20] == 0xa5 ? 1 : bytes[20] &+ 1
            bytes[20 + Int(bytes[20])] = mark
            return .nextFeature
        }
    }

    private func router(_ features: [Feature]) throws -> TestRouter {
        let router = try TestRouter()
        router.engine.add(FeatureArc("early", by: .receive, startsAt: [("feed-input", "packets")], endsAt: "sorter"))
        router.engine.add(FeatureArc("late", by: .transmit, startsAt: [("interface-output", nil)], endsAt: nil))
        for (number, name) in ["a", "b", "c"].enumerated() {
            router.engine.add(NodeDescriptor(Marker.self, name: name) { _ in Marker(mark: UInt8(number + 1)) })
        }
        for feature in features { router.engine.add(feature) }
        return router
    }

    private static func marks(_ packet: [UInt8]) -> [UInt8] {
        packet[20] == 0xa5 ? [] : Array(packet[21...].prefix(Int(packet[20])))
    }

    private func order(_ router: TestRouter, _ arc: String) -> [String]? {
        router.engine.graphSnapshot().featureArcs.first { $0.name == arc }?.features.map(\.node)
    }

    @Test("before and after decide the order; otherwise it is that of declaration")
    func ordering() throws {
        let declared = try router([Feature("a", on: "early"), Feature("b", on: "early"), Feature("c", on: "early")])
        try declared.engine.build()
        #expect(order(declared, "early") == ["a", "b", "c"])

        let turned = try router([
            Feature("a", on: "early", runsAfter: ["b"]), Feature("b", on: "early"),
            Feature("c", on: "early", runsBefore: ["b"]),
        ])
        try turned.engine.build()
        #expect(order(turned, "early") == ["c", "b", "a"])

        let unknown = try router([Feature("a", on: "early", runsBefore: ["acl"], runsAfter: ["nat"])])
        try unknown.engine.build()
        #expect(order(unknown, "early") == ["a"])
    }

    @Test("the file's order wins over the declarations, pair by pair")
    func fileOrder() throws {
        let router = try router([
            Feature("a", on: "early"), Feature("b", on: "early", runsAfter: ["a"]),
            Feature("c", on: "early", runsAfter: ["b"]),
        ])
        var overrides = Engine.Overrides()
        overrides.featureOrder = ["early": ["b", "a"]]
        try router.engine.build(overrides)
        #expect(order(router, "early") == ["b", "a", "c"])
    }

    @Test("features that each want to be first, unknown features and arcs are errors that name them")
    func errors() throws {
        let circle = try router([
            Feature("a", on: "early", runsBefore: ["b"]), Feature("b", on: "early", runsBefore: ["a"]),
            Feature("c", on: "early"),
        ])
        let stuck = #expect(throws: GraphError.self) { try circle.engine.build() }
        #expect(stuck?.description.contains("a, b") == true)

        let elsewhere = try router([Feature("a", on: "earyl")])
        let unknown = #expect(throws: GraphError.self) { try elsewhere.engine.build() }
        #expect(unknown?.description.contains("did you mean 'early'") == true)

        let misspelt = try router([Feature("a", on: "early")])
        var overrides = Engine.Overrides()
        overrides.featureOrder = ["early": ["z"]]
        #expect(throws: GraphError.self) { try misspelt.engine.build(overrides) }

        let right = try router([Feature("a", on: "early")])
        try right.engine.build()
        let one = right.engine.interfaces[0]
        #expect(throws: GraphError.self) { try right.engine.setFeature("b", on: "early", interface: one, true) }
        #expect(throws: GraphError.self) { try right.engine.setFeature("a", on: "late", interface: one, true) }
    }

    @Test("a packet visits its interface's features in their order, and no others")
    func enabling() throws {
        let router = try router([Feature("a", on: "early"), Feature("b", on: "early"), Feature("c", on: "early")])
        let engine = router.engine
        try engine.build()
        let (one, two) = (engine.interfaces[0], engine.interfaces[1])
        func marks() -> [[UInt8]] {
            let before = router.even.all.count
            router.pass([TestPacket(0, from: 1), TestPacket(0, from: 2), TestPacket(0, from: 1)])
            return router.even.all[before...].map(Self.marks)
        }
        #expect(marks() == [[], [], []])
        try engine.setFeature("c", on: "early", interface: one, true)
        try engine.setFeature("a", on: "early", interface: one, true)
        try engine.setFeature("b", on: "early", interface: two, true)
        // A split frame: packets without features overtake, those of one interface stay in order.
        #expect(marks().sorted { $0.count > $1.count } == [[1, 3], [1, 3], [2]])
        try engine.setFeature("c", on: "early", interface: one, false)
        try engine.setFeature("b", on: "early", interface: two, false)
        #expect(marks().sorted { $0.count > $1.count } == [[1], [1], []])
        try engine.setFeature("a", on: "early", interface: one, false)
        #expect(marks() == [[], [], []])
        #expect(engine.buffersInUse == 0)
        #expect(engine.graphSnapshot().featureArcs[0].features.map(\.interfaces) == [[], [], []])
    }

    @Test("a feature may drop; the features behind it do not see the packet")
    func dropping() throws {
        let router = try router([Feature("a", on: "early"), Feature("b", on: "early"), Feature("c", on: "early")])
        try router.engine.build()
        for name in ["a", "b", "c"] {
            try router.engine.setFeature(name, on: "early", interface: router.engine.interfaces[0], true)
        }
        var bytes = TestPacket(0).bytes
        bytes[10] = 2
        router.pass([TestPacket(bytes), TestPacket(0)])
        #expect(router.even.all.map(Self.marks) == [[1, 2, 3]])
        #expect(router.engine.dropSamples().map(\.node) == ["b"])
        #expect(router.counters(of: "c").packets == 1)
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("on the way out the transmit interface decides, and the arc ends at its device")
    func transmit() throws {
        let router = try router([Feature("a", on: "late"), Feature("b", on: "late")])
        try router.engine.build()
        try router.engine.setFeature("b", on: "late", interface: router.engine.interfaces[1], true)
        router.pass([TestPacket(9, from: 2, to: 1), TestPacket(9, from: 1, to: 2), TestPacket(9, from: 1, to: 2)])
        #expect(router.sent[0].all.map(Self.marks) == [[]])
        #expect(router.sent[1].all.map(Self.marks) == [[2], [2]])
        #expect(router.engine.graphSnapshot().featureArcs[1].features.map(\.interfaces) == [[], ["two"]])
        #expect(router.engine.reachableNodes().contains("b"))
    }

    @Test("features may change while packets flow: each packet sees the old list or the new one, never a mixture")
    func changing() async throws {
        let router = try router([Feature("a", on: "early"), Feature("b", on: "early"), Feature("c", on: "early")])
        let engine = router.engine
        try engine.build()
        let one = engine.interfaces[0]
        try engine.setFeature("a", on: "early", interface: one, true)
        engine.start()
        var sent: UInt32 = 0
        for round in 0..<200 {
            router.feed.send((0..<100).map { TestPacket(0, number: sent + $0) })
            sent += 100
            // [a, c] or [a, b, c], and back.
            try engine.setFeature("c", on: "early", interface: one, true)
            try engine.setFeature("b", on: "early", interface: one, round % 2 == 0)
            await Task.yield()
        }
        #expect(try await eventually { router.even.all.count == Int(sent) })
        engine.stop()
        let seen = Set(router.even.all.map(Self.marks))
        #expect(seen.isSubset(of: [[1], [1, 3], [1, 2, 3]]))
        #expect(router.even.numbers.sorted() == Array(0..<sent))
        #expect(engine.buffersInUse == 0)
    }
}
