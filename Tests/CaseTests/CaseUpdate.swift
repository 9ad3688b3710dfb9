// SPDX-License-Identifier: Apache-2.0

extension CaseFile {
    /// The file's text with what came out in place of what was expected, for review. Steps that came out as expected
    /// keep their lines.
    func text(updatedBy outcomes: [StepOutcome]) -> String {
        var lines = lines
        for (step, outcome) in zip(steps, outcomes).reversed() where !CaseMismatch.all(step, outcome).isEmpty {
            lines.replaceSubrange(step.expectationLines, with: expectationLines(step, outcome))
        }
        return lines.joined(separator: "\n")
    }

    private func expectationLines(_ step: Step, _ outcome: StepOutcome) -> [String] {
        var lines: [String] = []
        for port in outcome.sent.keys.sorted() {
            let kept = step.expectation.sent[port] ?? []
            lines.append("out \(port)")
            for (number, frame) in outcome.sent[port, default: []].enumerated() {
                let isRight = number < kept.count && kept[number].notation.bytes(adopting: frame) == frame
                lines += isRight ? packetLines(kept[number]) : CaseFile.wrapped(PacketWriter.text(frame, stations))
            }
        }
        lines += CaseFile.countLines("drops", outcome.drops)
        if step.expectation.nodes != nil { lines += CaseFile.countLines("nodes", outcome.nodes) }
        return lines.isEmpty ? ["nothing"] : lines
    }

    /// The lines in which a packet is written, as they stand.
    private func packetLines(_ packet: ExpectedPacket) -> [String] {
        let rest = lines[packet.line...].prefix { line in
            let word = line.split(separator: " ").first.map(String.init) ?? ""
            return line.hasPrefix(" ") && !word.isEmpty && !PacketNotation.beginnings.contains(word)
        }
        // `times` would count the packet again, which stands here once for each time.
        return ([lines[packet.line - 1]] + rest).map { $0.replacing(#/ times \d+/#, with: "") }
    }

    private static func countLines(_ title: String, _ counts: [String: UInt64]) -> [String] {
        counts.isEmpty ? [] : [title] + counts.sorted { $0.key < $1.key }.map { "  \($0.key) \($0.value)" }
    }

    /// A packet's words in lines of 120 columns, the first indented less than those after it.
    static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= 120 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append((lines.isEmpty ? "  " : "    ") + word)
            }
        }
        return lines
    }
}
