// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Interfaces
import Testing

/// Brings the packets of a list into the graph, all at once, and is finished.
struct ListInput: InputNode {
    static let name = "list-input"

    enum Next: UInt16, NextNode {
        case ip4
        var node: String { "ip4-input" }
    }

    let packets: [[UInt8]]
    let interface: InterfaceIndex
    var next = 0

    var isFinished: Bool { next == packets.count }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        let count = context.allocate(min(packets.count - next, Frame.capacity), into: frame)
        for position in 0..<count {
            let packet = context.packet(frame[position])
            packet.header.data.copyMemory(from: packets[next], byteCount: packets[next].count)
            packet.header.length = UInt32(packets[next].count)
            packet.header.rxInterface = interface
            next += 1
        }
        return count > 0
    }
}

/// Where the feature arc begins, without the real node's checks.
struct PlainIP4Input: Node {
    static let name = "ip4-input"

    enum Next: UInt16, NextNode {
        case lookup
        var node: String { "ip4-lookup" }
    }

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> { .to(.lookup) }
}

/// A graph just large enough for a feature on `ip4-unicast`: packets go from the list by way of
/// `ip4-input` to `ip4-lookup`, which takes them.
@ControlPlane
struct PluginLab {
    let engine: Engine
    let registry: Registry
    let interfaces: [Interface]

    /// - Parameter packets: IPv4 packets without link headers, received by the interface `wan0`.
    init(_ packets: [[UInt8]] = [], workerCount: Int = 1) throws {
        var options = Engine.Options()
        options.bufferCount = 1024
        options.workerCount = workerCount
        engine = try Engine(options)
        registry = Registry(engine: engine)
        let names = ["wan0", "lan0"]
        interfaces = names.map { [engine] in engine.createInterface($0, kind: "test") }
        let receiving = interfaces[0].index
        registry.add(
            NodeDescriptor(input: ListInput.self) { seat in
                ListInput(packets: seat.worker == 0 ? packets : [], interface: receiving)
            })
        registry.add(NodeDescriptor(PlainIP4Input.self) { _ in PlainIP4Input() })
        registry.add(NodeDescriptor(output: NullOutput.self, name: "ip4-lookup") { _ in NullOutput() })
    }

    /// Adds the feature arc; apart, since a plugin must also fail well without it.
    func addFeatureArc() {
        registry.add(
            FeatureArc("ip4-unicast", by: .receive, startsAt: [("ip4-input", "lookup")], endsAt: "ip4-lookup"))
    }

    /// Builds the graph and applies `section` of the file's text as the router does.
    func apply(_ text: String) throws {
        let file = try YAMLReader.read(text: text, name: "r.yaml")
        var applications: [Section.Application] = []
        for section in registry.sections {
            guard let setting = file[section.key] else { continue }
            #expect(section.schema.validate(setting).map(\.description) == [])
            applications.append(try section.read(setting))
        }
        try engine.build()
        for application in applications { try application() }
    }

    /// The text and the JSON of a command's answer.
    func run(_ line: String) async throws -> (text: String, json: String) {
        let command = try CommandGrammar(registry.commands).resolve(CommandGrammar.Line(line).allWords)
        let report = try await command.command.handler(command.arguments)
        return (TextRenderer.render(report.body), JSONRenderer.render(report))
    }

    var drops: [String: UInt64] {
        Dictionary(engine.dropSamples().map { ("\($0.node) \($0.reason)", $0.count) }, uniquingKeysWith: +)
    }

    func packets(at node: String) -> UInt64 {
        engine.nodeSamples().filter { $0.node == node }.reduce(0) { $0 + $1.counters.packets }
    }
}
