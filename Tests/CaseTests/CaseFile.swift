// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Wire

/// A golden case as its file has it; `Tests/Cases/README.md` describes the format.
struct CaseFile: Sendable {
    /// What happens to the router in a step.
    enum Stimulus: Sendable {
        /// It has been started.
        case start
        case receive([(port: String, frames: [[UInt8]])])
        case link(port: String, LinkEvent)
        case nothing
    }

    enum LinkEvent: String, Sendable {
        /// Its link is lost, and there again.
        case down, up
        /// Its link is lost; only the workers have heard of it yet.
        case lost
    }

    /// A packet that must leave, and the line in which it is written.
    struct ExpectedPacket: Sendable {
        let notation: PacketNotation
        let line: Int
    }

    /// All that may come of a stimulus.
    struct Expectation: Sendable {
        var sent: [String: [ExpectedPacket]] = [:]
        /// By "node reason".
        var drops: [String: UInt64] = [:]
        /// Nil: nobody counts.
        var nodes: [String: UInt64]?
    }

    struct Step: Sendable {
        let stimulus: Stimulus
        /// The line in which the stimulus begins.
        let line: Int
        /// Time passes until what is expected has happened.
        var waits = false
        var expectation = Expectation()
        /// The lines that hold the expectation, from 0; empty behind the stimulus when nothing is expected.
        var expectationLines: Range<Int>
    }

    let path: String
    let lines: [String]
    /// The whole configuration.
    let router: Setting
    /// MAC addresses by port name and by static neighbour's IP.
    let stations: [String: MACAddress]
    private(set) var steps: [Step] = []

    /// - Parameter graph: The text of a graph by its name.
    init(path: String, text: String, graph: (String) throws -> String) throws {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let parts = try CasePart.split(lines)
        guard let first = parts.first, first.words.first == "graph" else {
            throw CaseError(parts.first?.line ?? 1, "a case begins with its graph")
        }
        let base = first.words.count > 1 ? try graph(first.words[1]) + "\n" : ""
        let own = first.content.map { String($0.text.dropFirst(2)) }.joined(separator: "\n")
        router = try YAMLReader.read(text: base + own, name: path)
        stations = try CaseFile.stations(router)
        for part in parts.dropFirst() { try read(part) }
        if steps.isEmpty { throw CaseError(lines.count, "nothing happens: 'in PORT', 'start' or 'wait' is missing") }
    }

    private static func stations(_ router: Setting) throws -> [String: MACAddress] {
        var stations = ["broadcast": MACAddress.broadcast, "zero": .zero]
        for entry in try router["interfaces"]?.map ?? [] {
            stations[entry.key] = (try entry.value["mac"]?.string).flatMap { MACAddress($0) }
        }
        var neighbors = router["neighbors"]
        if case .map = neighbors?.value { neighbors = neighbors?["static"] }
        for entry in try neighbors?.list ?? [] {
            guard let address = try entry["address"]?.string, let mac = try entry["mac"]?.string else { continue }
            stations[address] = MACAddress(mac)
        }
        return stations
    }

    // MARK: - Parts

    private mutating func read(_ part: CasePart) throws(CaseError) {
        switch part.words[0] {
        case "start": begin(.start, part)
        case "wait": readWait(part)
        case "in": try readInput(part)
        case "out", "drops", "nodes", "nothing": try readExpectation(part)
        default:
            guard let event = LinkEvent(rawValue: part.words[0]) else {
                throw CaseError(part.line, "'\(part.words[0])' is no part of a case")
            }
            begin(.link(port: try part.name(), event), part)
        }
    }

    private mutating func begin(_ stimulus: Stimulus, _ part: CasePart) {
        steps.append(Step(stimulus: stimulus, line: part.line, expectationLines: part.end..<part.end))
    }

    /// Behind input, time passes after it; else without any.
    private mutating func readWait(_ part: CasePart) {
        if steps.last?.expectationLines.isEmpty != true { begin(.nothing, part) }
        steps[steps.count - 1].waits = true
        steps[steps.count - 1].expectationLines = part.end..<part.end
    }

