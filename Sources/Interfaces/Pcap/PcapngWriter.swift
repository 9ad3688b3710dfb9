// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Writes Ethernet frames of several interfaces to a pcapng file, with the direction and the whole length of each.
///
/// `CaptureWriter` writes the older pcap, which knows neither. Blocks are in this machine's byte order, as the format wants
/// it; times count nanoseconds.
///
/// Threading: one thread at a time. Writing is buffered: `flush` for readers that watch, `close` to learn whether everything
/// reached the file. A writer that is just let go is closed in silence.
/// Spec: draft-ietf-opsawg-pcapng, sections 4.1 to 4.3.
public final class PcapngWriter {
    /// Which way a frame went, as seen from the router.
    public enum Direction: UInt32, Sendable {
        case inbound = 1
        case outbound = 2
    }

    public let path: String
    /// The file's length with what is still buffered, bytes.
    public private(set) var byteCount = 0

    private var file: Int32
    private var buffer: [UInt8] = []
    private var interfaceCount: UInt32 = 0

    private static let bufferSize = 1 << 16

    /// Creates the file, or empties it when it exists.
    /// - Parameter comment: Says what is in it, to whoever opens it.
    public init(path: String, comment: String = "") throws(CaptureError) {
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        self.path = path
        guard file >= 0 else {
            throw CaptureError(path: path, problem: .cannotCreate(String(cString: strerror(errno))))
        }
        buffer.reserveCapacity(2 * PcapngWriter.bufferSize)
        var options: [(UInt16, [UInt8])] = [(4, Array("martlet".utf8))]
        if !comment.isEmpty { options.append((1, Array(comment.utf8))) }
        // Byte order magic, version 1.0, section length unknown.
        append(block: 0x0a0d_0d0a, [0x1a2b_3c4d, 1, 0xffff_ffff, 0xffff_ffff], [], options)
    }

    deinit { try? close() }

    /// Bytes that the next frame takes, at most, with all that belongs to it.
    public static func size(ofFrame count: Int) -> Int { 44 + count + 3 }

    /// Declares an interface, whose frames may follow.
    /// - Returns: Its number in this file.
    public func addInterface(_ name: String) -> UInt32 {
        // Link type Ethernet, no limit on the length; the name, and times in units of 10^-9 s.
        append(block: 1, [1, 0], [], [(2, Array(name.utf8)), (9, [9])])
        defer { interfaceCount += 1 }
        return interfaceCount
    }

    /// Appends a frame. Nothing happens after `close`.
    /// - Parameters:
    ///   - interface: As `addInterface` numbered it.
    ///   - nanoseconds: Since 1970.
    ///   - wireLength: The frame's length on the wire, of which `frame` may be but the beginning.
    public func write(
        _ frame: UnsafeRawBufferPointer, interface: UInt32, nanoseconds: UInt64, wireLength: Int, direction: Direction
    ) throws(CaptureError) {
        guard file >= 0 else { return }
        let fields = [
            interface, UInt32(truncatingIfNeeded: nanoseconds >> 32), UInt32(truncatingIfNeeded: nanoseconds),
            UInt32(frame.count), UInt32(wireLength),
        ]
        let flags = withUnsafeBytes(of: direction.rawValue) { [UInt8]($0) }
        append(block: 6, fields, frame, [(2, flags)])
        if buffer.count >= PcapngWriter.bufferSize { try flush() }
    }

    private func append(
        block type: UInt32, _ fields: [UInt32], _ data: some Collection<UInt8>, _ options: [(UInt16, [UInt8])]
    ) {
        let start = buffer.count
        append(type)
        append(UInt32(0))
        for field in fields { append(field) }
        buffer += data
        pad()
        for (code, value) in options {
            append(code)
            append(UInt16(value.count))
            buffer += value
            pad()
        }
        append(UInt32(0))
        let length = UInt32(buffer.count - start + 4)
        append(length)
        withUnsafeBytes(of: length) { buffer.replaceSubrange(start + 4..<start + 8, with: $0) }
        byteCount += Int(length)
    }

    private func append(_ value: some FixedWidthInteger & BitwiseCopyable) {
        withUnsafeBytes(of: value) { buffer += $0 }
    }

    private func pad() { while buffer.count % 4 != 0 { buffer.append(0) } }

    /// Hands what is buffered to the kernel.
    public func flush() throws(CaptureError) {
        guard file >= 0 else { return }
        var sent = 0
        while sent < buffer.count {
            let count = buffer.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + sent, $0.count - sent) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                buffer = []
                throw CaptureError(path: path, problem: .cannotWrite(String(cString: strerror(errno))))
            }
            sent += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Flushes and closes the file. A second call does nothing.
    public func close() throws(CaptureError) {
        guard file >= 0 else { return }
        defer {
            Glibc.close(file)
            file = -1
        }
        try flush()
    }
}
