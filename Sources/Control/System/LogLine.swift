// SPDX-License-Identifier: Apache-2.0

/// One line of the log, as it is written.
public struct LogLine: Sendable {
    public let level: String
    /// As in syslog(3), which journald understands at the beginning of a line.
    public let priority: Int
    public let message: String
    public let metadata: [String: String]

    public init(level: String, priority: Int, message: String, metadata: [String: String]) {
        self.level = level
        self.priority = priority
        self.message = message
        self.metadata = metadata
    }

    /// The line with its newline; `time` is nil for journald, which has its own.
    public func text(at time: String?) -> String {
        let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\(LogLine.quoted($0.value))" }
        let prefix = time.map { "\($0) \(level) " } ?? "<\(priority)>"
        // A line break in a value must not start a line that looks like another message.
        return prefix + (message + pairs.joined()).map { $0.isNewline ? " " : String($0) }.joined() + "\n"
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }
        if isPlain { return value }
        return "\"" + value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }
}
