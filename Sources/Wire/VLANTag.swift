// SPDX-License-Identifier: Apache-2.0

/// The tag control information of a VLAN tag (IEEE 802.1Q clause 9.6): priority, drop eligibility, VLAN.
@frozen
public struct VLANTag: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The sixteen bits in host byte order.
    public let rawValue: UInt16

    @inlinable @inline(__always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// A tag of VLAN 0 to 4,095 and priority 0 to 7; higher bits of either are ignored.
    @inlinable
    public init(identifier: UInt16, priority: UInt8 = 0, isDropEligible: Bool = false) {
        rawValue = identifier & 0xFFF | (isDropEligible ? 0x1000 : 0) | UInt16(priority & 7) << 13
    }

    /// The VLAN. 0 is no VLAN, only a priority; 4,095 is reserved.
    @inlinable @inline(__always)
    public var identifier: UInt16 { rawValue & 0xFFF }
    /// Priority code point, 0 to 7.
    @inlinable public var priority: UInt8 { UInt8(truncatingIfNeeded: rawValue &>> 13) }
    /// Drop eligible indicator.
    @inlinable public var isDropEligible: Bool { rawValue & 0x1000 != 0 }
}

extension VLANTag: CustomStringConvertible {
    public var description: String {
        "vlan \(identifier)" + (priority == 0 ? "" : " priority \(priority)") + (isDropEligible ? " drop-eligible" : "")
    }
}

/// A view of what follows a tag's EtherType: the tag control information and the next EtherType.
@frozen
public struct VLANView: BitwiseCopyable {
    /// Bytes of a tag: two before the next type, and that type.
    @inlinable public static var length: Int { 4 }

    public let bytes: Bytes

    /// Nil when the frame ends in the tag.
    @inlinable @inline(__always)
    public init?(_ bytes: Bytes) {
        guard bytes.count >= VLANView.length else { return nil }
        self.bytes = bytes
    }

    @inlinable
    public var tag: VLANTag {
        @inline(__always) get { VLANTag(rawValue: bytes.network(at: 0)) }
        nonmutating set { bytes.storeNetwork(newValue.rawValue, at: 0) }
    }

    @inlinable
    public var type: EtherType {
        @inline(__always) get { EtherType(rawValue: bytes.network(at: 2)) }
        nonmutating set { bytes.storeNetwork(newValue.rawValue, at: 2) }
    }

    @inlinable @inline(__always)
    public var payload: Bytes { bytes.dropping(first: VLANView.length) }
}
