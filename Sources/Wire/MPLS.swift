// SPDX-License-Identifier: Apache-2.0

/// An MPLS label: 20 bits, of which the values below 16 have meanings of their own (RFC 3032 section 2.1, RFC 7274).
@frozen
public struct MPLSLabel: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    /// 0 to 1,048,575.
    public let rawValue: UInt32

    /// Bits above the twentieth are ignored.
    @inlinable @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue & 0xF_FFFF }

    /// The largest one there is.
    @inlinable public static var maximum: MPLSLabel { MPLSLabel(rawValue: 0xF_FFFF) }
    /// IPv4 follows.
    @inlinable public static var ipv4ExplicitNull: MPLSLabel { MPLSLabel(rawValue: 0) }
    /// Every router on the way shall look at the packet; never at the bottom.
    @inlinable public static var routerAlert: MPLSLabel { MPLSLabel(rawValue: 1) }
    /// IPv6 follows.
    @inlinable public static var ipv6ExplicitNull: MPLSLabel { MPLSLabel(rawValue: 2) }
    /// Stands for no label where labels are given out; never in a packet.
    @inlinable public static var implicitNull: MPLSLabel { MPLSLabel(rawValue: 3) }
    /// The label below it is an entropy label (RFC 6790).
    @inlinable public static var entropyIndicator: MPLSLabel { MPLSLabel(rawValue: 7) }
    /// An associated channel header follows the bottom of the stack (RFC 5586).
    @inlinable public static var associatedChannel: MPLSLabel { MPLSLabel(rawValue: 13) }
    @inlinable public static var oamAlert: MPLSLabel { MPLSLabel(rawValue: 14) }
    /// The label below it has one of the extended special meanings (RFC 7274).
    @inlinable public static var `extension`: MPLSLabel { MPLSLabel(rawValue: 15) }

    /// Below 16: no router gives it out for a path.
    @inlinable @inline(__always)
    public var isReserved: Bool { rawValue < 16 }

    @inlinable
    public static func < (a: MPLSLabel, b: MPLSLabel) -> Bool { a.rawValue < b.rawValue }
}

extension MPLSLabel: CustomStringConvertible {
    public var description: String {
        switch self {
        case .ipv4ExplicitNull: "IPv4 explicit null"
        case .routerAlert: "router alert"
        case .ipv6ExplicitNull: "IPv6 explicit null"
        case .implicitNull: "implicit null"
        case .entropyIndicator: "entropy label indicator"
        case .associatedChannel: "associated channel"
        case .oamAlert: "OAM alert"
        case .extension: "extension"
        default: "\(rawValue)"
        }
    }
}

/// One entry of a label stack (RFC 3032 section 2.1): label, traffic class (RFC 5462), bottom of stack, time to live.
@frozen
public struct MPLSEntry: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The 32 bits in host byte order.
    public let rawValue: UInt32

    @inlinable @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `trafficClass` is 0 to 7; higher bits are ignored.
    @inlinable @inline(__always)
    public init(_ label: MPLSLabel, trafficClass: UInt8 = 0, isBottom: Bool, timeToLive: UInt8) {
        rawValue =
            label.rawValue &<< 12 | UInt32(trafficClass & 7) &<< 9 | (isBottom ? 0x100 : 0) | UInt32(timeToLive)
    }

    @inlinable @inline(__always)
    public var label: MPLSLabel { MPLSLabel(rawValue: rawValue &>> 12) }
    /// 0 to 7; the old EXP bits.
    @inlinable @inline(__always)
    public var trafficClass: UInt8 { UInt8(truncatingIfNeeded: rawValue &>> 9) & 7 }
    /// S: no label follows.
    @inlinable @inline(__always)
    public var isBottom: Bool { rawValue & 0x100 != 0 }
    @inlinable @inline(__always)
    public var timeToLive: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
}

extension MPLSEntry: CustomStringConvertible {
    public var description: String {
        "label \(label)" + (trafficClass == 0 ? "" : " class \(trafficClass)") + " ttl \(timeToLive)"
            + (isBottom ? "" : " +")
    }
}

/// A view of the uppermost entry of a label stack.
@frozen
public struct MPLSView: BitwiseCopyable {
    /// Bytes of an entry.
    @inlinable public static var length: Int { 4 }

    /// From the entry to the end of the frame.
    public let bytes: Bytes

    /// Nil when the frame ends in the entry.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= MPLSView.length else { return nil }
        self.bytes = bytes
    }

    @inlinable
    public var entry: MPLSEntry {
        @inline(__always) get { MPLSEntry(rawValue: bytes.network(at: 0)) }
        nonmutating set { bytes.storeNetwork(newValue.rawValue, at: 0) }
    }

    @inlinable
    public var timeToLive: UInt8 {
        @inline(__always) get { bytes.load(at: 3) }
        nonmutating set { bytes.store(newValue, at: 3) }
    }

    /// What follows the entry: another one, or behind the bottom of the stack the packet.
    @inlinable @inline(__always)
    public var payload: Bytes { bytes.dropping(first: MPLSView.length) }
}
