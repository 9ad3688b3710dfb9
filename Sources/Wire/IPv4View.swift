// SPDX-License-Identifier: Apache-2.0

/// A view of an IPv4 header (RFC 791 section 3.1).
///
/// The initialiser checks only that the fixed part of the header is there. Before anything behind it is touched
/// (`options`, `payload`, a checksum with options), the caller judges `version`, `headerLength` and `totalLength`,
/// in the order of RFC 1812 section 5.2.2, and gives each failure its name.
@frozen
public struct IPv4View: BitwiseCopyable {
    /// Bytes of a header without options.
    @inlinable public static var minimumLength: Int { 20 }

    /// From the version to the end of the packet, link padding included until it has been cut.
    public let bytes: Bytes

    /// Nil when there are fewer than 20 bytes.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= IPv4View.minimumLength else { return nil }
        self.bytes = bytes
    }

    // MARK: - Fields

    /// Version and header length in one byte: 0x45 for a header of version 4 without options.
    @inlinable @inline(__always)
    public var versionAndHeaderLength: UInt8 { bytes.load(at: 0) }
    @inlinable @inline(__always)
    public var version: UInt8 { versionAndHeaderLength &>> 4 }
    /// Bytes, 0 to 60. Below 20 the header is malformed; it may also be longer than the packet.
    @inlinable @inline(__always)
    public var headerLength: Int { Int(versionAndHeaderLength & 0xF) &* 4 }
    @inlinable @inline(__always)
    public var hasOptions: Bool { versionAndHeaderLength & 0xF > 5 }

    /// The old type of service: DSCP and ECN.
    @inlinable public var trafficClass: UInt8 { bytes.load(at: 1) }
    /// Differentiated services code point (RFC 2474), 0 to 63.
    @inlinable public var dscp: UInt8 { trafficClass &>> 2 }
    /// Explicit congestion notification (RFC 3168), 0 to 3.
    @inlinable public var ecn: UInt8 { trafficClass & 3 }

    /// Header and data, bytes, as the header claims.
    @inlinable @inline(__always)
    public var totalLength: Int { Int(bytes.network(at: 2, as: UInt16.self)) }
    @inlinable public var identification: UInt16 { bytes.network(at: 4) }

    /// Flags and fragment offset as they stand.
    @inlinable @inline(__always)
    public var fragmentField: UInt16 { bytes.network(at: 6) }
    @inlinable public var dontFragment: Bool { fragmentField & 0x4000 != 0 }
    @inlinable public var moreFragments: Bool { fragmentField & 0x2000 != 0 }
    /// Where the data belongs in the datagram, bytes.
    @inlinable public var fragmentOffset: Int { Int(fragmentField & 0x1FFF) &* 8 }
    /// A part of a datagram, the first one included.
    @inlinable @inline(__always)
    public var isFragment: Bool { fragmentField & 0x3FFF != 0 }
    /// A part that does not begin with the transport header.
    @inlinable @inline(__always)
    public var isLaterFragment: Bool { fragmentField & 0x1FFF != 0 }

    @inlinable
    public var timeToLive: UInt8 {
        @inline(__always) get { bytes.load(at: 8) }
        nonmutating set { bytes.store(newValue, at: 8) }
    }
    @inlinable @inline(__always)
    public var `protocol`: IPProtocol { IPProtocol(rawValue: bytes.load(at: 9)) }
    @inlinable
    public var checksum: UInt16 {
        get { bytes.network(at: 10) }
        nonmutating set { bytes.storeNetwork(newValue, at: 10) }
    }
    @inlinable @inline(__always)
    public var source: IPv4Address { IPv4Address(bytes.network(at: 12)) }
    @inlinable @inline(__always)
    public var destination: IPv4Address { IPv4Address(bytes.network(at: 16)) }

    // MARK: - Pieces of variable length

    /// What stands between the fixed header and the payload; empty when the header length is malformed.
    @inlinable
    public var options: Bytes { bytes.prefix(headerLength).dropping(first: IPv4View.minimumLength) }

    /// The data behind the header, without link padding; shorter than claimed when the packet is cut short.
    @inlinable
    public var payload: Bytes { bytes.prefix(totalLength).dropping(first: max(headerLength, IPv4View.minimumLength)) }

    // MARK: - Checksum and time to live

    /// Whether the header adds up, options included. False when the header is longer than the window.
    @inlinable @inline(__always)
    public var isChecksumRight: Bool {
        hasOptions ? isChecksumWithOptionsRight : isChecksumWithoutOptionsRight
    }

    /// Whether the first 20 bytes add up: a handful of instructions without a branch.
    @inlinable @inline(__always)
    public var isChecksumWithoutOptionsRight: Bool {
        let (first, carry) = bytes.load(at: 0, as: UInt64.self)
            .addingReportingOverflow(bytes.load(at: 8, as: UInt64.self))
        let rest = UInt64(bytes.load(at: 16, as: UInt32.self)) &+ (carry ? 1 : 0)
        let (second, carry2) = first.addingReportingOverflow(rest)
        return InternetChecksum.fold(second &+ (carry2 ? 1 : 0)) == 0xFFFF
    }

    @usableFromInline
    var isChecksumWithOptionsRight: Bool {
        guard headerLength <= bytes.count else { return false }
        var sum = InternetChecksum()
        sum.add(bytes.prefix(headerLength))
        return sum.isRight
    }

    /// Writes the header's checksum anew, options included; the window must have them.
    @inlinable
    public func computeChecksum() {
        bytes.storeNetwork(0 as UInt16, at: 10)
        var sum = InternetChecksum()
        sum.add(bytes.prefix(headerLength))
        bytes.storeNetwork(sum.value, at: 10)
    }

    /// Takes one from the time to live and keeps a right checksum right (RFC 1624). The time to live must not be 0.
    @inlinable @inline(__always)
    public func decrementTimeToLive() {
        bytes.store(bytes.load(at: 8, as: UInt8.self) &- 1, at: 8)
        // Its word fell by 0x0100, so the checksum grows by as much, with an end-around carry. 0xFFFF is the other zero,
        // which a computed checksum never is (RFC 1624 section 3), hence >=. The order of bytes does not matter.
        let sum = UInt32(bytes.load(at: 10, as: UInt16.self)) &+ UInt32(UInt16(0x0100).bigEndian)
        bytes.store(UInt16(truncatingIfNeeded: sum &+ (sum >= 0xFFFF ? 1 : 0)), at: 10)
    }
}
