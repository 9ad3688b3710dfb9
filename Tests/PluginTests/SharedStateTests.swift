// SPDX-License-Identifier: Apache-2.0
import Graph
import Interfaces
import Testing

/// Brings packets for ever.
private struct EndlessInput: InputNode {
    static let name = "endless-input"

    enum Next: UInt16, NextNode {
        case check
        var node: String { Checker.name }
    }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        let count = context.allocate(32, into: frame)
        for position in 0..<count { context.packet(frame[position]).header.length = 60 }
        return count > 0
    }
}

/// Two words that belong together.
private struct Pair: BitwiseCopyable, Sendable {
    var number: UInt64 = 0
    var inverse: UInt64 = ~0
}

private struct Seen: BitwiseCopyable {
    var packets: UInt64 = 0
    var mixtures: UInt64 = 0
    var latest: UInt64 = 0
}

/// Looks at a published value for each packet.
private struct Checker: Node {
    static let name = "checker"

    enum Next: UInt16, NextNode {
        case done
        var node: String { "sink" }
    }

    let pair: Published<Pair>.Reader
    let seen: PerWorker<Seen>.Slot

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> {
        let pair = pair.current
        seen.value.packets &+= 1
        seen.value.latest = pair.value.number
        if pair.value.inverse != ~pair.value.number { seen.value.mixtures &+= 1 }
        return .to(.done)
    }
}

@Suite("What a feature shares with the workers")
@ControlPlane
struct SharedStateTests {
    @Test(
        "workers see one version or the next, never a mixture, while the control side changes it",
        .timeLimit(.minutes(15)))
    func published() async throws {
        var options = Engine.Options()
        options.bufferCount = 1024
        options.workerCount = 2
        let engine = try Engine(options)
        let pair = Published(Pair())
        let seen = PerWorker(Seen(), workerCount: 2)
        engine.add(NodeDescriptor(input: EndlessInput.self) { _ in EndlessInput() })
        engine.add(
            NodeDescriptor(Checker.self) { [pair = pair.reader] seat in
                Checker(pair: pair, seen: seen.slot(seat.worker))
            })
        engine.add(NodeDescriptor(output: NullOutput.self, name: "sink") { _ in NullOutput() })
        try engine.build()
        engine.start()
        for number in 1...2000 as ClosedRange<UInt64> {
            pair.set(Pair(number: number, inverse: ~number), on: engine)
            if number % 100 == 0 { await engine.synchronize() }
        }
        await engine.synchronize()
        let before = seen.values.map(\.packets)
        while zip(seen.values, before).contains(where: { $0.packets == $1 }) { await Task.yield() }
        engine.stop()
        #expect(seen.values.allSatisfy { $0.packets > 0 })
        #expect(seen.values.map(\.mixtures) == [0, 0])
        #expect(seen.values.map(\.latest) == [2000, 2000])
        #expect(pair.value.number == 2000)
        #expect(engine.buffersInUse == 0)
    }

    @Test("each worker has a place of its own, on cache lines of its own")
    func perWorker() {
        let values = PerWorker((UInt64(1), UInt64(2)), workerCount: 3)
        let slots = (0..<3).map { values.slot($0) }
        for (worker, slot) in slots.enumerated() { slot.value.0 &+= UInt64(worker) }
        #expect(values.values.map(\.0) == [1, 2, 3])
        #expect(values.values.map(\.1) == [2, 2, 2])
        let addresses = slots.map { slot in withUnsafePointer(to: &slot.value) { UInt(bitPattern: $0) } }
        #expect(addresses.allSatisfy { $0 % 128 == 0 })
        #expect(Set(addresses).count == 3)
    }
}
