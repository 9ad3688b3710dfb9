// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Wire

/// Reads Ethernet frames from a capture file: pcap of either grain and byte order, or pcapng.
///
/// Threading: one thread at a time.
public final class CaptureReader {
    /// One frame of a capture.
    public struct Record {
        /// The frame, as much of it as was captured. Valid until the next `next()`.
        public let bytes: Bytes
        /// Its length on the wire, bytes: more than `bytes.count` when the capture cut frames short.
        public let wireLength: Int
        /// When it was captured, nanoseconds since 1970.
        public let nanoseconds: UInt64
    }

    public let path: String
    /// Records read so far.
    public private(set) var recordCount = 0

    private let capture: OpaquePointer
    private var hasEnded = false

    /// Opens the file and reads its header.
    public init(path: String) throws(CaptureError) {
        var text = InlineArray<256, CChar>(repeating: 0)
        var linkType: CInt = 0
        var systemError: CInt = 0
        let capture = withUnsafeMutableBytes(of: &text) {
            CMartletLinux_openCapture(path, &linkType, &systemError, $0.baseAddress)
        }
        guard let capture else {
            let problem: CaptureError.Problem =
                systemError != 0
                ? .cannotOpen(String(cString: strerror(systemError))) : .notACapture(CaptureReader.string(text))
            throw CaptureError(path: path, problem: problem)
        }
        guard linkType == CMartletLinux_linkTypeEthernet else {
            CMartletLinux_closeCapture(capture)
            let description = CMartletLinux_linkTypeDescription(linkType).map { String(cString: $0) }
            throw CaptureError(path: path, problem: .linkType(Int(linkType), description: description))
        }
        self.path = path
        self.capture = capture
    }

    deinit { CMartletLinux_closeCapture(capture) }

    /// The next frame; nil at the end. After an error, which names the packet, and after the end there is nothing more.
    public func next() throws(CaptureError) -> Record? {
        guard !hasEnded else { return nil }
        var record = CMartletLinux_captureRecord()
        var text = InlineArray<256, CChar>(repeating: 0)
        let result = withUnsafeMutableBytes(of: &text) {
            CMartletLinux_readCapture(capture, &record, $0.baseAddress)
        }
        guard result > 0, let start = UnsafeMutableRawPointer(mutating: record.bytes) else {
            hasEnded = true
            guard result < 0 else { return nil }
            throw CaptureError(
                path: path, problem: .brokenRecord(number: recordCount + 1, CaptureReader.string(text)))
        }
        recordCount += 1
        return Record(
            bytes: Bytes(start: start, count: Int(record.count)), wireLength: Int(record.wireLength),
            nanoseconds: record.nanoseconds)
    }

    private static func string(_ text: InlineArray<256, CChar>) -> String {
        withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
