// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An IPv6 address (RFC 4291): 128 bits as two 64-bit numbers in host byte order, so that `2001:db8::1` has the high
/// half `0x2001_0db8_0000_0000`.
///
/// Text is read in every form of RFC 4291 section 2.2 and written as RFC 5952 wants it. A zone (`%eth0`) is no part
/// of an address.
@frozen
public struct IPv6Address: Hashable, Sendable, BitwiseCopyable {
    /// The first eight bytes, host byte order.
    public var high: UInt64
    /// The last eight bytes, host byte order.
    public var low: UInt64

    @inlinable @inline(__always)
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The address of the eight groups as they are written from left to right.
    public init(_ a: UInt16, _ b: UInt16, _ c: UInt16, _ d: UInt16, _ e: UInt16, _ f: UInt16, _ g: UInt16, _ h: UInt16)
    {
        high = [a, b, c, d].reduce(0) { $0 << 16 | UInt64($1) }
        low = [e, f, g, h].reduce(0) { $0 << 16 | UInt64($1) }
    }

    /// Reads the text form; the error says what is wrong with the text.
    public init(parsing text: String) throws(AddressSyntaxError) {
        self = try parseWhole(text) { bytes, index throws(AddressSyntaxError.Problem) in
            try IPv6Address.scan(bytes, at: &index)
        }
    }

    /// Reads an address at `index` and moves `index` past it; on an error `index` is where the trouble is.
    public static func scan(_ bytes: Span<UInt8>, at index: inout Int) throws(AddressSyntaxError.Problem) -> Self {
        var end = index
        while end < bytes.count, isPartOfAddress(bytes[end]) { end += 1 }
        // The longest form is that with an embedded IPv4 address, 45 characters.
        guard end - index <= 45 else { throw .notIPv6 }
        var text = InlineArray<46, CChar>(repeating: 0)
        for position in index..<end { text[position - index] = CChar(bitPattern: bytes[position]) }
        var binary = in6_addr()
        let isRead = text.span.withUnsafeBufferPointer { inet_pton(AF_INET6, $0.baseAddress!, &binary) == 1 }
        guard isRead else { throw .notIPv6 }
        index = end
        return withUnsafeBytes(of: binary) { IPv6Address(networkBytes: $0) }
    }

    private static func isPartOfAddress(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") || byte &- UInt8(ascii: "0") < 10
            || (byte | 0x20) &- UInt8(ascii: "a") < 6
    }

    /// Reads the sixteen bytes at `offset`; the window must have them.
    @inlinable @inline(__always)
    public init(_ bytes: Bytes, at offset: Int) {
        high = bytes.network(at: offset)
        low = bytes.network(at: offset &+ 8)
    }

    /// Writes the sixteen bytes at `offset`; the window must have them.
    @inlinable @inline(__always)
    public func emit(into bytes: Bytes, at offset: Int) {
        bytes.storeNetwork(high, at: offset)
        bytes.storeNetwork(low, at: offset &+ 8)
    }

    /// Takes sixteen bytes in network order.
    public init(networkBytes bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= 16, "an IPv6 address has sixteen bytes")
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// The sixteen bytes in network order.
    public var networkBytes: [UInt8] {
        [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) } }
    }

    /// ::, the unspecified address.
    public static let any = IPv6Address(high: 0, low: 0)
    /// ::1
    public static let loopback = IPv6Address(high: 0, low: 1)
    /// ff02::1, all nodes on the link.
    public static let allNodes = IPv6Address(high: 0xff02 << 48, low: 1)
    /// ff02::2, all routers on the link.
    public static let allRouters = IPv6Address(high: 0xff02 << 48, low: 2)

    /// ::
    @inlinable @inline(__always) public var isUnspecified: Bool { high | low == 0 }
    /// ::1
    @inlinable @inline(__always) public var isLoopback: Bool { high == 0 && low == 1 }
    /// ff00::/8
    @inlinable @inline(__always) public var isMulticast: Bool { high >> 56 == 0xff }
    /// fe80::/10
    @inlinable @inline(__always) public var isLinkLocal: Bool { high >> 54 == 0xfe80 >> 6 }
    /// A multicast address' scope, 0 to 15 (RFC 4291 section 2.7): 1 interface, 2 link, 5 site, 14 global.
    @inlinable public var multicastScope: Int { Int(high >> 48 & 15) }

    /// ff02::1:ff00:0/104, where neighbours listen for solicitations (RFC 4291 section 2.7.1).
    @inlinable public var isSolicitedNode: Bool { high == 0xff02 << 48 && low >> 24 == 0x1ff }

    /// ff02::1:ffXX:XXXX, where a neighbour with this address listens (RFC 4291 section 2.7.1).
    public var solicitedNode: IPv6Address {
        IPv6Address(high: 0xff02 << 48, low: 0x1_ff00_0000 | low & 0xff_ffff)
    }
}

