// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Graph

@Suite("Packet trace")
@ControlPlane
struct TraceTests {
    private func router() throws -> TestRouter {
        let router = try TestRouter()
        try router.engine.build()
        return router
    }

    @Test("a traced packet's way is told node by node, with what each node used")
    func way() async throws {
        let router = try router()
        try await router.engine.addTrace(at: "feed-input", count: 2, filter: nil)
        router.pass([TestPacket(9, to: 2), TestPacket(1, from: 2), TestPacket(0)])
        let trace = await router.engine.traces()
        #expect(trace.lost == 0)
        #expect(trace.packets.count == 2)
        let sent = trace.packets[0]
        #expect(sent.interface == "one")
        #expect(sent.steps.map(\.node) == ["feed-input", "sorter", "interface-output"])
        #expect(sent.steps.map(\.text) == ["one, 60 bytes", "kind 9", "interface 2, 60 bytes"])
        #expect(sent.steps.map(\.arc) == ["packets", "output", "two"])
        #expect(sent.steps.map(\.next) == ["sorter", "interface-output", "two-tx"])
        #expect(sent.steps.allSatisfy { $0.dropReason == nil })
        #expect(zip(sent.steps, sent.steps.dropFirst()).allSatisfy { $0.clock <= $1.clock })
        #expect(trace.packets[1].steps.map(\.node) == ["feed-input", "sorter"])
        #expect(trace.packets[1].steps.map(\.text) == ["two, 60 bytes", "kind 1"])
    }

    @Test("a dropped packet's trace names who dropped it and why")
    func drop() async throws {
        let router = try router()
        try await router.engine.addTrace(at: "sorter", count: 10, filter: nil)
        router.pass([TestPacket(0), TestPacket(3)])
        let packets = await router.engine.traces().packets
        #expect(packets.count == 2)
        #expect(packets[1].steps.map(\.node) == ["sorter", "drop"])
        #expect(packets[1].steps.map(\.dropReason) == ["wrong-kind", nil])
        #expect(packets[1].steps[1].text == "sorter wrong-kind: it was a three")
    }

    @Test("the trace is of those packets that were asked for, and no more")
    func budget() async throws {
        let router = try router()
        router.pass([TestPacket(0)])
        try await router.engine.addTrace(at: "sorter", count: 3, filter: nil)
        router.pass((0..<2).map { TestPacket(0, number: $0) })
        #expect(await router.engine.traces().packets.count == 2)
        try await router.engine.addTrace(at: "sorter", count: 2, filter: nil)
        router.pass((0..<300).map { TestPacket(0, number: $0) })
        #expect(await router.engine.traces().packets.count == 5)
        #expect(await router.engine.traces(limit: 4).packets.count == 4)
        await router.engine.clearTrace()
        #expect(await router.engine.traces().packets.isEmpty)
        router.pass([TestPacket(0)])
        #expect(await router.engine.traces().packets.isEmpty)
    }

    @Test("buffers forget that they were traced")
    func reuse() async throws {
        let router = try router()
        try await router.engine.addTrace(at: "feed-input", count: 1, filter: nil)
        // The last buffer that was freed is the first to be taken again.
        for _ in 0..<50 { router.pass([TestPacket(0)]) }
        #expect(await router.engine.traces().packets.count == 1)
    }

    @Test("a filter takes only what it matches")
    func filter() async throws {
        let router = try router()
        let port = PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 1), to: MACAddress(0, 0, 0, 0, 0, 2))
        func udp(to destination: UInt16) -> TestPacket {
            port.ipv4(from: IPv4Address(192, 0, 2, 1), to: IPv4Address(192, 0, 2, 2)).udp(from: 4000, to: destination)
                .payload(count: 20).withFrame { frame in
                    TestPacket([UInt8](UnsafeRawBufferPointer(start: frame.start, count: frame.count)))
                }
        }
        try await router.engine.addTrace(at: "sorter", count: 10, filter: PacketFilter("udp port 53"))
        router.pass([udp(to: 80), udp(to: 53), udp(to: 54), TestPacket(1), udp(to: 53)])
        #expect(await router.engine.traces().packets.count == 2)
        #expect(router.even.all.count == 4)
    }

    @Test("an unknown node is an error that knows better")
    func unknown() async throws {
        let router = try router()
        let error = await #expect(throws: GraphError.self) {
            try await router.engine.addTrace(at: "sortre", count: 1, filter: nil)
        }
        #expect(error?.description.contains("did you mean 'sorter'") == true)
    }

    @Test("a full trace loses records, not packets, and says how many")
    func overflow() async throws {
        let router = try router()
        let count = Tracer.capacity / 2 + 100
        try await router.engine.addTrace(at: "feed-input", count: count, filter: nil)
        router.pass((0..<count).map { TestPacket(0, number: UInt32($0)) })
        let trace = await router.engine.traces()
        // Two records for each packet.
        #expect(trace.lost == 200)
        #expect(router.even.all.count == count)
    }

    @Test("the trace of a running worker is read between two of its dispatches")
    func running() async throws {
        let router = try router()
        router.engine.start()
        defer { router.engine.stop() }
        for round in 1...20 {
            try await router.engine.addTrace(at: "sorter", count: 2, filter: nil)
            router.feed.send([TestPacket(0), TestPacket(2), TestPacket(0)])
            let wanted = round * 2
            var packets: [TracedPacket] = []
            for _ in 0..<5000 where packets.count < wanted {
                packets = await router.engine.traces().packets
                if packets.count < wanted { try await Task.sleep(for: .milliseconds(1)) }
            }
            #expect(packets.count == wanted)
            #expect(packets.allSatisfy { $0.steps.first?.node == "sorter" })
            #expect(try await eventually { router.feed.isEmpty })
        }
    }
}