    private mutating func readInput(_ part: CasePart) throws(CaseError) {
        let port = try part.name()
        var frames: [[UInt8]] = []
        for packet in try packets(part) {
            frames += [[UInt8]](repeating: packet.notation.bytes(), count: packet.notation.count)
        }
        // Packets for several ports that follow each other come at once.
        if let last = steps.last, case .receive(let earlier) = last.stimulus, last.expectationLines.isEmpty, !last.waits
        {
            steps[steps.count - 1] = Step(
                stimulus: .receive(earlier + [(port, frames)]), line: last.line, expectationLines: part.end..<part.end)
        } else {
            begin(.receive([(port, frames)]), part)
        }
    }

    private mutating func readExpectation(_ part: CasePart) throws(CaseError) {
        guard var step = steps.popLast() else {
            throw CaseError(part.line, "an expectation stands before anything happens")
        }
        if step.expectationLines.isEmpty { step.expectationLines = part.line - 1..<part.end }
        step.expectationLines = step.expectationLines.lowerBound..<part.end
        switch part.words[0] {
        case "out":
            let packets = try packets(part).flatMap { [ExpectedPacket](repeating: $0, count: $0.notation.count) }
            step.expectation.sent[try part.name(), default: []] += packets
        case "drops": step.expectation.drops.merge(try part.counts(keyWords: 2)) { $0 + $1 }
        case "nodes": step.expectation.nodes = try part.counts(keyWords: 1)
        default: break
        }
        steps.append(step)
    }

    private func packets(_ part: CasePart) throws(CaseError) -> [ExpectedPacket] {
        var groups: [[(text: String, number: Int)]] = []
        for line in part.content {
            let isBeginning = line.text.split(separator: " ").first.map {
                PacketNotation.beginnings.contains(String($0))
            }
            if isBeginning ?? false { groups.append([]) }
            guard !groups.isEmpty else { throw CaseError(line.number, "a packet begins with 'ethernet' or 'hex'") }
            groups[groups.count - 1].append(line)
        }
        var packets: [ExpectedPacket] = []
        for group in groups {
            var words = Words(group)
            packets.append(ExpectedPacket(notation: try PacketNotation(&words, stations), line: group[0].number))
        }
        return packets
    }
}

/// A line in the first column and what is indented below it.
struct CasePart {
    let words: [String]
    /// Lines count from 1.
    let line: Int
    var content: [(text: String, number: Int)] = []
    /// The number of the last line that belongs to it; as an index, the line behind it.
    var end: Int

    static func split(_ lines: [String]) throws(CaseError) -> [CasePart] {
        var parts: [CasePart] = []
        for (index, line) in lines.enumerated() {
            let trimmed = line.drop { $0 == " " }
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            if line.first != " " {
                parts.append(
                    CasePart(words: line.split(separator: " ").map(String.init), line: index + 1, end: index + 1))
            } else if parts.isEmpty {
                throw CaseError(index + 1, "an indented line belongs to nothing")
            } else {
                parts[parts.count - 1].content.append((line, index + 1))
                parts[parts.count - 1].end = index + 1
            }
        }
        return parts
    }

    /// The port of `in PORT`, `out PORT`, `down PORT`, ....
    func name() throws(CaseError) -> String {
        guard words.count == 2 else { throw CaseError(line, "'\(words[0])' wants the name of one port") }
        return words[1]
    }

    /// Lines of `keyWords` words and a count.
    func counts(keyWords: Int) throws(CaseError) -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        for line in content {
            let words = line.text.split(separator: " ")
            guard words.count == keyWords + 1, let count = UInt64(words[keyWords]) else {
                throw CaseError(line.number, keyWords == 2 ? "a line is NODE REASON COUNT" : "a line is NODE COUNT")
            }
            counts[words[..<keyWords].joined(separator: " ")] = count
        }
        return counts
    }
}
