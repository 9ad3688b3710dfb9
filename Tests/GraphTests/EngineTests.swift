// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Graph

@Suite("Engine")
@ControlPlane
struct EngineTests {
    /// 600 packets: two frames and a bit, all kinds mixed.
    static let mixed: [TestPacket] = (0..<600 as Range<UInt32>).map { number in
        let interface: InterfaceIndex = number % 2 == 0 ? 1 : 2
        return TestPacket(UInt8(number % 5), number: number, to: interface)
    }

    @Test("every packet is counted once at each node that it meets, and none is lost")
    func counters() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.pass(Self.mixed)
        let input = router.counters(of: "feed-input")
        #expect(input.packets == 600)
        #expect(input.calls == 3)
        #expect(router.counters(of: "sorter").packets == 600)
        #expect(router.counters(of: "even-sink").packets == 120)
        #expect(router.counters(of: "odd-sink").packets == 120)
        #expect(router.counters(of: "interface-output").packets == 120)
        #expect(router.counters(of: "drop").packets == 240)
        #expect(router.counters(of: "one-tx").packets + router.counters(of: "two-tx").packets == 120)
        #expect(router.counters(of: "sorter").clocks > 0)
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("packets of a flow stay in order")
    func order() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.pass(Self.mixed)
        func numbers(from first: UInt32, step: Int) -> [UInt32] { Array(stride(from: first, to: 600, by: step)) }
        #expect(router.even.numbers == numbers(from: 0, step: 5))
        #expect(router.odd.numbers == numbers(from: 1, step: 5))
        #expect(router.sent[0].numbers == numbers(from: 4, step: 10))
        #expect(router.sent[1].numbers == numbers(from: 9, step: 10))
    }

    @Test("drops are counted per node and reason")
    func drops() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.pass(Self.mixed + [TestPacket(3)])
        let samples = router.engine.dropSamples()
        #expect(samples.map(\.node) == ["sorter", "sorter"])
        #expect(samples.map(\.reason) == ["bad-luck", "wrong-kind"])
        #expect(samples.map(\.text) == ["it was a two", "it was a three"])
        #expect(samples.map(\.count) == [120, 121])
        router.engine.clearErrors()
        #expect(router.engine.dropSamples().isEmpty)
        router.pass([TestPacket(2)])
        #expect(router.engine.dropSamples().map(\.count) == [1])
    }

    @Test("the last drops are kept, newest first, with their beginning")
    func lastDrops() throws {
        let router = try TestRouter()
        try router.engine.build()
        #expect(router.engine.lastDrops().isEmpty)
        router.pass((0..<100).map { TestPacket(2, number: $0, from: 2) })
        let long = [UInt8](repeating: 3, count: 1000)
        router.pass([TestPacket(long, from: 7)])
        let drops = router.engine.lastDrops()
        #expect(drops.count == 64)
        let last = try #require(drops.first)
        #expect(last.reason == "wrong-kind")
        #expect(last.node == "sorter")
        #expect(last.interface == nil)
        #expect(last.length == 1000)
        #expect(last.bytes == [UInt8](repeating: 3, count: 64))
        #expect(drops[1].interface == "two")
        #expect(drops.dropFirst().map { TestPacket.number($0.bytes) }.sorted() == Array(37..<100))
        #expect(zip(drops, drops.dropFirst()).allSatisfy { $0.clock >= $1.clock })
    }

    @Test("an interface's counters are its own")
    func interfaceCounters() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.pass((0..<10).map { TestPacket(9, number: $0, from: 1, to: 2) } + [TestPacket(2, from: 2)])
        let (one, two) = (router.engine.counters(of: 1), router.engine.counters(of: 2))
        #expect((one.rxPackets, one.rxBytes, one.txPackets, one.drops) == (10, 600, 0, 0))
        #expect((two.rxPackets, two.txPackets, two.txBytes, two.drops) == (1, 10, 600, 1))
        router.engine.clearInterfaces()
        #expect(router.engine.counters(of: 2).txPackets == 0)
        router.pass([TestPacket(9, to: 2)])
        #expect(router.engine.counters(of: 2).txPackets == 1)
    }

    @Test("an interface that is down sends nothing, and says so")
    func interfaceDown() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.engine.interface(named: "two")?.isAdminUp = false
        router.pass([TestPacket(9, to: 1), TestPacket(9, to: 2), TestPacket(9, to: 1)])
        #expect(router.sent[0].all.count == 2)
        #expect(router.sent[1].all.isEmpty)
        #expect(router.engine.dropSamples().map(\.reason) == ["interface-down"])
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("clear runtime starts anew without touching what workers count")
    func clearRuntime() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.pass(Self.mixed)
        router.engine.clearRuntime()
        #expect(router.counters(of: "sorter").packets == 0)
        router.pass([TestPacket(0)])
        #expect(router.counters(of: "sorter").packets == 1)
        #expect(router.counters(of: "sorter").calls == 1)
    }

    @Test("without free buffers packets stay with the device, and none is lost")
    func noBuffers() throws {
        var options = Engine.Options()
        options.bufferCount = 256
        let router = try TestRouter(options)
        try router.engine.build()
        router.pass(Self.mixed)
        #expect(router.engine.buffersInUse == 0)
        #expect(router.engine.bufferUse().inUse == 0)
        #expect(router.engine.bufferUse().total == 256)
    }

    @Test("an arc can be led elsewhere; what does not exist is named")
    func overrides() throws {
        let router = try TestRouter()
        var overrides = Engine.Overrides()
        overrides.arcs = [("sorter", "even", "odd-sink")]
        try router.engine.build(overrides)
        router.pass([TestPacket(0), TestPacket(1)])
        #expect(router.odd.all.count == 2)
        #expect(router.even.all.isEmpty)

        for (node, arc, target) in [
            ("sortr", "even", "drop"), ("sorter", "evn", "drop"), ("sorter", "even", "odd-snk"),
        ] {
            let other = try TestRouter()
            overrides.arcs = [(node, arc, target)]
            let error = #expect(throws: GraphError.self) { try other.engine.build(overrides) }
            #expect(error?.description.contains("did you mean") == true)
        }
    }

    @Test("a graph without standard arcs drops what no arc was given for")
    func noStandardArcs() throws {
        let router = try TestRouter()
        var overrides = Engine.Overrides()
        overrides.includesStandardArcs = false
        overrides.arcs = [("feed-input", "packets", "sorter"), ("sorter", "odd", "odd-sink")]
        try router.engine.build(overrides)
        router.pass([TestPacket(0), TestPacket(1)])
        #expect(router.odd.all.count == 1)
        #expect(router.even.all.isEmpty)
        #expect(router.counters(of: "drop").packets == 1)
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("injected packets enter at the node that they name")
    func inject() throws {
        let router = try TestRouter()
        try router.engine.build()
        #expect(router.engine.inject(TestPacket(7, number: 5).bytes, at: "interface-output", txInterface: 2))
        #expect(!router.engine.inject([1], at: "nowhere"))
        _ = router.engine.inject([UInt8](repeating: 0, count: 4000), at: "sorter")
        router.engine.runToEnd()
        #expect(router.sent[1].numbers == [5])
        #expect(router.engine.dropSamples().map(\.reason) == ["inject-malformed"])
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("the snapshot of the graph says what leads where and what can be reached")
    func snapshot() throws {
        let router = try TestRouter()
        #expect(router.engine.addNode("meter", kind: "pass"))
        try router.engine.build()
        let graph = router.engine.graphSnapshot()
        let nodes = Dictionary(uniqueKeysWithValues: graph.nodes.map { ($0.name, $0) })
        #expect(nodes["sorter"]?.arcs.map(\.name) == ["even", "odd", "output"])
        #expect(nodes["sorter"]?.arcs.map(\.node) == ["even-sink", "odd-sink", "interface-output"])
        #expect(nodes["sorter"]?.reasons == ["bad-luck", "wrong-kind"])
        #expect(nodes["interface-output"]?.arcs.map(\.node) == ["one-tx", "two-tx"])
        #expect(nodes["interface-output"]?.declaredArcCount == 0)
        #expect(nodes["meter"]?.instanceOf == "pass")
        #expect(nodes["meter"]?.isReachable == false)
        #expect(nodes["two-tx"]?.isReachable == true)
    }

    @Test("memory: the engine's own and what features report")
    func memory() throws {
        let router = try TestRouter()
        try router.engine.build()
        router.engine.addMemoryReport("catch") { router.even.all.count * 60 }
        router.pass([TestPacket(0), TestPacket(0)])
        let use = router.engine.memoryUse()
        #expect(use.map(\.name) == ["buffers", "buffer headers", "frames", "counters", "catch"])
        #expect(use[0].bytes == router.engine.pool.byteCount)
        #expect(use[4].bytes == 120)
        #expect(use.allSatisfy { ($0.residentBytes ?? 0) <= $0.bytes })
    }
}
