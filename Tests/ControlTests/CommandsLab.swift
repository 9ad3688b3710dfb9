// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing
import Wire

@testable import Ethernet

/// A small router to give commands to: lan and wan; what comes from lan as IPv4 leaves through wan, behind a feature.
@ControlPlane
final class CommandsLab {
    static let lanMAC = MACAddress(2, 0, 0, 0, 0, 1)
    static let station = MACAddress(2, 0, 0, 0, 0, 0xaa)

    let engine: Engine
    let service: CommandService
    private let queue = Queue()

    init(workers: Int = 1, overrides: Engine.Overrides = CommandsLab.overrides) throws {
        engine = try CommandsLab.declare(workers: workers, queue)
        try engine.build(overrides)
        try engine.setFeature("guard", on: "ip4-unicast", interface: engine.interfaces[0], true)
        service = CommandService(StandardCommands.all(engine))
    }

    static var overrides: Engine.Overrides {
        var overrides = Engine.Overrides()
        overrides.arcs = [("ip4-input", "next", "interface-output")]
        return overrides
    }

    /// An engine with everything declared, that is not built yet.
    /// - Parameter addingInstances: Also the nodes that a configuration would add.
    static func declare(
        workers: Int = 1, _ queue: Queue = Queue(), addingInstances: Bool = true
    ) throws -> Engine {
        var options = Engine.Options()
        options.workerCount = workers
        options.bufferCount = 2048
        let engine = try Engine(options)
        for (name, mac) in [("lan", lanMAC), ("wan", MACAddress(2, 0, 0, 0, 0, 2))] {
            let interface = engine.createInterface(name, kind: "test")
            interface.mac = mac.littleEndianValue
            interface.isLinkUp = true
            interface.setFlag(.ip4, true)
            engine.attach(
                interface, output: NodeDescriptor(output: TestOutput.self, name: "\(name)-tx") { _ in TestOutput() })
        }
        engine.interfaces[1].speed = 10_000_000_000
        engine.interfaces[1].details = [("mode", "driver"), ("queues", "2")]
        engine.add(NodeDescriptor(input: TestInput.self, name: "lan-rx") { TestInput(queue, isMine: $0.worker == 0) })
        engine.add(NodeDescriptor(EthernetInput.self) { EthernetInput($0, tags: TagTable()) })
        if addingInstances {
            for name in [
                "ip4-input", "arp-input", "ip6-input", "mpls-lookup", "bridge-input", "cross-connect", "vlan-rewrite",
            ] {
                _ = engine.addNode(name, kind: "pass")
            }
        }
        engine.add(NodeDescriptor(Guard.self) { _ in Guard() })
        engine.add(FeatureArc("ip4-unicast", by: .receive, startsAt: [("ethernet-input", "ip4")], endsAt: "ip4-input"))
        engine.add(Feature("guard", on: "ip4-unicast"))
        return engine
    }

    /// Has packets come in at lan.
    func send(_ packets: PacketBuilder...) {
        queue.frames += packets.map(\.bytes)
        engine.runToEnd()
    }

    /// A UDP packet to the router, or to another station.
    func udp(to port: UInt16 = 53, station: MACAddress = lanMAC, count: Int = 20) -> PacketBuilder {
        PacketBuilder().ethernet(from: Self.station, to: station)
            .ipv4(from: IPv4Address(192, 0, 2, 1), to: IPv4Address(198, 51, 100, 7)).udp(from: 4000, to: port)
            .payload(count: count)
    }

    // MARK: - Commands

    /// The text that a command answers with; it must succeed.
    func text(_ words: String, _ location: SourceLocation = #_sourceLocation) async -> String {
        let answer = await service.execute(words.split(separator: " ").map(String.init))
        #expect(answer.exitCode == 0, "\(answer.text)", sourceLocation: location)
        return answer.text
    }

    /// The lines of the text, each as its words.
    func table(_ words: String, _ location: SourceLocation = #_sourceLocation) async -> [[String]] {
        await text(words, location).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    /// The answer as JSON.
    func json(_ words: String, _ location: SourceLocation = #_sourceLocation) async throws -> [String: Any] {
        try CommandsLab.json(await text(words + " --json", location), location)
    }

    static func json(_ text: String, _ location: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let root = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(root as? [String: Any], sourceLocation: location)
    }

    /// The exit code and text of a command that must fail.
    func failure(_ words: [String]) async -> (code: Int32, text: String) {
        let answer = await service.execute(words)
        return (answer.exitCode, answer.text)
    }

    // MARK: - Nodes

    /// Engine and test take turns on one thread.
    final class Queue: @unchecked Sendable {
        var frames: [[UInt8]] = []
    }

    struct TestInput: InputNode {
        static let name = "test-rx"

        enum Next: UInt16, NextNode {
            case ethernet
            var node: String { "ethernet-input" }
        }

        let queue: Queue
        let isMine: Bool

        init(_ queue: Queue, isMine: Bool) {
            self.queue = queue
            self.isMine = isMine
        }

        var isFinished: Bool { !isMine || queue.frames.isEmpty }

        mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
            guard isMine else { return false }
            let frames = queue.frames.prefix(context.allocate(min(queue.frames.count, Frame.capacity), into: frame))
            queue.frames.removeFirst(frames.count)
            for (position, bytes) in frames.enumerated() {
                let packet = context.packet(frame[position])
                packet.header.data.copyMemory(from: bytes, byteCount: bytes.count)
                packet.header.length = UInt32(bytes.count)
                packet.header.rxInterface = 1
                packet.header.txInterface = 2
                context.countReceived(packets: 1, bytes: bytes.count, interface: 1)
            }
            return !frames.isEmpty
        }
    }

    struct TestOutput: OutputNode {
        static let name = "test-tx"

        mutating func process(_ frame: Frame, _ context: Context) {
            for position in 0..<frame.count { context.decide(position, Verdict<NoNext, NoReason>.kept) }
            context.free(frame.indices, count: frame.count)
        }

        mutating func flush(_ context: Context) -> Bool { true }
    }

    /// Lets no packet to UDP port 666 pass.
    struct Guard: Node {
        static let name = "guard"

        enum Reason: UInt16, DropReason {
            case beast
            var text: String { "the port is forbidden" }
        }

        struct Trace: TraceRecord {
            var port: UInt16 = 0
            init() {}
            var description: String { "port \(port)" }
        }

        mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
            let bytes = packet.bytes
            guard bytes.count >= 28 else { return .nextFeature }
            trace.port = bytes.network(at: 22, as: UInt16.self)
            return trace.port == 666 ? .drop(.beast) : .nextFeature
        }
    }
}
