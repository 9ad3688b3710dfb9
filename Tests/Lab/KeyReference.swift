// SPDX-License-Identifier: Apache-2.0
import Graph

/// The configuration's keys as Markdown tables, made from the schema that checks them.
struct KeyReference {
    private struct Row {
        let path: String
        let value: String
        let doc: String
    }

    private var rows: [Row] = []

    /// One heading and table per section of the file, in the order of their names.
    static func markdown(_ schema: Schema) -> String {
        guard case .object(let keys) = schema.kind else { return "" }
        return keys.sorted { $0.name < $1.name }.map(section).joined(separator: "\n")
    }

    private static func section(_ key: Schema.Key) -> String {
        var text = "### `\(key.name)`\n\n\(sentence(key.doc))\n"
        if case .map(let value, _) = key.schema.kind, case .variants(let word, _, let common, let variants) = value.kind
        {
            let path = "\(key.name).NAME"
            text += "\nEvery kind of \(path.dropLast(".NAME".count).dropLast()) has:\n\n"
            text += table(
                common, path,
                first: Row(
                    path: "\(path).\(word)", value: alternatives(variants.map(\.word)), doc: "The kind; required"))
            for variant in variants {
                text += "\n`\(word): \(variant.word)`: \(sentence(variant.doc))\n\n" + table(variant.keys, path)
            }
            return text
        }
        var reference = KeyReference()
        reference.add(key.schema, path: key.name, doc: "")
        return text + "\n" + table(reference.rows)
    }

    private static func table(_ keys: [Schema.Key], _ path: String, first: Row? = nil) -> String {
        var reference = KeyReference(rows: first.map { [$0] } ?? [])
        reference.add(keys, path: path)
        return table(reference.rows)
    }

    private static func table(_ rows: [Row]) -> String {
        let lines = rows.map { "| `\($0.path)` | \(escaped($0.value)) | \(escaped($0.doc)) |" }
        return (["| Key | Value | Meaning |", "| --- | --- | --- |"] + lines).joined(separator: "\n") + "\n"
    }

    // MARK: - Rows

    private mutating func add(_ keys: [Schema.Key], path: String) {
        for key in keys {
            let doc = key.isRequired ? "\(key.doc); required" : key.doc
            add(key.schema, path: "\(path).\(key.name)", doc: doc)
        }
    }

    /// A row for the value itself, and rows for what is in it.
    private mutating func add(_ schema: Schema, path: String, doc: String) {
        if !doc.isEmpty { rows.append(Row(path: path, value: KeyReference.value(schema), doc: doc)) }
        switch schema.kind {
        case .object(let keys): add(keys, path: path)
        case .map(let value, _): add(value, path: path + ".NAME", doc: "")
        case .list(let element, _): add(element, path: path + "[]", doc: "")
        case .either(let alternatives): addOnce(alternatives, path: path)
        case .variants(_, _, let common, let variants):
            add(common, path: path)
            for variant in variants { add(variant.keys, path: path) }
        case .anything, .boolean, .integer, .number, .text, .choice: break
        }
    }

    /// Alternatives of one value may share keys, such as one route and a list of routes.
    private mutating func addOnce(_ alternatives: [Schema], path: String) {
        var seen = Set<String>()
        for alternative in alternatives {
            var part = KeyReference()
            part.add(alternative, path: path, doc: "")
            for row in part.rows where seen.insert(row.path.filter { $0 != "[" && $0 != "]" }).inserted {
                rows.append(row)
            }
        }
    }

    // MARK: - Words

    private static func value(_ schema: Schema) -> String {
        switch schema.kind {
        case .anything: "anything"
        case .boolean: "`true` or `false`"
        case .integer(let range): bounds(range)
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .text(let format):
            format.name == Schema.Format.any.name ? "text" : "\(format.name), like \(format.example)"
        case .choice(let words): alternatives(words)
        case .list(let element, _): "list: \(value(element))"
        case .object, .variants: "map"
        case .map: "map by name"
        case .either(let alternatives): alternatives.map(value).joined(separator: "; or ")
        }
    }

    private static func bounds(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (.min, .max): "a whole number"
        case (let low, .max): "\(low) or more"
        case (let low, let high): "\(low) to \(high)"
        }
    }

    private static func alternatives(_ words: [String]) -> String {
        let quoted = words.map { "`\($0)`" }
        guard quoted.count > 1 else { return quoted.first ?? "" }
        return quoted.dropLast().joined(separator: ", ") + " or " + quoted[quoted.count - 1]
    }

    private static func sentence(_ text: String) -> String { text.isEmpty || text.hasSuffix(".") ? text : text + "." }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
