// SPDX-License-Identifier: Apache-2.0

/// The control bits of a TCP header (RFC 9293 section 3.1).
@frozen
public struct TCPFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
    @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
    @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
    @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
    @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
    @inlinable public static var urg: TCPFlags { TCPFlags(rawValue: 0x20) }
    @inlinable public static var ece: TCPFlags { TCPFlags(rawValue: 0x40) }
    @inlinable public static var cwr: TCPFlags { TCPFlags(rawValue: 0x80) }
}

extension TCPFlags: CustomStringConvertible {
    public var description: String {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
        let set = (0..<8).filter { rawValue >> UInt8($0) & 1 != 0 }.map { names[$0] }
        return set.isEmpty ? "no flags" : set.joined(separator: " ")
    }
}

/// A view of a TCP header (RFC 9293 section 3.1).
@frozen
public struct TCPView: BitwiseCopyable {
    /// Bytes of a header without options.
    @inlinable public static var minimumLength: Int { 20 }

    /// From the source port to the end of the IP packet.
    public let bytes: Bytes

    /// Nil when there are fewer than 20 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= TCPView.minimumLength else { return nil }
        self.bytes = bytes
    }

    @inlinable public var sourcePort: UInt16 { bytes.network(at: 0) }
    @inlinable public var destinationPort: UInt16 { bytes.network(at: 2) }
    @inlinable public var sequenceNumber: UInt32 { bytes.network(at: 4) }
    @inlinable public var acknowledgement: UInt32 { bytes.network(at: 8) }
    /// Bytes, 0 to 60; below 20 the header is malformed. It may also be longer than the packet.
    @inlinable public var headerLength: Int { Int(bytes.load(at: 12, as: UInt8.self) &>> 4) &* 4 }
    @inlinable public var flags: TCPFlags { TCPFlags(rawValue: bytes.load(at: 13)) }
    @inlinable public var window: UInt16 { bytes.network(at: 14) }
    @inlinable public var checksum: UInt16 { bytes.network(at: 16) }
    @inlinable public var urgentPointer: UInt16 { bytes.network(at: 18) }
    /// Empty when the header length is malformed.
    @inlinable public var options: Bytes { bytes.prefix(headerLength).dropping(first: TCPView.minimumLength) }
    @inlinable public var payload: Bytes { bytes.dropping(first: max(headerLength, TCPView.minimumLength)) }

    @inlinable
    public func isChecksumRight(source: IPv4Address, destination: IPv4Address) -> Bool {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .tcp, length: bytes.count)
        sum.add(bytes)
        return sum.isRight
    }

    @inlinable
    public func isChecksumRight(source: IPv6Address, destination: IPv6Address) -> Bool {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .tcp, length: bytes.count)
        sum.add(bytes)
        return sum.isRight
    }
}

/// A TCP header without options as a value (RFC 9293 section 3.1).
@frozen
public struct TCPHeader: Hashable, Sendable, BitwiseCopyable {
    @inlinable public static var length: Int { 20 }

    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public var sequenceNumber: UInt32
    public var acknowledgement: UInt32
    public var flags: TCPFlags
    public var window: UInt16

    @inlinable
    public init(
        sourcePort: UInt16, destinationPort: UInt16, flags: TCPFlags, sequenceNumber: UInt32 = 0,
        acknowledgement: UInt32 = 0, window: UInt16 = 65535
    ) {
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.sequenceNumber = sequenceNumber
        self.acknowledgement = acknowledgement
        self.flags = flags
        self.window = window
    }

    @inlinable
    public init(_ view: TCPView) {
        self.init(
            sourcePort: view.sourcePort, destinationPort: view.destinationPort, flags: view.flags,
            sequenceNumber: view.sequenceNumber, acknowledgement: view.acknowledgement, window: view.window)
    }

    /// Writes the header in front of the data, which stands behind it already, with a checksum over all of `bytes`; the
    /// window must have the header's 20 bytes.
    @inlinable
    public func emit(into bytes: Bytes, source: IPv4Address, destination: IPv4Address) {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .tcp, length: bytes.count)
        emit(into: bytes, with: sum)
    }

    /// The same over IPv6.
    @inlinable
    public func emit(into bytes: Bytes, source: IPv6Address, destination: IPv6Address) {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .tcp, length: bytes.count)
        emit(into: bytes, with: sum)
    }

    @usableFromInline
    func emit(into bytes: Bytes, with pseudoHeader: InternetChecksum) {
        bytes.storeNetwork(sourcePort, at: 0)
        bytes.storeNetwork(destinationPort, at: 2)
        bytes.storeNetwork(sequenceNumber, at: 4)
        bytes.storeNetwork(acknowledgement, at: 8)
        bytes.store(0x50 as UInt8, at: 12)
        bytes.store(flags.rawValue, at: 13)
        bytes.storeNetwork(window, at: 14)
        bytes.storeNetwork(0 as UInt32, at: 16)
        var sum = pseudoHeader
        sum.add(bytes)
        bytes.storeNetwork(sum.value, at: 16)
    }
}
