// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import Graph

/// With worker threads running. No test here asserts how long anything takes.
@Suite("Engine, with its threads")
@ControlPlane
struct EngineThreadTests {
    @Test("a sleeping worker wakes for every packet and loses none")
    func wakes() async throws {
        var options = Engine.Options()
        options.spinMicroseconds = 0
        let router = try TestRouter(options)
        try router.engine.build()
        router.engine.start()
        defer { router.engine.stop() }
        var number: UInt32 = 0
        for round in 0..<300 {
            // Most of the time just when it falls asleep, sometimes when it does so for long.
            if round % 30 == 0 { #expect(try await eventually { router.engine.workerSamples()[0].isAsleep }) }
            let burst = (0..<UInt32(round % 7 + 1)).map { TestPacket(0, number: number + $0) }
            number += UInt32(burst.count)
            router.feed.send(burst)
            if round % 3 == 0 { try await Task.sleep(for: .microseconds(round)) }
        }
        #expect(try await eventually { router.even.all.count == Int(number) })
        #expect(router.even.numbers == Array(0..<number))
        #expect(router.engine.workerSamples()[0].counters.sleeps > 0)
    }

    @Test("a sleeping worker wakes for injected packets and for tasks")
    func wakesForMail() async throws {
        var options = Engine.Options()
        options.spinMicroseconds = 0
        let router = try TestRouter(options)
        try router.engine.build()
        router.engine.start()
        defer { router.engine.stop() }
        for number in 0..<100 as Range<UInt32> {
            if number % 10 == 0 { #expect(try await eventually { router.engine.workerSamples()[0].isAsleep }) }
            #expect(router.engine.inject(TestPacket(1, number: number).bytes, at: "sorter"))
            let answers = await router.engine.onWorkers { $0.number }
            #expect(answers == [0])
        }
        #expect(try await eventually { router.odd.all.count == 100 })
        #expect(router.odd.numbers == Array(0..<100))
    }

    @Test("an idle engine sleeps; its load says so")
    func idle() async throws {
        let router = try TestRouter()
        try router.engine.build()
        router.engine.start()
        defer { router.engine.stop() }
        #expect(try await eventually { router.engine.workerSamples()[0].isAsleep })
        router.engine.clearRuntime()
        try await Task.sleep(for: .milliseconds(50))
        let sample = router.engine.workerSamples()[0]
        #expect(sample.load < 0.5)
        #expect(sample.clocks > 0)
    }

    @Test("what is retired is freed after every worker has looked away, not before")
    func retire() async throws {
        let gate = Gate()
        var options = Engine.Options()
        options.workerCount = 2
        let router = try TestRouter(options)
        router.engine.add(NodeDescriptor(input: GateInput.self) { GateInput(gate: gate, isGuarded: $0.worker == 1) })
        try router.engine.build()
        router.engine.start()
        defer {
            gate.open()
            router.engine.stop()
        }
        gate.close()
        #expect(try await eventually { gate.isWaitedAt })
        var freed = false
        router.engine.retire { freed = true }
        try await Task.sleep(for: .milliseconds(300))
        #expect(!freed, "worker 1 is in the middle of a dispatch")
        gate.open()
        #expect(try await eventually { freed })
        await router.engine.synchronize()
    }

    @Test("retired things are freed in their order, also when the engine stops before")
    func retireAndStop() async throws {
        let router = try TestRouter()
        try router.engine.build()
        router.engine.start()
        var freed: [Int] = []
        for number in 0..<100 { router.engine.retire { freed.append(number) } }
        router.engine.stop()
        #expect(freed == Array(0..<100))
    }

    @Test("a question to the workers is answered even if they stop meanwhile")
    func answerAfterStop() async throws {
        let gate = Gate()
        let router = try TestRouter()
        router.engine.add(NodeDescriptor(input: GateInput.self) { _ in GateInput(gate: gate, isGuarded: true) })
        try router.engine.build()
        router.engine.start()
        gate.close()
        #expect(try await eventually { gate.isWaitedAt })
        let question = Task { @ControlPlane in await router.engine.onWorkers { $0.number } }
        await Task.yield()
        gate.open()
        router.engine.stop()
        #expect(await question.value == [0])
    }

    @Test("starting and stopping over and over loses no packet")
    func restart() async throws {
        let router = try TestRouter()
        try router.engine.build()
        for round in 0..<20 as Range<UInt32> {
            router.engine.start()
            router.feed.send((0..<50).map { TestPacket(0, number: round * 50 + $0) })
            let wanted = Int(round + 1) * 50
            #expect(try await eventually { router.even.all.count == wanted })
            router.engine.stop()
        }
        #expect(router.even.numbers == Array(0..<1000))
        #expect(router.engine.buffersInUse == 0)
    }

    @Test("a node that is added while workers run gets its packets")
    func lateNode() async throws {
        let router = try TestRouter()
        try router.engine.build()
        router.engine.start()
        defer { router.engine.stop() }
        let late = Catch()
        let interface = router.engine.createInterface("late", kind: "test")
        router.engine.attach(
            interface, output: NodeDescriptor(output: Sink.self, name: "late-tx") { _ in Sink(caught: late) })
        interface.isLinkUp = true
        // The node is installed by mail; so is the answer to this question.
        _ = await router.engine.onWorkers { $0.number }
        router.feed.send([TestPacket(9, number: 77, to: interface.index)])
        #expect(try await eventually { late.numbers == [77] })
    }
}

/// Holds a worker in the middle of a dispatch loop.
final class Gate: Sendable {
    private let isClosed = Atomic(false)
    private let waiting = Atomic(false)

    var isWaitedAt: Bool { waiting.load(ordering: .sequentiallyConsistent) }
    func close() { isClosed.store(true, ordering: .sequentiallyConsistent) }
    func open() { isClosed.store(false, ordering: .sequentiallyConsistent) }

    func pass() {
        while isClosed.load(ordering: .sequentiallyConsistent) {
            waiting.store(true, ordering: .sequentiallyConsistent)
            usleep(100)
        }
        waiting.store(false, ordering: .sequentiallyConsistent)
    }
}

struct GateInput: InputNode {
    static let name = "gate-input"

    enum Next: UInt16, NextNode {
        case packets
        var node: String { "drop" }
    }

    let gate: Gate
    let isGuarded: Bool

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        if isGuarded { gate.pass() }
        return false
    }

    /// Never sleeps, so that it comes to the gate.
    mutating func prepareToSleep() -> Bool { !isGuarded }
}
