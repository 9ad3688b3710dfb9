// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Wire

/// Chooses Ethernet frames by an expression in tcpdump's language (pcap-filter(7)), such as `ip and udp port 53`.
///
/// The expression is compiled once, by libpcap. `matches` may be called on any thread, workers included.
public final class PacketFilter: Sendable, CustomStringConvertible {
    /// An expression that libpcap does not take.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let expression: String
        /// What libpcap says of it.
        public let reason: String

        public var description: String {
            "'\(expression)' is not a packet filter: \(reason). "
                + "Write it in tcpdump's syntax, such as 'ip host 192.0.2.1 and udp port 53'"
        }
    }

    public let expression: String
    /// The compiled program: never written again, so that threads may share it.
    private nonisolated(unsafe) let program: OpaquePointer

    public init(_ expression: String) throws(Failure) {
        var program: OpaquePointer?
        let reason = withLibraryError { program = CMartletLinux_compileFilter(expression, $0) }
        guard let program else { throw Failure(expression: expression, reason: reason) }
        self.expression = expression
        self.program = program
    }

    deinit { CMartletLinux_freeFilter(program) }

    /// Whether the filter takes the frame that starts at the window's first byte. Does not allocate; a frame too
    /// short for what the expression looks at does not match.
    public func matches(_ frame: Bytes) -> Bool {
        CMartletLinux_matchFilter(program, frame.start, UInt32(truncatingIfNeeded: frame.count)) != 0
    }

    public var description: String { expression }
}

/// Lends `body` room for an error text and returns what it left there, empty if nothing.
private func withLibraryError(_ body: (UnsafeMutablePointer<CChar>) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CMartletLinux_captureErrorSize)) { text in
        text.initialize(repeating: 0)
        body(text.baseAddress!)
        return String(cString: text.baseAddress!)
    }
}
