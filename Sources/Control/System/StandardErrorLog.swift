// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Logging

/// Log lines on standard error: with journald's priority in front when systemd reads them, with the time when a person
/// does.
///
///     <4>interface eth1: driver mode is refused, using generic mode interface=eth1
///     2026-01-01T12:00:00.123Z warning interface eth1: driver mode is refused, using generic mode interface=eth1
public struct StandardErrorLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let isJournal: Bool

    /// Once, at the start of the process, before the first logger is made; only the library may do it (each image that
    /// links the logging package for itself would get its own copy of this state).
    public static func bootstrap(level: Logger.Level) {
        let isJournal = SocketPath.environment("JOURNAL_STREAM") != nil
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: level, isJournal: isJournal) }
    }

    /// In place of `bootstrap`: logs nothing, for a program that gives the router millions of reasons to.
    public static func silence() { LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() } }

    private init(level: Logger.Level, isJournal: Bool) {
        self.isJournal = isJournal
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let metadata = self.metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) {
            $1
        }
        var pairs = metadata.mapValues { "\($0)" }
        if let error = event.error { pairs["error"] = "\(error)" }
        let line = LogLine(
            level: "\(event.level)", priority: event.level.priority, message: "\(event.message)", metadata: pairs)
        // One write a line, so that the lines of several threads stay whole.
        Console.write(line.text(at: isJournal ? nil : StandardErrorLog.now()), toError: true)
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