/// A block of IPv6 addresses: those which agree with `address` in the first `length` bits (RFC 4291 section 2.3).
///
/// The host bits of a prefix are always zero; text with host bits set is refused, as with `IPv4Prefix`.
public struct IPv6Prefix: Hashable, Sendable, BitwiseCopyable {
    /// The first address of the block.
    public let address: IPv6Address
    private let bits: UInt8

    /// The number of leading bits that matter, 0 to 128.
    public var length: Int { Int(bits) }

    /// The block of `length` bits which contains `address`; `length` must be in 0...128.
    public init(_ address: IPv6Address, length: Int) {
        precondition((0...128).contains(length), "IPv6 prefix length \(length) is not in 0...128")
        let mask = Self.mask(length)
        self.address = IPv6Address(high: address.high & mask.high, low: address.low & mask.low)
        bits = UInt8(length)
    }

    /// Reads `ADDRESS/LENGTH`; the error says what is wrong with the text.
    public init(parsing text: String) throws(AddressSyntaxError) {
        self = try parseWhole(text) { bytes, index throws(AddressSyntaxError.Problem) in
            try IPv6Prefix.scan(bytes, at: &index)
        }
    }

    /// Reads `ADDRESS/LENGTH` at `index` and moves `index` past it; on an error `index` is where the trouble is.
    public static func scan(_ bytes: Span<UInt8>, at index: inout Int) throws(AddressSyntaxError.Problem) -> Self {
        let start = index
        let address = try IPv6Address.scan(bytes, at: &index)
        guard index < bytes.count, bytes[index] == UInt8(ascii: "/") else { throw .lengthMissing }
        index += 1
        let length = try scanNumber(bytes, at: &index, upTo: 128, else: .lengthOutOfRange)
        let prefix = IPv6Prefix(address, length: length)
        guard prefix.address == address else {
            index = start
            throw .hostBitsSet(.v6(prefix))
        }
        return prefix
    }

    /// ::/0, the prefix of the default route.
    public static let all = IPv6Prefix(.any, length: 0)
    /// fe80::/10
    public static let linkLocal = IPv6Prefix(IPv6Address(high: 0xfe80 << 48, low: 0), length: 10)
    /// ff00::/8
    public static let multicast = IPv6Prefix(IPv6Address(high: 0xff << 56, low: 0), length: 8)

    /// The network mask of a prefix length in 0...128, host byte order.
    public static func mask(_ length: Int) -> IPv6Address {
        // Swift's shifts give 0 for a shift by the whole width, and shift the other way for a negative count.
        IPv6Address(high: .max << UInt64(max(0, 64 - length)), low: .max << UInt64(min(64, 128 - length)))
    }

    /// The last address of the block.
    public var last: IPv6Address {
        let mask = Self.mask(length)
        return IPv6Address(high: address.high | ~mask.high, low: address.low | ~mask.low)
    }

    public func contains(_ other: IPv6Address) -> Bool {
        let mask = Self.mask(length)
        return other.high & mask.high == address.high && other.low & mask.low == address.low
    }

    /// Whether every address of `other` is in this block; a prefix contains itself.
    public func contains(_ other: IPv6Prefix) -> Bool {
        length <= other.length && contains(other.address)
    }
}

extension IPv6Address: Comparable, LosslessStringConvertible, Codable {
    public init?(_ description: String) {
        guard let address = try? IPv6Address(parsing: description) else { return nil }
        self = address
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let isWritten = networkBytes.withUnsafeBytes { bytes in
            inet_ntop(AF_INET6, bytes.baseAddress!, &text, socklen_t(text.count)) != nil
        }
        return isWritten ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "::"
    }

    @inlinable
    public static func < (a: Self, b: Self) -> Bool { (a.high, a.low) < (b.high, b.low) }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(decoder) { text throws(AddressSyntaxError) in try IPv6Address(parsing: text) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Prefixes sort by address, and of those with the same address the shorter one comes first.
extension IPv6Prefix: Comparable, LosslessStringConvertible, Codable {
    public init?(_ description: String) {
        guard let prefix = try? IPv6Prefix(parsing: description) else { return nil }
        self = prefix
    }

    public var description: String { "\(address)/\(length)" }

    public static func < (a: Self, b: Self) -> Bool {
        (a.address, a.length) < (b.address, b.length)
    }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(decoder) { text throws(AddressSyntaxError) in try IPv6Prefix(parsing: text) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
