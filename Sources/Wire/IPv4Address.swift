// SPDX-License-Identifier: Apache-2.0

/// An IPv4 address (RFC 791): a 32-bit number in host byte order, so that `192.0.2.1` is `0xC000_0201`.
///
/// The text form is the strict dotted quad: four decimal numbers from 0 to 255, without leading zeros
/// (some programs take those for octal), signs, blanks or missing parts.
public struct IPv4Address: Hashable, Sendable, BitwiseCopyable {
    /// The address as a number in host byte order.
    public var value: UInt32

    @inlinable
    public init(_ value: UInt32) {
        self.value = value
    }

    /// The address of the four numbers as they are written from left to right.
    @inlinable
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        value = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// Reads a dotted quad; the error says what is wrong with the text.
    public init(parsing text: String) throws(AddressSyntaxError) {
        self = try parseWhole(text) { bytes, index throws(AddressSyntaxError.Problem) in
            try IPv4Address.scan(bytes, at: &index)
        }
    }

    /// Reads a dotted quad at `index` and moves `index` past it.
    ///
    /// What follows the address is the caller's to judge. On an error `index` is where the trouble is.
    public static func scan(_ bytes: Span<UInt8>, at index: inout Int) throws(AddressSyntaxError.Problem) -> Self {
        var value: UInt32 = 0
        for part in 0..<4 {
            if part > 0 {
                guard index < bytes.count, bytes[index] == UInt8(ascii: ".") else { throw .notDottedQuad }
                index += 1
            }
            value = value << 8 | UInt32(try scanNumber(bytes, at: &index, upTo: 255, else: .notDottedQuad))
        }
        return IPv4Address(value)
    }

    /// 0.0.0.0, "this host" (RFC 1122 section 3.2.1.3).
    public static let any = IPv4Address(0)
    /// 255.255.255.255, the limited broadcast address.
    public static let broadcast = IPv4Address(.max)

    /// 224.0.0.0/4 (RFC 5771).
    @inlinable public var isMulticast: Bool { value >> 28 == 0xE }
    /// 127.0.0.0/8.
    @inlinable public var isLoopback: Bool { value >> 24 == 127 }
}

/// A block of IPv4 addresses: those which agree with `address` in the first `length` bits (RFC 4632).
///
/// The host bits of a prefix are always zero. Text with host bits set (`10.0.0.1/8`) is refused: it is more
/// often a slip than a wish. `init(_:length:)` clears them, since there the caller asks for the covering block.
public struct IPv4Prefix: Hashable, Sendable, BitwiseCopyable {
    /// The first address of the block.
    public let address: IPv4Address
    private let bits: UInt8

    /// The number of leading bits that matter, 0 to 32.
    public var length: Int { Int(bits) }

    /// The block of `length` bits which contains `address`; `length` must be in 0...32.
    public init(_ address: IPv4Address, length: Int) {
        precondition((0...32).contains(length), "IPv4 prefix length \(length) is not in 0...32")
        self.address = IPv4Address(address.value & Self.mask(length))
        bits = UInt8(length)
    }

    /// Reads `ADDRESS/LENGTH`; the error says what is wrong with the text.
    public init(parsing text: String) throws(AddressSyntaxError) {
        self = try parseWhole(text) { bytes, index throws(AddressSyntaxError.Problem) in
            try IPv4Prefix.scan(bytes, at: &index)
        }
    }

    /// Reads `ADDRESS/LENGTH` at `index` and moves `index` past it; on an error `index` is where the trouble is.
    public static func scan(_ bytes: Span<UInt8>, at index: inout Int) throws(AddressSyntaxError.Problem) -> Self {
        let start = index
        let address = try IPv4Address.scan(bytes, at: &index)
        guard index < bytes.count, bytes[index] == UInt8(ascii: "/") else { throw .lengthMissing }
        index += 1
        let length = try scanNumber(bytes, at: &index, upTo: 32, else: .lengthOutOfRange)
        let prefix = IPv4Prefix(address, length: length)
        guard prefix.address == address else {
            index = start
            throw .hostBitsSet(.v4(prefix))
        }
        return prefix
    }

    /// 0.0.0.0/0, the prefix of the default route.
    public static let all = IPv4Prefix(.any, length: 0)

    /// The network mask of a prefix length in 0...32, host byte order.
    @inlinable
    public static func mask(_ length: Int) -> UInt32 {
        .max << UInt32(32 - length)
    }

    /// The network mask, host byte order.
    public var mask: UInt32 { Self.mask(length) }
    /// The last address of the block.
    public var last: IPv4Address { IPv4Address(address.value | ~mask) }
    /// The address of all hosts of the subnet; nil for a /31 (RFC 3021) and a /32, where every address is a host.
    public var broadcast: IPv4Address? { length < 31 ? last : nil }

    public func contains(_ other: IPv4Address) -> Bool {
        other.value & mask == address.value
    }

    /// Whether every address of `other` is in this block; a prefix contains itself.
    public func contains(_ other: IPv4Prefix) -> Bool {
        length <= other.length && contains(other.address)
    }
}

extension IPv4Address: Comparable, LosslessStringConvertible, Codable {
    public init?(_ description: String) {
        guard let address = try? IPv4Address(parsing: description) else { return nil }
        self = address
    }

    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }

    @inlinable
    public static func < (a: Self, b: Self) -> Bool { a.value < b.value }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(decoder) { text throws(AddressSyntaxError) in try IPv4Address(parsing: text) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Prefixes sort by address, and of those with the same address the shorter one comes first.
extension IPv4Prefix: Comparable, LosslessStringConvertible, Codable {
    public init?(_ description: String) {
        guard let prefix = try? IPv4Prefix(parsing: description) else { return nil }
        self = prefix
    }

    public var description: String { "\(address)/\(length)" }

    public static func < (a: Self, b: Self) -> Bool {
        (a.address, a.length) < (b.address, b.length)
    }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(decoder) { text throws(AddressSyntaxError) in try IPv4Prefix(parsing: text) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
