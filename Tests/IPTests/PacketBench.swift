// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

/// A router with test ports, stepped by hand: packets in, packets out, and nothing else may happen.
@ControlPlane
final class PacketBench {
    let engine: Engine
    let registry: Registry
    private(set) var ports: [BenchPort] = []

    /// - Parameter modules: Loaded in this order.
    init(_ modules: [any Module.Type], bufferCount: Int = 4096, workerCount: Int = 1) throws {
        var options = Engine.Options()
        options.bufferCount = bufferCount
        options.workerCount = workerCount
        engine = try Engine(options)
        registry = Registry(engine: engine)
        for module in modules { PacketBench.load(module, in: registry) }
    }

    private static func load<M: Module>(_ type: M.Type, in registry: Registry) { registry.load(type) }

    @discardableResult
    func addPort(_ name: String, mac: MACAddress, mtu: Int = 1500) -> BenchPort {
        let port = BenchPort(name, mac: mac, mtu: mtu, engine: engine)
        ports.append(port)
        return port
    }

    /// Builds the graph and starts the modules; what they send at once is discarded.
    func start() throws {
        try engine.build()
        for module in registry.modules { try module.start() }
        settle()
        for port in ports { _ = port.takeSent() }
    }

    /// Steps until nothing is under way any more. Timers that are not due yet do not count.
    func settle() { while engine.step() {} }

    /// Steps until `condition` holds; gives up after a time that no working router needs.
    func step(until condition: () -> Bool) -> Bool {
        let deadline = Clock.now &+ Clock.ticks(milliseconds: 20_000)
        while !condition() {
            if Clock.now > deadline { return false }
            engine.step()
        }
        return true
    }

    // MARK: - Send and expect

    /// What is to come of packets: the frames on each port in their order, and the drops. All ports and all drop
    /// counters not named stay as they are, and no buffer is lost.
    struct Outcome: Equatable {
        /// By the port's name; ports on which nothing leaves are left out.
        var frames: [String: [[UInt8]]] = [:]
        /// By "node/reason".
        var drops: [String: UInt64] = [:]

        init(frames: [String: [[UInt8]]] = [:], drops: [String: UInt64] = [:]) {
            self.frames = frames
            self.drops = drops
        }
    }

    /// Has the frames come in, one by one in their order, and says what came of them.
    func outcome(of frames: [(port: BenchPort, frame: [UInt8])]) -> Outcome {
        let before = drops
        for (port, frame) in frames { port.send(frame) }
        settle()
        return outcome(since: before)
    }

    /// What happened since the drop counters stood as `before`.
    func outcome(since before: [String: UInt64]) -> Outcome {
        var outcome = Outcome()
        for (reason, count) in drops where count != before[reason] ?? 0 {
            outcome.drops[reason] = count - (before[reason] ?? 0)
        }
        for port in ports {
            let sent = port.takeSent()
            if !sent.isEmpty { outcome.frames[port.name] = sent }
        }
        return outcome
    }

    /// Has frames come in at `port` and compares everything that came of them.
    @discardableResult
    func send(
        _ frames: [[UInt8]], at port: BenchPort, expect frameLists: [(BenchPort, [[UInt8]])] = [],
        drops: [String: UInt64] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) -> Outcome {
        let expected = Outcome(
            frames: Dictionary(uniqueKeysWithValues: frameLists.filter { !$0.1.isEmpty }.map { ($0.0.name, $0.1) }),
            drops: drops)
        let seen = outcome(of: frames.map { (port, $0) })
        for difference in PacketBench.differences(seen, expected) {
            Issue.record(Comment(rawValue: difference), sourceLocation: sourceLocation)
        }
        checkBalance(sourceLocation)
        return seen
    }

    /// No buffer is held or lost.
    func checkBalance(_ sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(engine.buffersInUse == 0, "buffers are missing", sourceLocation: sourceLocation)
    }

    /// Each difference in words; none when the outcomes are equal.
    static func differences(_ seen: Outcome, _ expected: Outcome) -> [String] {
        var found: [String] = []
        for port in Set(seen.frames.keys).union(expected.frames.keys).sorted() {
            let (frames, wanted) = (seen.frames[port] ?? [], expected.frames[port] ?? [])
            if frames.count != wanted.count {
                found.append("\(port): \(frames.count) frames left, not \(wanted.count)\n" + listing(frames))
            }
            for (position, (one, other)) in zip(frames, wanted).enumerated() where one != other {
                found.append(
                    "\(port): frame \(position) is\n\(listing([one]))\nnot\n\(listing([other]))\nthey differ from byte "
                        + "\(zip(one, other).prefix { $0 == $1 }.count)")
            }
        }
        for reason in Set(seen.drops.keys).union(expected.drops.keys).sorted()
        where seen.drops[reason] != expected.drops[reason] {
            found.append("\(reason): \(seen.drops[reason] ?? 0) drops, not \(expected.drops[reason] ?? 0)")
        }
        return found
    }

    private static func listing(_ frames: [[UInt8]]) -> String {
        frames.prefix(8).map { PacketDescription($0).listing }.joined(separator: "\n")
    }

    /// All drops so far, by "node/reason".
    var drops: [String: UInt64] {
        engine.dropSamples().reduce(into: [:]) { $0["\($1.node)/\($1.reason)", default: 0] += $1.count }
    }
}
