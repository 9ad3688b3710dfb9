// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// A router with the test ports a, b, c and d, stepped by hand, and whatever else a test's file says.
@ControlPlane
struct BridgeLab {
    let router: Router
    let ports: TestPorts

    var engine: Engine { router.engine }
    var store: BridgeStore { router.registry.module(EthernetModule.self)!.bridges }

    /// - Parameters:
    ///   - bridges: Lines of the section `bridges`, each indented by two spaces or more.
    ///   - interfaces: Further lines of the section `interfaces`.
    init(_ bridges: String, interfaces: String = "") throws {
        router = try Router(
            YAMLReader.read(text: BridgeLab.file(bridges, interfaces), name: "b.yaml"), modules: [TestPorts.self])
        try router.prepare()
        ports = router.registry.module(TestPorts.self)!
        settle()
        _ = takeSent()
    }

    static func file(_ bridges: String, _ interfaces: String) -> String {
        var text = "interfaces:\n"
        for (number, name) in ["a", "b", "c", "d"].enumerated() {
            text += "  \(name): {type: test, mac: 02:00:00:00:00:0\(number + 1)}\n"
        }
        return text + interfaces + "bridges:\n" + bridges
    }

    /// What is wrong with such a file.
    static func errors(_ bridges: String, interfaces: String = "") -> [String] {
        do {
            _ = try BridgeLab(bridges, interfaces: interfaces)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.all.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    func settle() { while engine.step() {} }

    /// Station n.
    static func mac(_ number: Int) -> MACAddress { MACAddress(0x0a00_0000_0000 | UInt64(number)) }

    /// A frame from one station to another.
    static func frame(_ source: Int, _ destination: Int, vlan: UInt16? = nil, note: UInt8 = 0) -> [UInt8] {
        frame(mac(source), mac(destination), vlan: vlan, note: note)
    }

    static func frame(_ source: MACAddress, _ destination: MACAddress, vlan: UInt16? = nil, note: UInt8 = 0) -> [UInt8]
    {
        let plain = PacketBuilder().ethernet(from: source, to: destination, type: vlan == nil ? .experimental : nil)
        let tagged = vlan.map { plain.vlan(VLANTag(identifier: $0, priority: 3), type: .experimental) } ?? plain
        return tagged.payload([note] + [UInt8](repeating: 0x55, count: 45)).bytes
    }

    /// What comes of frames: those that left, by port, and drops by "node/reason".
    struct Outcome: Equatable {
        var frames: [String: [[UInt8]]] = [:]
        var drops: [String: UInt64] = [:]
    }

    func takeSent() -> [String: [[UInt8]]] {
        ports.ports.reduce(into: [:]) { sent, port in
            let frames = port.takeSent()
            if !frames.isEmpty { sent[port.name] = frames }
        }
    }

    private var drops: [String: UInt64] {
        engine.dropSamples().reduce(into: [:]) { $0["\($1.node)/\($1.reason)", default: 0] += $1.count }
    }

    /// Packets that were dropped so far, whatever for.
    var dropCount: UInt64 { engine.dropSamples().reduce(0) { $0 + $1.count } }

    /// Has frames come in as one vector, and compares everything that comes of them.
    func send(
        _ frames: [[UInt8]], at port: String, expect: [String: [[UInt8]]] = [:], drops expected: [String: UInt64] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let before = drops
        ports[port]?.receive(frames)
        settle()
        let dropped = drops.compactMapValues { $0 > 0 ? $0 : nil }.reduce(into: [String: UInt64]()) { sum, one in
            let count = one.value - (before[one.key] ?? 0)
            if count > 0 { sum[one.key] = count }
        }
        let outcome = Outcome(frames: takeSent(), drops: dropped)
        #expect(outcome == Outcome(frames: expect, drops: expected), sourceLocation: sourceLocation)
        #expect(engine.bufferUse().inUse == 0, "buffers are missing", sourceLocation: sourceLocation)
    }

    /// Has stations heard of, each behind its port; what that floods is forgotten.
    func learn(_ stations: [(Int, port: String)]) {
        for (number, port) in stations {
            ports[port]?.receive([BridgeLab.frame(BridgeLab.mac(number), .broadcast)])
            settle()
        }
        _ = takeSent()
    }

    /// Behind which member a station is.
    func port(of number: Int, in domain: UInt16 = 1) -> String? {
        let value = store.fdb.lookUp(FDBKey(BridgeLab.mac(number).littleEndianValue, domain: domain))
        return store.member(port: value.port)?.interface.name
    }

    /// The rows of a command's tables, its facts and its lines.
    func run(_ line: String) async throws -> [[String]] {
        let resolved = try CommandGrammar(router.commands).resolve(line.split(separator: " ").map(String.init))
        return try await resolved.command.handler(resolved.arguments).body.flatMap { block in
            switch block {
            case .table(_, let rows): rows
            case .facts(let facts): facts.map { [$0.name, $0.value] }
            case .lines(let lines): lines.map { [$0] }
            case .heading(let text): [[text]]
            }
        }
    }
}

extension EtherType {
    /// Local experimental EtherType 1 (IEEE 802 section 9.2.3).
    static let experimental = EtherType(rawValue: 0x88b5)
}
