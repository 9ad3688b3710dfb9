// SPDX-License-Identifier: Apache-2.0

/// The checksum of IPv4, ICMP, ICMPv6, UDP and TCP (RFC 1071): the complement of the ones' complement sum of 16-bit words.
///
/// Collects a sum over several pieces. The sum is kept in the machine's byte order, which makes no difference to a ones'
/// complement sum but for the order of the result's bytes (RFC 1071 section 2.B): numbers come in through
/// `add(number:)` and the result goes out through `folded` and `value` in host order.
@frozen
public struct InternetChecksum: BitwiseCopyable, Sendable {
    /// 32-bit words, as loaded, added up; room for four billion of them before a carry could get lost.
    @usableFromInline var sum: UInt64 = 0

    @inlinable @inline(__always)
    public init() {}

    /// Adds bytes. Pieces before the last must have even lengths; a last odd byte counts as a word's first.
    @inlinable
    public mutating func add(_ bytes: Bytes) {
        var offset = 0
        var sum = self.sum
        while offset &+ 4 <= bytes.count {
            sum &+= UInt64(bytes.load(at: offset, as: UInt32.self))
            offset &+= 4
        }
        if offset &+ 2 <= bytes.count {
            sum &+= UInt64(bytes.load(at: offset, as: UInt16.self))
            offset &+= 2
        }
        if offset < bytes.count {
            sum &+= UInt64((UInt16(bytes.load(at: offset, as: UInt8.self)) &<< 8).bigEndian)
        }
        self.sum = sum
    }

    /// Adds a number of a header that is not there as bytes, such as a length.
    @inlinable @inline(__always)
    public mutating func add(number: UInt16) { sum &+= UInt64(number.bigEndian) }

    /// Adds an address of a header that is not there as bytes.
    @inlinable @inline(__always)
    mutating func add(_ address: IPv6Address) {
        let (high, low) = (address.high.bigEndian, address.low.bigEndian)
        sum &+= UInt64(UInt32(truncatingIfNeeded: high)) &+ high &>> 32
        sum &+= UInt64(UInt32(truncatingIfNeeded: low)) &+ low &>> 32
    }

    /// Adds the pseudo header of UDP and TCP over IPv4 (RFC 768, RFC 9293 section 3.1). `length` is that of header and
    /// data, bytes.
    @inlinable
    public mutating func addPseudoHeader(
        source: IPv4Address, destination: IPv4Address, protocol: IPProtocol, length: Int
    ) {
        sum &+= UInt64(source.value.bigEndian)
        sum &+= UInt64(destination.value.bigEndian)
        add(number: UInt16(`protocol`.rawValue))
        add(number: UInt16(truncatingIfNeeded: length))
    }

    /// Adds the pseudo header of UDP, TCP and ICMPv6 over IPv6 (RFC 8200 section 8.1). `length` is that of the upper-layer
    /// header and its data, bytes.
    @inlinable
    public mutating func addPseudoHeader(
        source: IPv6Address, destination: IPv6Address, protocol: IPProtocol, length: Int
    ) {
        add(source)
        add(destination)
        add(number: UInt16(`protocol`.rawValue))
        add(number: UInt16(truncatingIfNeeded: length &>> 16))
        add(number: UInt16(truncatingIfNeeded: length))
    }

    /// The ones' complement sum, in host order. Over data that includes a right checksum it is 0xFFFF.
    @inlinable @inline(__always)
    public var folded: UInt16 { UInt16(bigEndian: InternetChecksum.fold(sum)) }

    /// The checksum to write, in host order. UDP writes 0xFFFF in place of 0, since 0 means that there is none.
    @inlinable @inline(__always)
    public var value: UInt16 { ~folded }

    /// Whether the data, checksum included, adds up.
    @inlinable @inline(__always)
    public var isRight: Bool { InternetChecksum.fold(sum) == 0xFFFF }

    /// Brings a sum down to 16 bits by end-around carries. Zero only for a sum of zero.
    @inlinable @inline(__always)
    static func fold(_ sum: UInt64) -> UInt16 {
        // Adding a number to itself with the halves swapped leaves the folded sum, carry included, in the upper half.
        let words = UInt32(truncatingIfNeeded: (sum &+ (sum &<< 32 | sum &>> 32)) &>> 32)
        return UInt16(truncatingIfNeeded: (words &+ (words &<< 16 | words &>> 16)) &>> 16)
    }

    // MARK: - Incremental update

    /// The checksum after a word of the data has changed (RFC 1624 equation 3). All in host order.
    ///
    /// The same as computing it anew; in particular never 0xFFFF for data that is not all zero.
    @inlinable @inline(__always)
    public static func update(_ checksum: UInt16, word old: UInt16, to new: UInt16) -> UInt16 {
        ~fold(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
    }

    /// The checksum after two neighbouring words, such as an address, have changed.
    @inlinable @inline(__always)
    public static func update(_ checksum: UInt16, words old: UInt32, to new: UInt32) -> UInt16 {
        ~fold(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
    }
}
