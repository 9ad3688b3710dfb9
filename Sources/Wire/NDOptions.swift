// SPDX-License-Identifier: Apache-2.0

/// What an option of neighbor discovery tells (RFC 4861 section 4.6; IANA's numbers). Unknown values are kept.
@frozen
public struct NDOptionKind: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    @inlinable @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var sourceLinkLayerAddress: NDOptionKind { NDOptionKind(rawValue: 1) }
    @inlinable public static var targetLinkLayerAddress: NDOptionKind { NDOptionKind(rawValue: 2) }
    @inlinable public static var prefixInformation: NDOptionKind { NDOptionKind(rawValue: 3) }
    @inlinable public static var redirectedHeader: NDOptionKind { NDOptionKind(rawValue: 4) }
    @inlinable public static var mtu: NDOptionKind { NDOptionKind(rawValue: 5) }
    /// RFC 8106 section 5.1.
    @inlinable public static var recursiveDNSServers: NDOptionKind { NDOptionKind(rawValue: 25) }
}

/// One option of a neighbor discovery message.
@frozen
public struct NDOption: BitwiseCopyable {
    /// The whole option, which is all there: a multiple of eight bytes, eight at least.
    public let bytes: Bytes

    @inlinable
    init(_ bytes: Bytes) { self.bytes = bytes }

    @inlinable public var kind: NDOptionKind { NDOptionKind(rawValue: bytes.load(at: 0)) }

    /// Of a link-layer address option: the station. Nil when it is too long for one of Ethernet (RFC 2464 section 6).
    @inlinable
    public var station: MACAddress? {
        let isAddress = kind == .sourceLinkLayerAddress || kind == .targetLinkLayerAddress
        return isAddress && bytes.count == 8 ? MACAddress(bytes, at: 2) : nil
    }

    /// Of an MTU option: bytes.
    @inlinable
    public var mtu: UInt32? { kind == .mtu && bytes.count == 8 ? bytes.network(at: 4) : nil }

    /// Of a prefix information option; nil when its length or its prefix length is wrong.
    public var prefix: NDPrefix? {
        guard kind == .prefixInformation, bytes.count == NDPrefix.length else { return nil }
        let length = Int(bytes.load(at: 2, as: UInt8.self))
        guard length <= 128 else { return nil }
        let flags: UInt8 = bytes.load(at: 3)
        return NDPrefix(
            IPv6Prefix(IPv6Address(bytes, at: 16), length: length), isOnLink: flags & 0x80 != 0,
            isAutonomous: flags & 0x40 != 0, validLifetime: bytes.network(at: 4),
            preferredLifetime: bytes.network(at: 8))
    }

    /// Of a redirected header option: the packet that caused the redirect, cut short, perhaps with padding behind it.
    @inlinable
    public var redirected: Bytes? { kind == .redirectedHeader ? bytes.dropping(first: 8) : nil }

    /// Of a DNS servers option: for how long they may be asked, seconds, and their addresses. Nil when it has none, or a
    /// part of one (RFC 8106 section 5.3.1).
    public var dnsServers: (lifetime: UInt32, addresses: [IPv6Address])? {
        guard kind == .recursiveDNSServers, bytes.count >= 24, bytes.count % 16 == 8 else { return nil }
        let addresses = stride(from: 8, to: bytes.count, by: 16).map { IPv6Address(bytes, at: $0) }
        return (bytes.network(at: 4), addresses)
    }
}

/// Walks over the options of a neighbor discovery message, never past its end.
@frozen
public struct NDOptions: BitwiseCopyable {
    @usableFromInline let bytes: Bytes
    @usableFromInline var place = 0
    /// Nil as long as nothing is wrong: `emptyOption` or `truncatedOption`.
    public var problem: NDProblem?

    /// - Parameter bytes: What follows a message's fixed part.
    @inlinable
    public init(_ bytes: Bytes) {
        self.bytes = bytes
        problem = nil
    }

    /// The next option; nil at the end, or when there is a problem.
    @inlinable
    public mutating func next() -> NDOption? {
        guard problem == nil, place < bytes.count else { return nil }
        guard place &+ 2 <= bytes.count else { return stop(.truncatedOption) }
        let length = Int(bytes.load(at: place &+ 1, as: UInt8.self)) &* 8
        guard length > 0 else { return stop(.emptyOption) }
        guard place &+ length <= bytes.count else { return stop(.truncatedOption) }
        let option = NDOption(bytes.dropping(first: place).prefix(length))
        place &+= length
        return option
    }

    @inlinable
    mutating func stop(_ reason: NDProblem) -> NDOption? {
        problem = reason
        return nil
    }
}

/// A prefix information option as a value (RFC 4861 section 4.6.2).
public struct NDPrefix: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of the option.
    public static let length = 32
    /// A lifetime without end.
    public static let infinity: UInt32 = .max

    public var prefix: IPv6Prefix
    /// L: its addresses are neighbours.
    public var isOnLink: Bool
    /// A: hosts may make addresses of it by themselves (RFC 4862).
    public var isAutonomous: Bool
    /// Seconds; `infinity` is without end.
    public var validLifetime: UInt32
    /// Seconds, no more than `validLifetime`; `infinity` is without end.
    public var preferredLifetime: UInt32

    public init(
        _ prefix: IPv6Prefix, isOnLink: Bool = true, isAutonomous: Bool = true, validLifetime: UInt32 = 2_592_000,
        preferredLifetime: UInt32 = 604_800
    ) {
        self.prefix = prefix
        self.isOnLink = isOnLink
        self.isAutonomous = isAutonomous
        self.validLifetime = validLifetime
        self.preferredLifetime = preferredLifetime
    }

    /// Writes the 32 bytes of the option; the window must have them.
    public func emit(into bytes: Bytes) {
        bytes.storeNetwork(0x0304_0000 | UInt32(prefix.length) << 8 | flags, at: 0)
        bytes.storeNetwork(validLifetime, at: 4)
        bytes.storeNetwork(preferredLifetime, at: 8)
        bytes.storeNetwork(0 as UInt32, at: 12)
        prefix.address.emit(into: bytes, at: 16)
    }

    private var flags: UInt32 { (isOnLink ? 0x80 : 0) | (isAutonomous ? 0x40 : 0) }
}
