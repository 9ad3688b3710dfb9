// SPDX-License-Identifier: Apache-2.0
import Wire

/// One thing that came out otherwise than expected.
struct CaseMismatch: CustomStringConvertible {
    /// The line of the expectation, or of the step.
    let line: Int
    let text: String

    var description: String { "line \(line): \(text)" }

    /// Everything about a step's outcome that is not as expected; nothing is allowed that is not named.
    static func all(_ step: CaseFile.Step, _ outcome: StepOutcome) -> [CaseMismatch] {
        let expected = step.expectation
        var found: [CaseMismatch] = []
        for port in Set(expected.sent.keys).union(outcome.sent.keys).sorted() {
            found += packets(port, expected.sent[port] ?? [], outcome.sent[port] ?? [], step)
        }
        found += counts("drops", expected.drops, outcome.drops, step)
        if let nodes = expected.nodes { found += counts("packets at", nodes, outcome.nodes, step) }
        found += outcome.miscounts.map { CaseMismatch(line: step.line, text: $0) }
        if outcome.buffersInUse != 0 {
            let text = outcome.buffersInUse > 0 ? "never came back" : "were freed twice"
            found.append(CaseMismatch(line: step.line, text: "\(abs(outcome.buffersInUse)) buffers \(text)"))
        }
        return found
    }

    private static func packets(
        _ port: String, _ expected: [CaseFile.ExpectedPacket], _ actual: [[UInt8]], _ step: CaseFile.Step
    ) -> [CaseMismatch] {
        var found: [CaseMismatch] = []
        for (number, (wanted, frame)) in zip(expected, actual).enumerated() {
            let bytes = wanted.notation.bytes(adopting: frame)
            if bytes == frame { continue }
            let text =
                "packet \(number + 1) from \(port) is another:\n"
                + PacketDifference(expected: bytes, actual: frame).text
            found.append(CaseMismatch(line: wanted.line, text: text))
        }
        for wanted in expected.dropFirst(actual.count) {
            let text = "this packet did not leave \(port):\n" + PacketDescription(wanted.notation.bytes()).listing
            found.append(CaseMismatch(line: wanted.line, text: text))
        }
        for frame in actual.dropFirst(expected.count) {
            let text = "nobody expected this packet from \(port):\n" + PacketDescription(frame).listing
            found.append(CaseMismatch(line: step.line, text: text))
        }
        return found
    }

    private static func counts(
        _ what: String, _ expected: [String: UInt64], _ actual: [String: UInt64], _ step: CaseFile.Step
    ) -> [CaseMismatch] {
        Set(expected.keys).union(actual.keys).sorted().compactMap { key in
            let (wanted, found) = (expected[key] ?? 0, actual[key] ?? 0)
            return wanted == found
                ? nil : CaseMismatch(line: step.line, text: "\(what) \(key): \(found), \(wanted) expected")
        }
    }
}

/// Two packets side by side, header by header, and the first byte in which they differ.
struct PacketDifference {
    let expected: [UInt8]
    let actual: [UInt8]

    var text: String {
        let wanted = PacketDescription(expected).listing.split(separator: "\n")
        let found = PacketDescription(actual).listing.split(separator: "\n")
        var lines: [String] = []
        for row in 0..<max(wanted.count, found.count) {
            let (left, right) = (row < wanted.count ? wanted[row] : nil, row < found.count ? found[row] : nil)
            if left == right {
                lines.append("    \(left ?? "")")
            } else {
                if let left { lines.append("  - \(left)") }
                if let right { lines.append("  + \(right)") }
            }
        }
        let same = zip(expected, actual).prefix { $0 == $1 }.count
        lines.append("  from byte \(same): expected \(bytes(expected, same)), got \(bytes(actual, same))")
        return lines.joined(separator: "\n")
    }

    private func bytes(_ frame: [UInt8], _ offset: Int) -> String {
        offset < frame.count ? hexadecimalText(frame[offset...].prefix(12)) : "the end"
    }
}
