// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc

/// Signals as a stream, taken on the control side; no handler runs between two instructions of a worker.
struct Signals {
    /// Delivers `signals` from now on instead of letting them act; SIGPIPE is ignored for good, since a client may go
    /// away.
    static func stream(_ signals: [Int32]) -> AsyncStream<Int32> {
        signal(SIGPIPE, SIG_IGN)
        return AsyncStream { continuation in
            let queue = DispatchQueue(label: "martlet.signals")
            // Not Sendable by declaration; nothing but cancelling is done with them.
            nonisolated(unsafe) let sources = signals.map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return source
            }
            continuation.onTermination = { _ in
                for source in sources { source.cancel() }
            }
        }
    }
}
