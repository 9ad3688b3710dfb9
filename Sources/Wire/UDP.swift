// SPDX-License-Identifier: Apache-2.0

/// A view of a UDP header (RFC 768).
@frozen
public struct UDPView: BitwiseCopyable {
    @inlinable public static var length: Int { 8 }

    /// From the source port to the end of the IP packet.
    public let bytes: Bytes

    /// Nil when there are fewer than 8 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= UDPView.length else { return nil }
        self.bytes = bytes
    }

    @inlinable public var sourcePort: UInt16 { bytes.network(at: 0) }
    @inlinable public var destinationPort: UInt16 { bytes.network(at: 2) }
    /// Header and data, bytes, as the header claims: good from 8 to what the packet holds.
    @inlinable public var length: Int { Int(bytes.network(at: 4, as: UInt16.self)) }
    /// 0 when the sender computed none.
    @inlinable public var checksum: UInt16 { bytes.network(at: 6) }
    /// The data; shorter than claimed when the packet is cut short.
    @inlinable public var payload: Bytes { bytes.prefix(length).dropping(first: UDPView.length) }

    /// Whether the claimed length is possible and the checksum right or absent.
    @inlinable
    public func isChecksumRight(source: IPv4Address, destination: IPv4Address) -> Bool {
        guard length >= UDPView.length, length <= bytes.count else { return false }
        guard checksum != 0 else { return true }
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .udp, length: length)
        sum.add(bytes.prefix(length))
        return sum.isRight
    }

    /// Whether the claimed length is possible and the checksum right. Over IPv6 there must be one (RFC 8200 section 8.1).
    @inlinable
    public func isChecksumRight(source: IPv6Address, destination: IPv6Address) -> Bool {
        guard length >= UDPView.length, length <= bytes.count, checksum != 0 else { return false }
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .udp, length: length)
        sum.add(bytes.prefix(length))
        return sum.isRight
    }
}

/// A UDP header as a value (RFC 768).
@frozen
public struct UDPHeader: Hashable, Sendable, BitwiseCopyable {
    public var sourcePort: UInt16
    public var destinationPort: UInt16

    @inlinable
    public init(sourcePort: UInt16, destinationPort: UInt16) {
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }

    @inlinable
    public init(_ view: UDPView) {
        self.init(sourcePort: view.sourcePort, destinationPort: view.destinationPort)
    }

    /// Writes the header in front of the data, which stands behind it already, with length and checksum over all of
    /// `bytes`; the window must have the header's 8 bytes.
    @inlinable
    public func emit(into bytes: Bytes, source: IPv4Address, destination: IPv4Address) {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .udp, length: bytes.count)
        emit(into: bytes, with: sum)
    }

    /// The same over IPv6.
    @inlinable
    public func emit(into bytes: Bytes, source: IPv6Address, destination: IPv6Address) {
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, protocol: .udp, length: bytes.count)
        emit(into: bytes, with: sum)
    }

    @usableFromInline
    func emit(into bytes: Bytes, with pseudoHeader: InternetChecksum) {
        bytes.storeNetwork(sourcePort, at: 0)
        bytes.storeNetwork(destinationPort, at: 2)
        bytes.storeNetwork(UInt16(truncatingIfNeeded: bytes.count), at: 4)
        bytes.storeNetwork(0 as UInt16, at: 6)
        var sum = pseudoHeader
        sum.add(bytes)
        bytes.storeNetwork(sum.value == 0 ? 0xFFFF : sum.value, at: 6)
    }
}
