// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Graph

@Suite("Handoff between workers")
@ControlPlane
struct HandoffTests {
    /// Passes odd kinds to worker 1.
    struct OddToOther: Node {
        static let name = "odd-to-other"

        enum Reason: UInt16, DropReason {
            case queueFull
            var text: String { "the other worker is slow" }
        }

        mutating func process(_ frame: Frame, _ context: Context) {
            var handedOver: UInt64 = 0
            for position in 0..<frame.count {
                let packet = context.packet(frame[position])
                guard packet.bytes.load(at: 0, as: UInt8.self) == 1, context.workerNumber == 0 else {
                    context.decide(position, Verdict<NoNext, Reason>.nextFeature)
                    continue
                }
                if context.handOff(packet, to: 1) {
                    handedOver |= 1 << 1
                    context.decide(position, Verdict<NoNext, Reason>.kept)
                } else {
                    context.decide(position, Verdict<NoNext, Reason>.drop(.queueFull))
                }
            }
            context.wake(workers: handedOver)
        }
    }

    private func router() throws -> TestRouter {
        var options = Engine.Options()
        options.workerCount = 2
        options.spinMicroseconds = 0
        let router = try TestRouter(options)
        router.engine.add(FeatureArc("early", by: .receive, startsAt: [("feed-input", "packets")], endsAt: "sorter"))
        router.engine.add(Feature(OddToOther.name, on: "early"))
        router.engine.add(NodeDescriptor(OddToOther.self) { _ in OddToOther() })
        try router.engine.build()
        try router.engine.setFeature(OddToOther.name, on: "early", interface: router.engine.interfaces[0], true)
        return router
    }

    @Test("a handed-over packet goes on at the other worker, in order, with its buffer")
    func handsOver() throws {
        let router = try router()
        router.pass((0..<1000).map { TestPacket(UInt8($0 % 2), number: $0) })
        #expect(router.even.numbers == stride(from: 0, to: 1000, by: 2).map { $0 })
        #expect(router.odd.numbers == stride(from: 1, to: 1000, by: 2).map { $0 })
        let samples = router.engine.nodeSamples().filter { $0.node == "sorter" }
        #expect(samples.map(\.counters.packets) == [500, 500])
        let workers = router.engine.workerSamples()
        #expect(workers[0].counters.handoffsOut == 500)
        #expect(workers[1].counters.handoffsIn == 500)
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("what the other worker's ring does not take is dropped and counted")
    func full() throws {
        let router = try router()
        let workers = router.engine.workers
        let count = HandoffRing.capacity + 500
        router.feed.send((0..<UInt32(count)).map { TestPacket(1, number: $0) })
        while workers[0].dispatchOnce() > 0 {}
        #expect(router.engine.dropSamples().map(\.reason) == ["queue-full"])
        #expect(router.engine.dropSamples().map(\.count) == [500])
        while workers[1].dispatchOnce() > 0 {}
        #expect(router.odd.numbers == Array(0..<UInt32(HandoffRing.capacity)))
        #expect(router.engine.buffersInUse == 0)
        // And there is room again.
        router.pass([TestPacket(1, number: 9)])
        #expect(router.odd.numbers.last == 9)
    }

    @Test("with threads: a sleeping worker wakes for what it is handed, order holds, nothing is lost")
    func threads() async throws {
        let router = try router()
        router.engine.start()
        var sent: UInt32 = 0
        for round in 0..<200 {
            router.feed.send((0..<10).map { TestPacket(UInt8($0 % 2), number: sent + $0) })
            sent += 10
            if round % 20 == 0 {
                #expect(try await eventually { router.engine.workerSamples().allSatisfy(\.isAsleep) })
            }
        }
        #expect(try await eventually { router.even.all.count + router.odd.all.count == Int(sent) })
        router.engine.stop()
        #expect(router.even.numbers == stride(from: 0, to: sent, by: 2).map { $0 })
        #expect(router.odd.numbers == stride(from: 1, to: sent, by: 2).map { $0 })
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("an engine with several workers goes when its last user goes")
    func goes() async throws {
        weak var worker: Worker?
        do {
            let router = try router()
            worker = router.engine.workers[1]
            router.pass([TestPacket(1)])
        }
        #expect(try await eventually { worker == nil })
    }
}
