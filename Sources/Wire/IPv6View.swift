// SPDX-License-Identifier: Apache-2.0

/// A view of an IPv6 header (RFC 8200 section 3).
///
/// The initialiser checks only that the 40 bytes are there. Before anything behind them is touched, the caller judges
/// `version` and `totalLength` and gives each failure its name. What stands between this header and the upper layer's is
/// walked by `IPv6Extensions`.
@frozen
public struct IPv6View: BitwiseCopyable {
    /// Bytes of the header, without extension headers.
    @inlinable public static var length: Int { 40 }

    /// From the version to the end of the packet, link padding included until it has been cut.
    public let bytes: Bytes

    /// Nil when there are fewer than 40 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= IPv6View.length else { return nil }
        self.bytes = bytes
    }

    // MARK: - Fields

    /// Version, traffic class and flow label as they stand.
    @inlinable @inline(__always)
    public var firstWord: UInt32 { bytes.network(at: 0) }
    @inlinable @inline(__always)
    public var version: UInt8 { bytes.load(at: 0, as: UInt8.self) &>> 4 }

    /// DSCP and ECN.
    @inlinable
    public var trafficClass: UInt8 {
        get { UInt8(truncatingIfNeeded: firstWord &>> 20) }
        nonmutating set { bytes.storeNetwork(firstWord & 0xF00F_FFFF | UInt32(newValue) &<< 20, at: 0) }
    }
    /// Differentiated services code point (RFC 2474), 0 to 63.
    @inlinable public var dscp: UInt8 { trafficClass &>> 2 }
    /// Explicit congestion notification (RFC 3168), 0 to 3.
    @inlinable public var ecn: UInt8 { trafficClass & 3 }

    /// 20 bits, the same for all packets of a flow; 0 when the source gave none (RFC 6437). Higher bits of a new value
    /// are ignored.
    @inlinable
    public var flowLabel: UInt32 {
        @inline(__always) get { firstWord & 0xF_FFFF }
        nonmutating set { bytes.storeNetwork(firstWord & 0xFFF0_0000 | newValue & 0xF_FFFF, at: 0) }
    }

    /// What follows the 40 bytes, extension headers included, bytes, as the header claims.
    @inlinable
    public var payloadLength: Int {
        @inline(__always) get { Int(bytes.network(at: 4, as: UInt16.self)) }
        nonmutating set { bytes.storeNetwork(UInt16(truncatingIfNeeded: newValue), at: 4) }
    }
    /// Header and all that follows, bytes, as the header claims: 40 to 65,575.
    @inlinable @inline(__always)
    public var totalLength: Int { IPv6View.length &+ payloadLength }

    /// What follows the 40 bytes: an extension header, or the upper layer's.
    @inlinable
    public var nextHeader: IPProtocol {
        @inline(__always) get { IPProtocol(rawValue: bytes.load(at: 6)) }
        nonmutating set { bytes.store(newValue.rawValue, at: 6) }
    }
    @inlinable
    public var hopLimit: UInt8 {
        @inline(__always) get { bytes.load(at: 7) }
        nonmutating set { bytes.store(newValue, at: 7) }
    }
    @inlinable
    public var source: IPv6Address {
        @inline(__always) get { IPv6Address(bytes, at: 8) }
        nonmutating set { newValue.emit(into: bytes, at: 8) }
    }
    @inlinable
    public var destination: IPv6Address {
        @inline(__always) get { IPv6Address(bytes, at: 24) }
        nonmutating set { newValue.emit(into: bytes, at: 24) }
    }

    /// All that follows the 40 bytes, without link padding; shorter than claimed when the packet is cut short.
    @inlinable
    public var payload: Bytes { bytes.prefix(totalLength).dropping(first: IPv6View.length) }

    /// Takes one from the hop limit, which must not be 0. No checksum covers it.
    @inlinable @inline(__always)
    public func decrementHopLimit() { bytes.store(bytes.load(at: 7, as: UInt8.self) &- 1, at: 7) }
}

/// An IPv6 header as a value (RFC 8200 section 3).
@frozen
public struct IPv6Header: Hashable, Sendable, BitwiseCopyable {
    /// DSCP and ECN.
    public var trafficClass: UInt8
    /// 20 bits; higher ones are ignored.
    public var flowLabel: UInt32
    /// What follows the 40 bytes, extension headers included, bytes.
    public var payloadLength: UInt16
    public var nextHeader: IPProtocol
    public var hopLimit: UInt8
    public var source: IPv6Address
    public var destination: IPv6Address

    @inlinable
    public init(
        source: IPv6Address, destination: IPv6Address, nextHeader: IPProtocol, payloadLength: Int = 0,
        hopLimit: UInt8 = 64, trafficClass: UInt8 = 0, flowLabel: UInt32 = 0
    ) {
        self.trafficClass = trafficClass
        self.flowLabel = flowLabel
        self.payloadLength = UInt16(truncatingIfNeeded: payloadLength)
        self.nextHeader = nextHeader
        self.hopLimit = hopLimit
        self.source = source
        self.destination = destination
    }

    /// The header of a packet, as it stands; nothing is judged.
    @inlinable
    public init(_ view: IPv6View) {
        self.init(
            source: view.source, destination: view.destination, nextHeader: view.nextHeader,
            payloadLength: view.payloadLength, hopLimit: view.hopLimit, trafficClass: view.trafficClass,
            flowLabel: view.flowLabel)
    }

    /// Writes the 40 bytes of the header; the window must have them.
    @inlinable
    public func emit(into bytes: Bytes) {
        bytes.storeNetwork(0x6000_0000 | UInt32(trafficClass) &<< 20 | flowLabel & 0xF_FFFF, at: 0)
        bytes.storeNetwork(payloadLength, at: 4)
        bytes.store(nextHeader.rawValue, at: 6)
        bytes.store(hopLimit, at: 7)
        source.emit(into: bytes, at: 8)
        destination.emit(into: bytes, at: 24)
    }
}
