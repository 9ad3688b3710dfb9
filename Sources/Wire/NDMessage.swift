// SPDX-License-Identifier: Apache-2.0

/// A neighbor discovery message as a value (RFC 4861 section 4). Packets with one have the hop limit 255.
public protocol NDMessage: Hashable, Sendable {
    static var type: ICMPv6Type { get }
    /// The second four bytes, host order.
    var rest: UInt32 { get }
    /// Bytes behind the first eight.
    var bodyLength: Int { get }
    /// Writes what is behind the first eight bytes; the window must have the bytes.
    func emitBody(into bytes: Bytes)
}

extension NDMessage {
    /// Bytes of the whole message.
    @inlinable public var length: Int { ICMPv6View.length &+ bodyLength }

    /// The first eight bytes.
    @inlinable public var header: ICMPv6Message { ICMPv6Message(type: Self.type, rest: rest) }

    /// Writes the message, `length` bytes, with its checksum; the window must have exactly those.
    @inlinable
    public func emit(into bytes: Bytes, source: IPv6Address, destination: IPv6Address) {
        emitBody(into: bytes.dropping(first: ICMPv6View.length))
        header.emit(into: bytes, source: source, destination: destination)
    }
}

/// Who has `target`? (RFC 4861 section 4.3)
@frozen
public struct NeighborSolicitation: NDMessage, BitwiseCopyable {
    @inlinable public static var type: ICMPv6Type { .neighborSolicitation }

    public var target: IPv6Address
    /// Whose station is not told when the source is ::, that is, when an address is probed (RFC 4862 section 5.4.2).
    public var station: MACAddress?

    @inlinable
    public init(target: IPv6Address, station: MACAddress?) {
        self.target = target
        self.station = station
    }

    @inlinable public var rest: UInt32 { 0 }
    @inlinable public var bodyLength: Int { station == nil ? 16 : 24 }

    @inlinable
    public func emitBody(into bytes: Bytes) {
        target.emit(into: bytes, at: 0)
        if let station { station.emitOption(.sourceLinkLayerAddress, into: bytes, at: 16) }
    }
}

/// `target` is at `station` (RFC 4861 section 4.4).
@frozen
public struct NeighborAdvertisement: NDMessage, BitwiseCopyable {
    @inlinable public static var type: ICMPv6Type { .neighborAdvertisement }

    public var target: IPv6Address
    public var station: MACAddress?
    /// R.
    public var isRouter: Bool
    /// S: it answers a solicitation that did not come from ::. Not when it goes to a group.
    public var isSolicited: Bool
    /// O: it replaces a station that is known.
    public var isOverriding: Bool

    @inlinable
    public init(
        target: IPv6Address, station: MACAddress?, isRouter: Bool, isSolicited: Bool, isOverriding: Bool
    ) {
        self.target = target
        self.station = station
        self.isRouter = isRouter
        self.isSolicited = isSolicited
        self.isOverriding = isOverriding
    }

    @inlinable
    public var rest: UInt32 {
        (isRouter ? 0x8000_0000 : 0) | (isSolicited ? 0x4000_0000 : 0) | (isOverriding ? 0x2000_0000 : 0)
    }
    @inlinable public var bodyLength: Int { station == nil ? 16 : 24 }

    @inlinable
    public func emitBody(into bytes: Bytes) {
        target.emit(into: bytes, at: 0)
        if let station { station.emitOption(.targetLinkLayerAddress, into: bytes, at: 16) }
    }
}

/// Routers, tell of yourselves (RFC 4861 section 4.1). Goes to all routers.
@frozen
public struct RouterSolicitation: NDMessage, BitwiseCopyable {
    @inlinable public static var type: ICMPv6Type { .routerSolicitation }

    /// Nil when the source is ::.
    public var station: MACAddress?

    @inlinable
    public init(station: MACAddress?) { self.station = station }

    @inlinable public var rest: UInt32 { 0 }
    @inlinable public var bodyLength: Int { station == nil ? 0 : 8 }

    @inlinable
    public func emitBody(into bytes: Bytes) {
        if let station { station.emitOption(.sourceLinkLayerAddress, into: bytes, at: 0) }
    }
}

/// `target` is a better first hop to `destination` (RFC 4861 section 4.5).
public struct Redirect6: NDMessage {
    public static var type: ICMPv6Type { .redirect }

    /// A router's link-local address, or `destination` itself when it is a neighbour.
    public var target: IPv6Address
    public var destination: IPv6Address
    /// The target's; nil when it is not known.
    public var station: MACAddress?
    /// The packet that caused the redirect, from its IPv6 header on; cut to a multiple of eight bytes.
    public var redirected: [UInt8]

    public init(target: IPv6Address, destination: IPv6Address, station: MACAddress?, redirected: [UInt8] = []) {
        self.target = target
        self.destination = destination
        self.station = station
        // The option's length goes up to 255 units of eight bytes, its own eight included.
        self.redirected = Array(redirected.prefix(min(redirected.count / 8, 254) * 8))
    }

    public var rest: UInt32 { 0 }
    public var bodyLength: Int { 32 + (station == nil ? 0 : 8) + (redirected.isEmpty ? 0 : 8 + redirected.count) }

    public func emitBody(into bytes: Bytes) {
        target.emit(into: bytes, at: 0)
        destination.emit(into: bytes, at: 16)
        var place = 32
        if let station {
            station.emitOption(.targetLinkLayerAddress, into: bytes, at: place)
            place += 8
        }
        if redirected.isEmpty { return }
        bytes.storeNetwork(0x0400_0000_0000_0000 | UInt64(redirected.count / 8 + 1) << 48, at: place)
        for (offset, byte) in redirected.enumerated() { bytes.store(byte, at: place + 8 + offset) }
    }
}

extension MACAddress {
    /// Writes a link-layer address option of eight bytes.
    @inlinable
    func emitOption(_ kind: NDOptionKind, into bytes: Bytes, at offset: Int) {
        bytes.store(kind.rawValue, at: offset)
        bytes.store(1 as UInt8, at: offset &+ 1)
        emit(into: bytes, at: offset &+ 2)
    }
}
