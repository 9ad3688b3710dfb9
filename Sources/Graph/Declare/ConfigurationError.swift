// SPDX-License-Identifier: Apache-2.0

/// A place in a configuration file. Lines and columns count from 1, columns in characters.
public struct Mark: Sendable, Hashable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// "FILE:LINE:COLUMN", which editors and terminals turn into a link.
    public var description: String { "\(file):\(line):\(column)" }
}

/// One thing that is wrong in a configuration: where, what, and what to do about it.
///
/// Prints as `router.yaml:12:10: interfaces.wan0.mtu: 99999 is too large; give 68 to 9000`.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// nil when the error belongs to no place in the file: the file cannot be read, a device is missing.
    public let mark: Mark?
    /// Dotted path of the setting, as "interfaces.wan0.mtu"; empty for the file as a whole.
    public let path: String
    /// What is wrong: "99999 is too large".
    public let problem: String
    /// What to do, in the imperative: "give 68 to 9000". May be empty where the problem says it all.
    public let remedy: String

    public init(at mark: Mark?, path: String = "", _ problem: String, _ remedy: String = "") {
        self.mark = mark
        self.path = path
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String {
        let place = [mark?.description ?? "", path].filter { !$0.isEmpty }
        let text = remedy.isEmpty ? problem : "\(problem); \(remedy)"
        return (place + [text]).joined(separator: ": ")
    }
}

/// Everything that is wrong with a configuration, in the order of the file: people mend them in one go.
public struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    public private(set) var all: [ConfigurationError]

    public init(_ all: [ConfigurationError] = []) {
        self.all = all
    }

    public var isEmpty: Bool { all.isEmpty }

    public var description: String { all.map(\.description).joined(separator: "\n") }

    public mutating func append(_ error: ConfigurationError) {
        all.append(error)
    }

    public mutating func append(contentsOf errors: some Sequence<ConfigurationError>) {
        all.append(contentsOf: errors)
    }

    /// Runs `body`; keeps its error and goes on, so that one pass over a file finds every error in it.
    public mutating func collect<Value>(_ body: () throws(ConfigurationError) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            all.append(error)
            return nil
        }
    }

    /// Runs `body`, which may collect errors and may throw one; throws all of them together.
    ///
    ///     try ConfigurationErrors.collecting { errors in
    ///         let mtu = try section["mtu"]?.integer(in: 68...9000) ?? 1500
    ///         if mtu > device.largest { errors.append(section.error("...")) }
    ///     }
    public static func collecting<Value>(
        _ body: (inout ConfigurationErrors) throws(ConfigurationError) -> Value
    ) throws(ConfigurationErrors) -> Value {
        var errors = ConfigurationErrors()
        let value: Value?
        do throws(ConfigurationError) {
            value = try body(&errors)
        } catch {
            errors.append(error)
            value = nil
        }
        try errors.throwIfAny()
        guard let value else { throw errors }
        return value
    }

    /// The end of a pass that collected: throws unless nothing was found.
    public func throwIfAny() throws(ConfigurationErrors) {
        if isEmpty { return }
        throw ConfigurationErrors(all.sorted { ConfigurationErrors.precedes($0, $1) })
    }

    private static func precedes(_ one: ConfigurationError, _ other: ConfigurationError) -> Bool {
        guard let a = one.mark, let b = other.mark else { return one.mark == nil && other.mark != nil }
        return (a.file, a.line, a.column) < (b.file, b.line, b.column)
    }
}
