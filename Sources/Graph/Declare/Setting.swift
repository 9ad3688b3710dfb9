// SPDX-License-Identifier: Apache-2.0

/// A value of the configuration file: a tree that knows where each of its parts stands.
///
/// A feature reads its section with the typed readers (`integer(in:)`, `string`, `choice(of:)`, `list`, `map`, ...),
/// each of which throws a ``ConfigurationError`` that names file, line, column and path. The tree knows nothing of
/// YAML; any reader can make it.
public struct Setting: Sendable {
    public enum Value: Sendable {
        /// Nothing was written: `wan0:` at the end of a line, or `~`.
        case null
        /// The text as written, without its quotes. Quoted text is never null, a number or a boolean by accident.
        case scalar(String)
        case list([Setting])
        /// In the order of the file. Keys may be written twice, which ``Schema/validate(_:)`` reports.
        case map([Entry])
    }

    /// One `key: value` of a map.
    public struct Entry: Sendable {
        public let key: String
        /// Where the key stands; the value has its own mark.
        public let mark: Mark
        public let value: Setting

        public init(key: String, mark: Mark, value: Setting) {
            self.key = key
            self.mark = mark
            self.value = value
        }
    }

    public let value: Value
    /// Where the value begins.
    public let mark: Mark
    /// Dotted path from the top of the file: "interfaces.wan0.addresses[1]". Empty at the top.
    public let path: String

    public init(_ value: Value, at mark: Mark, path: String) {
        self.value = value
        self.mark = mark
        self.path = path
    }

    /// The path of a member of the map at `path`.
    public static func path(_ path: String, key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The path of an element of the list at `path`.
    public static func path(_ path: String, index: Int) -> String { "\(path)[\(index)]" }

    /// An error about this value, to throw or to collect.
    public func error(_ problem: String, _ remedy: String = "") -> ConfigurationError {
        ConfigurationError(at: mark, path: path, problem, remedy)
    }

    public var isNull: Bool {
        if case .null = value { return true }
        return false
    }

    /// What was written, in a word, for error messages: "'fast'", "a list", "a map", "nothing".
    public var written: String {
        switch value {
        case .null: "nothing"
        case .scalar(let text): "'\(text)'"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

// MARK: - Structure

extension Setting {
    /// The member `key` of a map, or nil when it is not there, has no value, or when this is no map.
    ///
    /// `let mtu = try section["mtu"]?.integer(in: 68...9000) ?? 1500`
    public subscript(key: String) -> Setting? {
        guard case .map(let entries) = value else { return nil }
        guard let found = entries.last(where: { $0.key == key })?.value, !found.isNull else { return nil }
        return found
    }

    /// The member `key`, which must be there.
    public func required(_ key: String) throws(ConfigurationError) -> Setting {
        if let found = self[key] { return found }
        throw error("'\(key)' is missing", "add '\(key):'")
    }

    /// The elements of a list; none when nothing was written.
    public var list: [Setting] {
        get throws(ConfigurationError) {
            switch value {
            case .list(let elements): return elements
            case .null: return []
            default: throw error("\(written) is not a list", "write it as [a, b] or with a dash before each element")
            }
        }
    }

    /// The members of a map in the order of the file; none when nothing was written.
    public var map: [Entry] {
        get throws(ConfigurationError) {
            switch value {
            case .map(let entries): return entries
            case .null: return []
            default: throw error("\(written) is not a map", "write 'key: value' lines below it")
            }
        }
    }

    /// The text of a scalar.
    public var string: String {
        get throws(ConfigurationError) {
            guard case .scalar(let text) = value else {
                throw error("\(written) is not a plain value", "write a single value")
            }
            return text
        }
    }

    /// The text of a scalar as the path of a file: one that does not begin with / lies beside the configuration file,
    /// wherever the daemon was started.
    public var filePath: String {
        get throws(ConfigurationError) {
            let path = try string
            guard !path.hasPrefix("/"), let slash = mark.file.lastIndex(of: "/") else { return path }
            return mark.file[...slash] + path
        }
    }
}
