// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import GraphTestSupport
import Logging
import Synchronization
import Testing
import Wire

@testable import Interfaces

/// A router with the interface drivers and a graph of two nodes: what one interface receives, another sends.
@ControlPlane
final class DriverLab {
    let engine: Engine
    let log = LogLines()
    private let registry: Registry
    private let wiring = Wiring()
    /// A folder for the test's files, which goes with the lab.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID())").path

    init(workers: Int = 1, buffers: Int = 2048) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var options = Engine.Options()
        options.workerCount = workers
        options.bufferCount = buffers
        options.cores = [Int?](repeating: nil, count: workers)
        let lines = log
        engine = try Engine(options, log: Logger(label: "lab") { _ in lines })
        registry = Registry(engine: engine)
        registry.load(InterfacesModule.self)
        let (wiring, table) = (wiring, engine.interfaceTable)
        engine.add(NodeDescriptor(Crossing.self) { _ in Crossing(wiring: wiring, interfaces: table) })
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ file: String) -> String { "\(folder)/\(file)" }

    /// What is wrong with an entry of the section `interfaces`, schema first, and what creates it.
    func read(_ name: String, _ entry: Node) throws -> @ControlPlane () throws -> Interface {
        let setting = entry.setting("interfaces.\(name)")
        let variants = registry.drivers.map { Schema.Variant($0.kind, $0.doc, $0.keys) }
        let errors = Schema.variants(by: "type", variants).validate(setting)
        guard errors.isEmpty else { throw ConfigurationErrors(errors) }
        let kind = try #require(try? setting["type"]?.string)
        let driver = try #require(registry.drivers.first { $0.kind == kind })
        return try driver.read(name, setting)
    }

    @discardableResult
    func add(_ name: String, _ entry: Node) throws -> Interface { try read(name, entry)() }

    /// The text of the error that an entry leads to; nil when there is none.
    func problem(_ entry: Node, name: String = "wan0") -> String? {
        do {
            _ = try add(name, entry)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// From now on what `source` receives leaves through `target`.
    func connect(_ source: Interface, to target: Interface) { wiring.set(source.index, target.index) }

    /// Drops as "node reason" with their number, of all workers.
    var drops: [String: UInt64] {
        Dictionary(engine.dropSamples().map { ("\($0.node) \($0.reason)", $0.count) }, uniquingKeysWith: +)
    }

    /// Writes a capture and returns its path.
    func capture(
        _ file: String, _ packets: [[UInt8]], time: (Int) -> UInt64 = { 1_700_000_000_000_000_000 + UInt64($0) }
    ) throws
        -> String
    {
        let writer = try CaptureWriter(path: path(file))
        for (number, packet) in packets.enumerated() {
            var packet = packet
            try packet.withBytes { try writer.write($0, nanoseconds: time(number)) }
        }
        try writer.close()
        return path(file)
    }

    /// A capture's records.
    func records(_ file: String) throws -> [(bytes: [UInt8], nanoseconds: UInt64)] {
        let reader = try CaptureReader(path: path(file))
        var records: [(bytes: [UInt8], nanoseconds: UInt64)] = []
        while let record = try reader.next() { records.append((Array(record.bytes), record.nanoseconds)) }
        return records
    }

    /// A written entry: `["type": "pcap", "read": "in.pcap"]`.
    indirect enum Node: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
        ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringInterpolation
    {
        case scalar(String)
        case list([Node])
        case map([(String, Node)])

        init(stringLiteral value: String) { self = .scalar(value) }
        init(integerLiteral value: Int) { self = .scalar("\(value)") }
        init(booleanLiteral value: Bool) { self = .scalar("\(value)") }
        init(arrayLiteral elements: Node...) { self = .list(elements) }
        init(dictionaryLiteral elements: (String, Node)...) { self = .map(elements) }

        func setting(_ path: String) -> Setting {
            let mark = Mark(file: "router.yaml", line: 1, column: 1)
            switch self {
            case .scalar(let text): return Setting(.scalar(text), at: mark, path: path)
            case .list(let nodes):
                let elements = nodes.enumerated().map { $1.setting(Setting.path(path, index: $0)) }
                return Setting(.list(elements), at: mark, path: path)
            case .map(let members):
                let entries = members.map { key, node in
                    Setting.Entry(key: key, mark: mark, value: node.setting(Setting.path(path, key: key)))
                }
                return Setting(.map(entries), at: mark, path: path)
            }
        }
    }
}

/// Which interface a packet leaves through, by the one that it came from.
final class Wiring: Sendable {
    private let targets = Mutex<[InterfaceIndex: InterfaceIndex]>([:])

    func set(_ source: InterfaceIndex, _ target: InterfaceIndex) { targets.withLock { $0[source] = target } }
    func target(_ source: InterfaceIndex) -> InterfaceIndex? { targets.withLock { $0[source] } }
}

/// Stands in for the whole router between the input nodes and `interface-output`.
struct Crossing: Graph.Node {
    static let name = "ethernet-input"

    enum Next: UInt16, NextNode {
        case output
        var node: String { InterfaceOutput.name }
    }

    enum Reason: UInt16, DropReason {
        case notConnected
        var text: String { "the test connected this interface to none" }
    }

    let wiring: Wiring
    let interfaces: InterfaceTable

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, Reason> {
        guard let target = wiring.target(packet.header.rxInterface) else { return .drop(.notConnected) }
        packet.header.txInterface = target
        return .to(.output)
    }
}

/// Waits until `condition` holds, with a limit that only a hang reaches.
@ControlPlane
func eventually(_ condition: @ControlPlane () throws -> Bool) async rethrows -> Bool {
    for _ in 0..<2000 {
        if try condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try condition()
}
