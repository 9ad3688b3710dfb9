// SPDX-License-Identifier: Apache-2.0

/// A view of an Ethernet header (IEEE 802.3 clause 3): destination, source, type.
@frozen
public struct EthernetView: BitwiseCopyable {
    /// Bytes of the header, without tags.
    @inlinable public static var length: Int { 14 }
    /// The shortest frame on a wire, without its check sequence; shorter ones are padded.
    @inlinable public static var minimumFrameLength: Int { 60 }

    /// From the destination address to the end of the frame.
    public let bytes: Bytes

    /// Nil when the frame is shorter than the header.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= EthernetView.length else { return nil }
        self.bytes = bytes
    }

    // The loads take two bytes more than an address has: both lie inside the header.

    @inlinable
    public var destination: MACAddress {
        @inline(__always) get { MACAddress(littleEndian: UInt64(littleEndian: bytes.load(at: 0))) }
        nonmutating set { newValue.emit(into: bytes, at: 0) }
    }

    @inlinable
    public var source: MACAddress {
        @inline(__always) get { MACAddress(littleEndian: UInt64(littleEndian: bytes.load(at: 6))) }
        nonmutating set { newValue.emit(into: bytes, at: 6) }
    }

    @inlinable
    public var type: EtherType {
        @inline(__always) get { EtherType(rawValue: bytes.network(at: 12)) }
        nonmutating set { bytes.storeNetwork(newValue.rawValue, at: 12) }
    }

    /// What follows the header; with a tag's type, the tag.
    @inlinable @inline(__always)
    public var payload: Bytes { bytes.dropping(first: EthernetView.length) }
}

/// An Ethernet header as a value.
@frozen
public struct EthernetHeader: Hashable, Sendable, BitwiseCopyable {
    public var destination: MACAddress
    public var source: MACAddress
    public var type: EtherType

    @inlinable
    public init(destination: MACAddress, source: MACAddress, type: EtherType) {
        self.destination = destination
        self.source = source
        self.type = type
    }

    @inlinable
    public init(_ view: EthernetView) {
        self.init(destination: view.destination, source: view.source, type: view.type)
    }

    /// Writes the 14 bytes of the header; the window must have them.
    @inlinable
    public func emit(into bytes: Bytes) {
        destination.emit(into: bytes, at: 0)
        source.emit(into: bytes, at: 6)
        bytes.storeNetwork(type.rawValue, at: 12)
    }
}
