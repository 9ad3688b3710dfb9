// SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// Collects what is logged.
public final class LogLines: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])

    public init() {}

    public var all: [String] { lines.withLock { $0 } }
    public func count(_ part: String) -> Int { all.count { $0.contains(part) } }

    public func log(event: LogEvent) { lines.withLock { $0.append("\(event.message)") } }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    public var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    public var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
}
