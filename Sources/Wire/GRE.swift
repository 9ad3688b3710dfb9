// SPDX-License-Identifier: Apache-2.0

/// A view of a GRE header (RFC 2784 section 2, RFC 2890 section 2).
///
/// The initialiser checks that the header is all there, its optional fields included. The caller judges `version` and
/// `hasUnknownFields` before it believes where the payload begins.
@frozen
public struct GREView: BitwiseCopyable {
    /// Bytes of the header without optional fields.
    @inlinable public static var minimumLength: Int { 4 }

    public let bytes: Bytes

    /// Nil when there are fewer bytes than the header has.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= GREView.minimumLength else { return nil }
        self.bytes = bytes
        guard length <= bytes.count else { return nil }
    }

    @inlinable @inline(__always)
    public var flags: GREFlags { GREFlags(rawValue: bytes.network(at: 0)) }
    /// 0; 1 is PPTP's (RFC 2637).
    @inlinable public var version: UInt8 { UInt8(truncatingIfNeeded: flags.rawValue & 7) }
    /// One of bits 1, 4 and 5 is set, by which RFC 1701 told of fields that nobody sends: discarded (RFC 2784 section 2.3).
    @inlinable public var hasUnknownFields: Bool { flags.rawValue & 0x4C00 != 0 }
    /// What the payload is, an EtherType.
    @inlinable @inline(__always)
    public var type: EtherType { EtherType(rawValue: bytes.network(at: 2)) }
    /// The header with its optional fields, bytes: 4 to 16.
    @inlinable @inline(__always)
    public var length: Int { flags.headerLength }

    /// Whether header and payload add up; true without a checksum.
    @inlinable
    public var isChecksumRight: Bool {
        guard flags.contains(.checksum) else { return true }
        var sum = InternetChecksum()
        sum.add(bytes)
        return sum.isRight
    }

    /// The key, host byte order; nil without one.
    @inlinable
    public var key: UInt32? {
        guard flags.contains(.key) else { return nil }
        return bytes.network(at: flags.contains(.checksum) ? 8 : 4)
    }

    /// The sequence number, host byte order; nil without one. It is the last field.
    @inlinable
    public var sequence: UInt32? {
        guard flags.contains(.sequence) else { return nil }
        return bytes.network(at: length &- 4)
    }

    @inlinable public var payload: Bytes { bytes.dropping(first: length) }
}

/// Which optional fields a GRE header has.
@frozen
public struct GREFlags: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    @inlinable public static var checksum: GREFlags { GREFlags(rawValue: 0x8000) }
    @inlinable public static var key: GREFlags { GREFlags(rawValue: 0x2000) }
    @inlinable public static var sequence: GREFlags { GREFlags(rawValue: 0x1000) }

    /// The header with these fields, bytes.
    @inlinable @inline(__always)
    public var headerLength: Int {
        GREView.minimumLength &+ (contains(.checksum) ? 4 : 0) &+ (contains(.key) ? 4 : 0)
            &+ (contains(.sequence) ? 4 : 0)
    }
}

/// A GRE header as a value (RFC 2784 section 2, RFC 2890 section 2).
@frozen
public struct GREHeader: Hashable, Sendable, BitwiseCopyable {
    /// What the payload is.
    public var type: EtherType
    public var hasChecksum: Bool
    /// Host byte order; nil for none.
    public var key: UInt32?
    public var sequence: UInt32?

    @inlinable
    public init(_ type: EtherType, hasChecksum: Bool = false, key: UInt32? = nil, sequence: UInt32? = nil) {
        self.type = type
        self.hasChecksum = hasChecksum
        self.key = key
        self.sequence = sequence
    }

    @inlinable @inline(__always)
    public var flags: GREFlags {
        var flags: GREFlags = hasChecksum ? .checksum : []
        if key != nil { flags.insert(.key) }
        if sequence != nil { flags.insert(.sequence) }
        return flags
    }

    @inlinable public var length: Int { flags.headerLength }

    /// Writes the header in front of its payload: `bytes` is both, to the packet's end, all of which a checksum covers.
    @inlinable @inline(__always)
    public func emit(into bytes: Bytes) {
        bytes.storeNetwork(flags.rawValue, at: 0)
        bytes.storeNetwork(type.rawValue, at: 2)
        var offset = GREView.minimumLength
        if hasChecksum {
            bytes.storeNetwork(0 as UInt32, at: offset)
            offset &+= 4
        }
        if let key {
            bytes.storeNetwork(key, at: offset)
            offset &+= 4
        }
        if let sequence { bytes.storeNetwork(sequence, at: offset) }
        guard hasChecksum else { return }
        var sum = InternetChecksum()
        sum.add(bytes)
        bytes.storeNetwork(sum.value, at: 4)
    }
}
