// SPDX-License-Identifier: Apache-2.0

/// An address of either family, where both may stand: next hops, neighbours, BFD peers. Host byte order.
public enum IPAddress: Hashable, Sendable, BitwiseCopyable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// Reads either text form; the error says what is wrong with the text.
    public init(parsing text: String) throws(AddressSyntaxError) {
        self =
            text.utf8.contains(UInt8(ascii: ":"))
            ? .v6(try IPv6Address(parsing: text)) : .v4(try IPv4Address(parsing: text))
    }

    public var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
    public var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }

    public var family: AddressFamily { v4 == nil ? .ipv6 : .ipv4 }
    public var isMulticast: Bool { v4?.isMulticast ?? v6?.isMulticast ?? false }
    public var isLinkLocal: Bool { v6?.isLinkLocal ?? false }
    public var isUnspecified: Bool { self == .v4(.any) || self == .v6(.any) }

    /// Whether it can be one other host's: no group, no broadcast, not the unspecified address, not loopback.
    public var isOneHost: Bool {
        let isLoopback = v4?.isLoopback ?? v6?.isLoopback ?? false
        return !isMulticast && !isUnspecified && !isLoopback && self != .v4(.broadcast)
    }

    /// The block of this address alone: a /32 or a /128.
    public var host: IPPrefix {
        switch self {
        case .v4(let address): .v4(IPv4Prefix(address, length: 32))
        case .v6(let address): .v6(IPv6Prefix(address, length: 128))
        }
    }
}

/// Which version of the Internet Protocol.
public enum AddressFamily: UInt8, Sendable, BitwiseCopyable, CaseIterable, Codable, CustomStringConvertible {
    case ipv4, ipv6

    public var description: String { self == .ipv4 ? "IPv4" : "IPv6" }
    /// Bits of an address.
    public var bitCount: Int { self == .ipv4 ? 32 : 128 }
}

/// A block of addresses of either family.
public enum IPPrefix: Hashable, Sendable, BitwiseCopyable {
    case v4(IPv4Prefix)
    case v6(IPv6Prefix)

    /// Reads either text form; the error says what is wrong with the text.
    public init(parsing text: String) throws(AddressSyntaxError) {
        self =
            text.utf8.contains(UInt8(ascii: ":"))
            ? .v6(try IPv6Prefix(parsing: text)) : .v4(try IPv4Prefix(parsing: text))
    }

    public init(_ address: IPAddress, length: Int) {
        switch address {
        case .v4(let address): self = .v4(IPv4Prefix(address, length: length))
        case .v6(let address): self = .v6(IPv6Prefix(address, length: length))
        }
    }

    public var family: AddressFamily { if case .v4 = self { .ipv4 } else { .ipv6 } }

    public var length: Int {
        switch self {
        case .v4(let prefix): prefix.length
        case .v6(let prefix): prefix.length
        }
    }

    /// The first address of the block.
    public var address: IPAddress {
        switch self {
        case .v4(let prefix): .v4(prefix.address)
        case .v6(let prefix): .v6(prefix.address)
        }
    }

    /// The block of all addresses of a family: the default route's.
    public static func all(_ family: AddressFamily) -> IPPrefix { family == .ipv4 ? .v4(.all) : .v6(.all) }

    public func contains(_ other: IPAddress) -> Bool {
        switch (self, other) {
        case (.v4(let prefix), .v4(let address)): prefix.contains(address)
        case (.v6(let prefix), .v6(let address)): prefix.contains(address)
        default: false
        }
    }
}

extension IPAddress: Comparable, LosslessStringConvertible, Codable {
    public init?(_ description: String) {
        guard let address = try? IPAddress(parsing: description) else { return nil }
        self = address
    }

    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }

    /// IPv4 comes first.
    public static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.v4(let a), .v4(let b)): a < b
        case (.v6(let a), .v6(let b)): a < b
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(decoder) { text throws(AddressSyntaxError) in try IPAddress(parsing: text) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension IPPrefix: Comparable, LosslessStringConvertible, Codable {
    public init?(_ description: String) {
        guard let prefix = try? IPPrefix(parsing: description) else { return nil }
        self = prefix
    }

    public var description: String {
        switch self {
        case .v4(let prefix): prefix.description
        case .v6(let prefix): prefix.description
        }
    }

    /// IPv4 comes first.
    public static func < (a: Self, b: Self) -> Bool { (a.address, a.length) < (b.address, b.length) }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(decoder) { text throws(AddressSyntaxError) in try IPPrefix(parsing: text) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
