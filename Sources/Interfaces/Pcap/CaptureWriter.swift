// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Wire

/// Writes Ethernet frames to a pcap file, which every other tool reads.
///
/// Threading: one thread at a time. Writing is buffered: `flush` for readers that watch, `close` to learn whether
/// everything reached the file. A writer that is just let go is closed in silence.
public final class CaptureWriter {
    /// The unit in which the file keeps time.
    public enum Grain: Sendable {
        case microseconds
        case nanoseconds
    }

    public let path: String
    /// Records written so far.
    public private(set) var recordCount = 0

    private var output: OpaquePointer?

    /// Creates the file, or empties it when it exists.
    public init(path: String, grain: Grain = .nanoseconds) throws(CaptureError) {
        var systemError: CInt = 0
        guard let output = CMartletLinux_createCapture(path, grain == .nanoseconds ? 1 : 0, &systemError) else {
            throw CaptureError(path: path, problem: .cannotCreate(String(cString: strerror(systemError))))
        }
        self.path = path
        self.output = output
    }

    deinit { try? close() }

    /// Appends a frame, `nanoseconds` since 1970. Nothing happens after `close`.
    public func write(_ frame: Bytes, nanoseconds: UInt64) throws(CaptureError) {
        guard let output else { return }
        try check(CMartletLinux_writeCapture(output, frame.start, UInt32(truncatingIfNeeded: frame.count), nanoseconds))
        recordCount += 1
    }

    /// Hands what is buffered to the kernel.
    public func flush() throws(CaptureError) {
        guard let output else { return }
        try check(CMartletLinux_flushCapture(output))
    }

    /// Flushes and closes the file. A second call does nothing.
    public func close() throws(CaptureError) {
        guard let output else { return }
        self.output = nil
        try check(CMartletLinux_closeCaptureOutput(output))
    }

    private func check(_ systemError: CInt) throws(CaptureError) {
        guard systemError != 0 else { return }
        throw CaptureError(path: path, problem: .cannotWrite(String(cString: strerror(systemError))))
    }
}
