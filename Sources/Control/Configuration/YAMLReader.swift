// SPDX-License-Identifier: Apache-2.0
import Graph
import Yams

/// Reads YAML into a ``Setting`` tree in which every value knows its line and column.
///
/// Scalars stay text: what is a number is for the schema to say, so that `mac: 02:00:00:00:00:01` and `name: no` mean
/// what they look like. Anchors, aliases and merge keys (`<<`) are understood. A key that is written twice is an error,
/// as is a second document.
public struct YAMLReader {
    /// Values nested deeper than this are a mistake or an attack.
    private static let deepest = 64

    private let file: String
    /// Aliases can make a small file expand without end; no honest file has more values than this.
    private var allowance: Int

    /// Reads the file at `path`.
    public static func read(file path: String) throws(ConfigurationError) -> Setting {
        try read(text: TextFile.read(path), name: path)
    }

    /// Reads `text`; `name` stands for the file in errors.
    public static func read(text: String, name: String) throws(ConfigurationError) -> Setting {
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw ConfigurationError(error, file: name, text: text)
        } catch {
            throw ConfigurationError(at: nil, path: name, "\(error)")
        }
        let start = Graph.Mark(file: name, line: 1, column: 1)
        guard let root else { return Setting(.null, at: start, path: "") }
        var reader = YAMLReader(file: name, allowance: text.utf8.count * 2 + 1_000_000)
        return try reader.setting(root, at: start, path: "", depth: 0)
    }

    private mutating func setting(
        _ node: Yams.Node, at outer: Graph.Mark, path: String, depth: Int
    ) throws(ConfigurationError) -> Setting {
        let mark = self.mark(node) ?? outer
        allowance -= 1
        if allowance < 0 {
            throw ConfigurationError(at: mark, path: path, "the aliases expand to too many values", "use fewer of them")
        }
        if depth > YAMLReader.deepest {
            let problem = "values are nested more than \(YAMLReader.deepest) deep"
            throw ConfigurationError(at: mark, path: path, problem, "nest them less")
        }
        switch node {
        case .scalar(let scalar):
            return Setting(scalar.isNull ? .null : .scalar(scalar.string), at: mark, path: path)
        case .sequence(let sequence):
            var elements: [Setting] = []
            elements.reserveCapacity(sequence.count)
            for (index, element) in sequence.enumerated() {
                let path = Setting.path(path, index: index)
                elements.append(try setting(element, at: mark, path: path, depth: depth + 1))
            }
            return Setting(.list(elements), at: mark, path: path)
        case .mapping(let mapping):
            return Setting(.map(try entries(mapping, at: mark, path: path, depth: depth)), at: mark, path: path)
        case .alias:
            throw ConfigurationError(at: mark, path: path, "an alias stands for nothing", "define its anchor before it")
        }
    }

    private mutating func entries(
        _ mapping: Yams.Node.Mapping, at outer: Graph.Mark, path: String, depth: Int
    ) throws(ConfigurationError) -> [Setting.Entry] {
        var entries: [Setting.Entry] = []
        var merged: [Setting.Entry] = []
        entries.reserveCapacity(mapping.count)
        for (key, value) in mapping {
            let mark = self.mark(key) ?? outer
            guard case .scalar(let name) = key else {
                throw ConfigurationError(at: mark, path: path, "a key must be a plain word", "write 'key: value'")
            }
            if name.string == "<<", name.style == .plain {
                merged += try merge(value, at: mark, path: path, depth: depth)
                continue
            }
            let path = Setting.path(path, key: name.string)
            let value = try setting(value, at: mark, path: path, depth: depth + 1)
            entries.append(Setting.Entry(key: name.string, mark: mark, value: value))
        }
        var present = Set(entries.map(\.key))
        for entry in merged where present.insert(entry.key).inserted { entries.append(entry) }
        return entries
    }

    /// The members that `<<: *base` or `<<: [*a, *b]` brings in, the first of equal names first.
    private mutating func merge(
        _ node: Yams.Node, at mark: Graph.Mark, path: String, depth: Int
    ) throws(ConfigurationError) -> [Setting.Entry] {
        let bases = node.sequence.map { Array($0) } ?? [node]
        var merged: [Setting.Entry] = []
        for base in bases {
            guard case .mapping(let mapping) = base, depth < YAMLReader.deepest else {
                throw ConfigurationError(
                    at: mark, path: path, "'<<' takes a map, as *alias", "quote it if it is a name")
            }
            merged += try entries(mapping, at: mark, path: path, depth: depth + 1)
        }
        return merged
    }

    private func mark(_ node: Yams.Node) -> Graph.Mark? {
        node.mark.map { Graph.Mark(file: file, line: $0.line, column: $0.column) }
    }
}

extension Yams.Node.Scalar {
    /// Nothing, or `~`. YAML would take the plain word null for nothing too; here it is a word: `type: null` is an interface.
    fileprivate var isNull: Bool {
        guard style == .plain || style == .any else { return false }
        return ["", "~"].contains(string)
    }
}
