// SPDX-License-Identifier: Apache-2.0
import Graph

/// Lays a report's blocks out as text, in the manner of VPP: columns two spaces apart, a header line, no rules and no
/// colour.
public enum TextRenderer {
    /// The text with a newline at its end; empty when there is nothing to say.
    public static func render(_ blocks: [TextBlock]) -> String {
        var lines: [String] = []
        for block in blocks {
            switch block {
            case .heading(let text):
                if !lines.isEmpty { lines.append("") }
                lines.append(clean(text))
            case .lines(let texts):
                lines += texts.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false).map { clean($0) } }
            case .facts(let facts):
                lines += table([.left(""), .left("")], facts.map { [$0.name, $0.value] })
            case .table(let columns, let rows):
                lines += table(columns, [columns.map(\.title)] + rows)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func table(_ columns: [TextBlock.Column], _ rows: [[String]]) -> [String] {
        let rows = rows.map { $0.map { clean($0) } }
        let widths = columns.indices.map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = zip(columns, widths).enumerated().map { index, column in
                let text = row.indices.contains(index) ? row[index] : ""
                let padding = String(repeating: " ", count: column.1 - text.count)
                return column.0.isRight ? padding + text : text + padding
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Without control characters: a name from outside must not steer the reader's terminal.
    private static func clean(_ text: some StringProtocol) -> String {
        let isControl: (Unicode.Scalar) -> Bool = { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
        guard text.unicodeScalars.contains(where: isControl) else { return String(text) }
        var cleaned = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { cleaned.append(isControl(scalar) ? "?" : scalar) }
        return String(cleaned)
    }
}
