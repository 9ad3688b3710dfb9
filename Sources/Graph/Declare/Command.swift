// SPDX-License-Identifier: Apache-2.0

/// An operator's command: `show interfaces [name] [--rates]`.
///
/// A feature declares its commands where it declares its nodes; the socket, the command line, the shell's completion
/// and the help are made from the declaration.
///
///     Command(["show", "interfaces"], "Interfaces with their state and counters",
///             [.argument("name", "Only this interface", completing: { interfaces.names })]) { arguments in
///         try InterfaceReport(interfaces, only: arguments["name"])
///     }
public struct Command: Sendable {
    /// Carries the command out. What it throws is told to the operator: `CommandError` with what to do.
    public typealias Handler = @ControlPlane @Sendable (CommandArguments) async throws -> any Report
    /// The words that may stand there now.
    public typealias Completion = @ControlPlane @Sendable () -> [String]

    /// One thing that may follow the words.
    public struct Parameter: Sendable {
        /// How a parameter is written.
        public enum Kind: Sendable {
            case required
            case optional
            /// All the words that are left, at least one if `required`: a filter expression, a list of names.
            case rest(required: Bool)
            /// `--name VALUE` or `--name=VALUE`, at any place after the words.
            case option
            /// `--name`, at any place after the words.
            case flag
        }

        /// As in ``CommandArguments``' subscript; without the dashes for options and flags.
        public let name: String
        public let kind: Kind
        /// One line with the unit, if any.
        public let doc: String
        /// The values that completion offers at this moment.
        public let completion: Completion?

        /// A word at a fixed place.
        public static func argument(
            _ name: String, _ doc: String, required: Bool = false, completing: Completion? = nil
        ) -> Parameter {
            Parameter(name: name, kind: required ? .required : .optional, doc: doc, completion: completing)
        }

        /// All the words that are left.
        public static func rest(
            _ name: String, _ doc: String, required: Bool = false, completing: Completion? = nil
        ) -> Parameter {
            Parameter(name: name, kind: .rest(required: required), doc: doc, completion: completing)
        }

        /// `--name VALUE`, at any place.
        public static func option(_ name: String, _ doc: String, completing: Completion? = nil) -> Parameter {
            Parameter(name: name, kind: .option, doc: doc, completion: completing)
        }

        /// `--name`, at any place.
        public static func flag(_ name: String, _ doc: String) -> Parameter {
            Parameter(name: name, kind: .flag, doc: doc, completion: nil)
        }

        /// As the usage line writes it: "[name]", "prefix", "[--count COUNT]".
        public var usage: String {
            switch kind {
            case .required: "<\(name)>"
            case .optional: "[\(name)]"
            case .rest(required: true): "<\(name)...>"
            case .rest(required: false): "[\(name)...]"
            case .option: "[--\(name) \(name.uppercased())]"
            case .flag: "[--\(name)]"
            }
        }

        var isPositional: Bool {
            switch kind {
            case .required, .optional, .rest: true
            case .option, .flag: false
            }
        }
    }

    /// The verb and its nouns: ["show", "runtime"].
    public let words: [String]
    /// One line for the help.
    public let summary: String
    /// The positional ones in their order.
    public let parameters: [Parameter]
    public let handler: Handler

    public init(_ words: [String], _ summary: String, _ parameters: [Parameter] = [], handler: @escaping Handler) {
        precondition(!words.isEmpty, "a command has at least a verb")
        self.words = words
        self.summary = summary
        self.parameters = parameters
        self.handler = handler
    }

    /// "show interfaces [name] [--rates]".
    public var usage: String { (words + parameters.map(\.usage)).joined(separator: " ") }
}

/// Why a command was not carried out. A handler may throw any error; what is not one of these counts as
/// ``Kind/failed``.
public struct CommandError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The raw value is the `code` in JSON.
    public enum Kind: String, Sendable {
        case usage
        case failed
        case notFound = "not_found"
    }

    public let kind: Kind
    /// What is wrong: "there is no interface 'wan9'".
    public let message: String
    /// What to do: "show interfaces lists them". May be empty.
    public let remedy: String

    public init(_ kind: Kind, _ message: String, _ remedy: String = "") {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }

    /// The command was not understood: exit code 1.
    public static func usage(_ message: String, _ remedy: String = "") -> CommandError {
        .init(.usage, message, remedy)
    }

    /// It was understood and did not work: exit code 2.
    public static func failed(_ message: String, _ remedy: String = "") -> CommandError {
        .init(.failed, message, remedy)
    }

    /// The thing that it names does not exist: exit code 3.
    public static func notFound(_ message: String, _ remedy: String = "") -> CommandError {
        .init(.notFound, message, remedy)
    }

    /// The exit code of the command line.
    public var exitCode: Int32 {
        switch kind {
        case .usage: 1
        case .failed: 2
        case .notFound: 3
        }
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}
