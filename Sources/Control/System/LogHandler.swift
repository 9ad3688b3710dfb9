// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Logging

/// Log lines on standard error: with journald's priority in front when systemd reads them, with the time when a person does.
///
///     <4>interface eth1: driver mode is refused, using generic mode interface=eth1
///     2026-01-01T12:00:00.123Z warning interface eth1: driver mode is refused, using generic mode interface=eth1
public struct StandardErrorLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let label: String
    private let isJournal: Bool

    /// Once, at the start of the process, before the first logger is made; only the library may do it (each image that links the
    /// logging package for itself would get its own copy of this state).
    public static func bootstrap(level: Logger.Level) {
        let isJournal = SocketPath.environment("JOURNAL_STREAM") != nil
        LoggingSystem.bootstrap { StandardErrorLog(label: $0, level: level, isJournal: isJournal) }
    }

    init(label: String, level: Logger.Level, isJournal: Bool) {
        self.label = label
        self.isJournal = isJournal
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let line = line(event, at: isJournal ? "" : StandardErrorLog.now())
        // One write a line, so that the lines of several threads stay whole.
        line.utf8.withContiguousStorageIfAvailable { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    func line(_ event: LogEvent, at time: String) -> String {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(StandardErrorLog.quoted("\($0.value)"))" }
        let prefix = isJournal ? "<\(event.level.priority)>" : "\(time) \(event.level) "
        let error = event.error.map { " error=\(StandardErrorLog.quoted("\($0)"))" } ?? ""
        let text = "\(event.message)\(pairs.joined())\(error)"
        // A line break in a value must not start a line that looks like another message.
        return prefix + text.map { $0.isNewline ? " " : String($0) }.joined() + "\n"
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }
        if isPlain { return value }
        return "\"" + value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }

    private static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let milliseconds = time.tv_nsec / 1_000_000
        let fraction = String(repeating: "0", count: 3 - "\(milliseconds)".count) + "\(milliseconds)"
        return "\(date)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Logger.Level {
    /// As in syslog(3), which journald understands at the beginning of a line.
    fileprivate var priority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}
