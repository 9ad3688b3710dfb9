// SPDX-License-Identifier: Apache-2.0

extension IPProtocol {
    /// A header that names a next one and tells its own length, so that it can be stepped over (RFC 7045 section 4). ESP
    /// is none: what follows is not to be read.
    @inlinable @inline(__always)
    public var isIPv6Extension: Bool {
        switch self {
        case .hopByHop, .routing, .fragment, .ah, .destinationOptions, .mobility, .hip, .shim6: true
        default: false
        }
    }
}

/// One extension header of an IPv6 packet.
@frozen
public struct IPv6ExtensionHeader: BitwiseCopyable {
    public let kind: IPProtocol
    /// The whole header, which is all there: at least eight bytes.
    public let bytes: Bytes
    /// Where it begins, bytes from the IPv6 header's start.
    public let offset: Int
    /// Where the field is that named it, bytes from the IPv6 header's start: what a parameter problem points at when the
    /// kind is not known.
    public let pointer: Int

    @inlinable
    init(kind: IPProtocol, bytes: Bytes, offset: Int, pointer: Int) {
        self.kind = kind
        self.bytes = bytes
        self.offset = offset
        self.pointer = pointer
    }

    @inlinable public var next: IPProtocol { IPProtocol(rawValue: bytes.load(at: 0)) }
    /// Of a hop-by-hop or destination options header: what it holds.
    @inlinable public var options: IPv6Options { IPv6Options(self) }
    /// Of a routing header: its type (RFC 8200 section 4.4). Type 0 is withdrawn (RFC 5095).
    @inlinable public var routingType: UInt8 { bytes.load(at: 2) }
    /// Of a routing header: stops still to come. One that a receiver does not know is in order when there are none.
    @inlinable public var segmentsLeft: UInt8 { bytes.load(at: 3) }
    /// Of a fragment header: itself.
    @inlinable public var fragment: IPv6Fragment { IPv6Fragment(bytes) }
}

/// Walks over a packet's extension headers to that of the upper layer (RFC 8200 section 4).
///
///     var headers = IPv6Extensions(packet)
///     while let header = headers.next() { ... }
///     if let problem = headers.problem { ... }
///     // headers.protocol begins at headers.offset
///
/// It never reads past the packet's end, neither the claimed nor the real one, and takes no more than `limit` headers.
/// A jumbogram (RFC 2675) ends with its IPv6 header.
@frozen
public struct IPv6Extensions: BitwiseCopyable {
    /// The most extension headers that a packet may have. RFC 8200 section 4.1 recommends seven at most.
    @inlinable public static var limit: Int { 8 }

    /// Why the upper layer's header was not found.
    @frozen
    public enum Problem: UInt8, Sendable, BitwiseCopyable {
        /// An extension header does not end before the packet does.
        case truncated
        /// There are more than `limit` of them.
        case tooMany
        /// Hop-by-hop options stand elsewhere than right behind the IPv6 header: a next header that is not known there
        /// (RFC 8200 section 4), at `pointer`.
        case misplacedHopByHop
    }

    /// The packet without link padding, from its IPv6 header on.
    @usableFromInline let packet: Bytes
    @usableFromInline var count = 0

    /// The header to come; after the walk, the upper layer's.
    public var `protocol`: IPProtocol
    /// Where that begins, bytes from the IPv6 header's start; not beyond the packet's end.
    public var offset: Int
    /// Where the field is that names it, bytes from the IPv6 header's start.
    public var pointer: Int
    /// The fragment header that was passed, if any.
    public var fragment: IPv6Fragment?
    /// Nil as long as nothing is wrong.
    public var problem: Problem?

    @inlinable @inline(__always)
    public init(_ view: IPv6View) {
        packet = view.bytes.prefix(view.totalLength)
        `protocol` = view.nextHeader
        offset = IPv6View.length
        pointer = 6
        fragment = nil
        problem = nil
    }

    /// The packet is a part that does not begin with the upper layer's header. Known after the walk, which ends there.
    @inlinable public var isLaterFragment: Bool { fragment.map { $0.offset != 0 } ?? false }

    /// The upper layer's header and what follows it, of a later fragment its data; without link padding. Known after the
    /// walk.
    @inlinable public var payload: Bytes { packet.dropping(first: offset) }

    /// The next extension header; nil when the walk is at its end, or has a problem.
    @inlinable
    public mutating func next() -> IPv6ExtensionHeader? {
        guard `protocol`.isIPv6Extension, !isLaterFragment, problem == nil else { return nil }
        if `protocol` == .hopByHop, count > 0 { return stop(.misplacedHopByHop) }
        if count == IPv6Extensions.limit { return stop(.tooMany) }
        guard offset &+ 8 <= packet.count else { return stop(.truncated) }
        let units = Int(packet.load(at: offset &+ 1, as: UInt8.self))
        let length =
            switch `protocol` {
            case .fragment: 8
            // In words, less two (RFC 4302 section 2.2).
            case .ah: max(8, (units &+ 2) &* 4)
            default: (units &+ 1) &* 8
            }
        guard offset &+ length <= packet.count else { return stop(.truncated) }
        let header = IPv6ExtensionHeader(
            kind: `protocol`, bytes: packet.dropping(first: offset).prefix(length), offset: offset, pointer: pointer)
        if `protocol` == .fragment { fragment = header.fragment }
        count &+= 1
        pointer = offset
        offset &+= length
        `protocol` = header.next
        return header
    }

    @inlinable
    mutating func stop(_ reason: Problem) -> IPv6ExtensionHeader? {
        problem = reason
        return nil
    }
}

extension IPv6View {
    /// The walk over the extension headers, at its end. Without any it costs two comparisons.
    @inlinable @inline(__always)
    public var upperLayer: IPv6Extensions {
        var headers = IPv6Extensions(self)
        if nextHeader.isIPv6Extension { while headers.next() != nil {} }
        return headers
    }
}
