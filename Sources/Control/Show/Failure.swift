// SPDX-License-Identifier: Apache-2.0
import Graph

/// Why something did not work, in the form in which people and programs are told: as text, or as `{"error": {...}}`.
public struct Failure: Error, Sendable, Encodable {
    /// Stable: "usage", "failed", "not_found", "configuration".
    public let code: String
    public let message: String
    /// What to do about it.
    public let remedy: String?
    /// The parts, when a configuration is what is wrong.
    public let errors: [Part]?

    public struct Part: Sendable, Encodable {
        public let file: String?
        public let line: Int?
        public let column: Int?
        public let path: String
        public let problem: String
        public let remedy: String

        init(_ error: ConfigurationError) {
            file = error.mark?.file
            line = error.mark?.line
            column = error.mark?.column
            path = error.path
            problem = error.problem
            remedy = error.remedy
        }
    }

    private init(code: String, message: String, remedy: String? = nil, errors: [Part]? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.errors = errors
    }

    public init(_ error: any Error) {
        switch error {
        case let failure as Failure:
            self = failure
        case let error as CommandError:
            let remedy = error.remedy.isEmpty ? nil : error.remedy
            self.init(code: error.kind.rawValue, message: error.message, remedy: remedy)
        case let error as ConfigurationError:
            self.init(ConfigurationErrors([error]))
        case let error as ConfigurationErrors:
            self.init(code: "configuration", message: error.description, errors: error.all.map(Part.init))
        case is CancellationError:
            self.init(code: "failed", message: "the command was cancelled")
        default:
            self.init(code: "failed", message: "\(error)")
        }
    }

    /// 1 usage, 2 failed, 3 not found.
    public var exitCode: Int32 {
        switch code {
        case "usage": 1
        case "not_found": 3
        default: 2
        }
    }

    /// One line for each thing that is wrong.
    public var text: String {
        guard let remedy else { return message }
        return "\(message); \(remedy)"
    }

    /// As standard error shows it.
    public var errorText: String {
        errors == nil ? "error: \(text)\n" : "\(text)\n"
    }

    public var json: String { JSONRenderer.render(["error": self]) }
}
