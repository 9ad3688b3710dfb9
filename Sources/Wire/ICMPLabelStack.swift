// SPDX-License-Identifier: Apache-2.0

/// The label stack with which a packet came, behind the quote of an ICMP error about it (RFC 4884, RFC 4950): `traceroute -e`
/// shows it.
public enum ICMPLabelStack {
    /// Bytes of the quote in front of it, filled up with zeros: where receivers look for it that don't read the length
    /// (RFC 4884 section 5.1).
    public static var quoteLength: Int { 128 }
    /// Bytes in front of the stack: the extension's header and the object's.
    public static var headerLength: Int { 8 }

    /// Writes the extension.
    /// - Parameters:
    ///   - stack: The label stack as on the wire.
    ///   - bytes: `headerLength` and the stack's length.
    public static func emit(_ stack: Bytes, into bytes: Bytes) {
        let version: UInt32 = 2
        let (classNumber, type): (UInt32, UInt32) = (1, 1)
        let length = UInt32(truncatingIfNeeded: 4 &+ stack.count)
        bytes.storeNetwork(version << 28, at: 0)
        bytes.storeNetwork(length << 16 | classNumber << 8 | type, at: 4)
        (bytes.start + headerLength).copyMemory(from: stack.start, byteCount: stack.count)
        var sum = InternetChecksum()
        sum.add(bytes)
        bytes.storeNetwork(sum.value, at: 2)
    }

    /// What the length field of an error's header says of the quote: bytes 4 to 7 of the ICMP message, to be joined with what
    /// else is there. In 32-bit words for ICMP, in 64-bit words for ICMPv6 (RFC 4884 section 4).
    public static var ip4Length: UInt32 { UInt32(quoteLength / 4) << 16 }
    public static var ip6Length: UInt32 { UInt32(quoteLength / 8) << 24 }
}

/// What stands behind the header of an ICMP error: the packet that it is about, or its beginning, and the labels with which
/// that came.
public struct ICMPQuote {
    private let packet: Bytes
    private let labels: Bytes?

    /// - Parameters:
    ///   - limit: The most bytes of the packet, if there are no labels; in front of labels it is always `quoteLength`.
    ///   - labels: The label stack as on the wire.
    public init(of packet: Bytes, atMost limit: Int, labels: Bytes? = nil) {
        self.packet = packet.prefix(labels == nil ? limit : ICMPLabelStack.quoteLength)
        self.labels = labels
    }

    /// Bytes.
    public var length: Int {
        labels.map { ICMPLabelStack.quoteLength + ICMPLabelStack.headerLength + $0.count } ?? packet.count
    }

    /// - Parameter bytes: `length` of them.
    public func emit(into bytes: Bytes) {
        bytes.start.copyMemory(from: packet.start, byteCount: packet.count)
        guard let labels else { return }
        let fill = ICMPLabelStack.quoteLength - packet.count
        (bytes.start + packet.count).initializeMemory(as: UInt8.self, repeating: 0, count: fill)
        ICMPLabelStack.emit(labels, into: bytes.dropping(first: ICMPLabelStack.quoteLength))
    }
}
