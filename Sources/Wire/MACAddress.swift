// SPDX-License-Identifier: Apache-2.0

/// An Ethernet station address (IEEE 802-2014 section 8): six bytes.
///
/// Kept as a little-endian load of the bytes gives it, so that reading one from a packet and comparing it costs nothing.
/// The text form is six two-digit hexadecimal numbers with colons or, when read, hyphens between them.
@frozen
public struct MACAddress: Hashable, Sendable, BitwiseCopyable {
    /// The first byte on the wire in the lowest eight bits; the highest sixteen bits are zero.
    public let littleEndianValue: UInt64

    /// The address of a little-endian load; the highest sixteen bits are ignored.
    @inlinable @inline(__always)
    public init(littleEndian value: UInt64) {
        littleEndianValue = value & 0xFFFF_FFFF_FFFF
    }

    /// The address as a number, as it reads: `02:00:00:00:00:01` is `0x0200_0000_0001`. The highest sixteen bits are
    /// ignored.
    @inlinable @inline(__always)
    public init(_ value: UInt64) {
        littleEndianValue = (value &<< 16).byteSwapped
    }

    /// The address of six bytes in wire order.
    @inlinable
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, _ e: UInt8, _ f: UInt8) {
        let high = UInt64(a) << 40 | UInt64(b) << 32 | UInt64(c) << 24
        self.init(high | UInt64(d) << 16 | UInt64(e) << 8 | UInt64(f))
    }

    /// Reads the six bytes at `offset`; the window must have them.
    @inlinable @inline(__always)
    public init(_ bytes: Bytes, at offset: Int) {
        let low = UInt32(littleEndian: bytes.load(at: offset))
        let high = UInt16(littleEndian: bytes.load(at: offset &+ 4))
        littleEndianValue = UInt64(high) &<< 32 | UInt64(low)
    }

    /// Writes the six bytes at `offset`; the window must have them.
    @inlinable @inline(__always)
    public func emit(into bytes: Bytes, at offset: Int) {
        bytes.store(UInt32(truncatingIfNeeded: littleEndianValue).littleEndian, at: offset)
        bytes.store(UInt16(truncatingIfNeeded: littleEndianValue &>> 32).littleEndian, at: offset &+ 4)
    }

    /// The address as a number, as it reads.
    @inlinable
    public var value: UInt64 { littleEndianValue.byteSwapped &>> 16 }

    /// Where frames to an IPv4 multicast group go: 01:00:5e and the group's last 23 bits (RFC 1112 section 6.4).
    @inlinable
    public init(multicast group: IPv4Address) {
        self.init(0x0100_5E00_0000 | UInt64(group.value & 0x7F_FFFF))
    }

    /// Where frames to an IPv6 multicast group go: 33:33 and the group's last 32 bits (RFC 2464 section 7).
    @inlinable
    public init(multicast group: IPv6Address) {
        self.init(0x3333_0000_0000 | group.low & 0xFFFF_FFFF)
    }

    /// FF:FF:FF:FF:FF:FF, all stations.
    @inlinable public static var broadcast: MACAddress { MACAddress(littleEndian: .max) }
    /// 00:00:00:00:00:00, which belongs to no station.
    @inlinable public static var zero: MACAddress { MACAddress(littleEndian: 0) }

    /// A group address, the broadcast address among them.
    @inlinable @inline(__always)
    public var isMulticast: Bool { littleEndianValue & 1 != 0 }
    @inlinable @inline(__always)
    public var isBroadcast: Bool { littleEndianValue == 0xFFFF_FFFF_FFFF }
    @inlinable @inline(__always)
    public var isZero: Bool { littleEndianValue == 0 }
    /// Given by an administrator or a program, not by the maker.
    @inlinable
    public var isLocallyAdministered: Bool { littleEndianValue & 2 != 0 }
    /// The address of one station: what a port may have and a frame may come from.
    @inlinable @inline(__always)
    public var isStation: Bool { !isMulticast && !isZero }
}

extension MACAddress: Comparable, LosslessStringConvertible, Codable {
    /// Reads `02:00:00:00:00:01` or `02-00-00-00-00-01`; nil when the text is anything else.
    public init?(_ description: String) {
        var value: UInt64 = 0
        var separator: UInt8?
        for (position, byte) in description.utf8.enumerated() {
            guard position < 17 else { return nil }
            if position % 3 == 2 {
                guard byte == separator ?? byte, byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-") else {
                    return nil
                }
                separator = byte
            } else {
                guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
                value = value << 4 | UInt64(digit)
            }
        }
        guard description.utf8.count == 17 else { return nil }
        self.init(value)
    }

    public var description: String {
        (0..<6).map { hexadecimal(littleEndianValue >> (8 * UInt64($0)) & 0xFF, digits: 2) }.joined(separator: ":")
    }

    /// In the order of the text form.
    public static func < (a: Self, b: Self) -> Bool { a.value < b.value }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = MACAddress(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "'\(text)' is not a MAC address: write six numbers such as 02:00:00:00:00:01")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Lower-case hexadecimal with leading zeros.
func hexadecimal(_ value: some BinaryInteger, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
