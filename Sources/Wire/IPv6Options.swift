// SPDX-License-Identifier: Apache-2.0

/// An option of a hop-by-hop or destination options header (RFC 8200 section 4.2).
@frozen
public struct IPv6Option: BitwiseCopyable {
    /// What who does not know an option does: the kind's highest two bits.
    @frozen
    public enum Action: UInt8, Sendable, BitwiseCopyable {
        case skip = 0
        /// In silence.
        case discard = 1
        /// With a parameter problem, code 2, that points at the option, whatever the destination is.
        case discardAndTell = 2
        /// The same, but in silence when the destination is a multicast address.
        case discardAndTellUnlessMulticast = 3
    }

    /// Kinds with a meaning here; others are kept as numbers.
    @inlinable public static var pad1: UInt8 { 0 }
    @inlinable public static var padN: UInt8 { 1 }
    /// Routers shall look at the packet (RFC 2711). Two bytes of data: the value.
    @inlinable public static var routerAlert: UInt8 { 5 }
    /// The packet's length when it exceeds 65,535 bytes (RFC 2675).
    @inlinable public static var jumboPayload: UInt8 { 0xC2 }

    public let kind: UInt8
    /// Without kind and length.
    public let data: Bytes
    /// Where the option begins, bytes from the IPv6 header's start: what a parameter problem points at.
    public let offset: Int

    @inlinable
    init(kind: UInt8, data: Bytes, offset: Int) {
        self.kind = kind
        self.data = data
        self.offset = offset
    }

    @inlinable public var action: Action { Action(rawValue: kind &>> 6).unsafelyUnwrapped }
    /// Routers on the way may change the data.
    @inlinable public var mayChange: Bool { kind & 0x20 != 0 }
    @inlinable public var isPadding: Bool { kind <= IPv6Option.padN }
}

/// Walks over the options of a hop-by-hop or destination options header; never past its end, and never over more than
/// `limit` of them.
@frozen
public struct IPv6Options: BitwiseCopyable {
    /// The most options, padding included, that a header may have.
    @inlinable public static var limit: Int { 64 }

    @frozen
    public enum Problem: UInt8, Sendable, BitwiseCopyable {
        /// An option does not end before its header does.
        case truncated
        /// There are more than `limit` of them.
        case tooMany
    }

    @usableFromInline let header: Bytes
    @usableFromInline let start: Int
    @usableFromInline var place = 2
    @usableFromInline var count = 0
    /// Nil as long as nothing is wrong.
    public var problem: Problem?

    @inlinable
    public init(_ header: IPv6ExtensionHeader) {
        self.header = header.bytes
        start = header.offset
        problem = nil
    }

    /// Where the next option begins, bytes from the IPv6 header's start; with a problem, where that is.
    @inlinable public var offset: Int { start &+ place }

    /// The next option, which may be padding; nil at the end, or when there is a problem.
    @inlinable
    public mutating func next() -> IPv6Option? {
        guard problem == nil, place < header.count else { return nil }
        if count == IPv6Options.limit { return stop(.tooMany) }
        count &+= 1
        let first = place
        let kind: UInt8 = header.load(at: first)
        if kind == IPv6Option.pad1 {
            place &+= 1
            return IPv6Option(kind: kind, data: header.prefix(0), offset: start &+ first)
        }
        guard first &+ 2 <= header.count else { return stop(.truncated) }
        let length = Int(header.load(at: first &+ 1, as: UInt8.self))
        guard first &+ 2 &+ length <= header.count else { return stop(.truncated) }
        place = first &+ 2 &+ length
        return IPv6Option(
            kind: kind, data: header.dropping(first: first &+ 2).prefix(length), offset: start &+ first)
    }

    @inlinable
    mutating func stop(_ reason: Problem) -> IPv6Option? {
        problem = reason
        return nil
    }
}
