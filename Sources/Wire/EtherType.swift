// SPDX-License-Identifier: Apache-2.0

/// What an Ethernet frame carries (IEEE 802.3 clause 3.2.6; the numbers are IANA's and IEEE's). Unknown values are kept.
@frozen
public struct EtherType: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// Host byte order.
    public let rawValue: UInt16

    @inlinable @inline(__always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    @inlinable public static var ipv4: EtherType { EtherType(rawValue: 0x0800) }
    @inlinable public static var arp: EtherType { EtherType(rawValue: 0x0806) }
    /// A customer's tag (802.1Q).
    @inlinable public static var vlan: EtherType { EtherType(rawValue: 0x8100) }
    @inlinable public static var ipv6: EtherType { EtherType(rawValue: 0x86DD) }
    @inlinable public static var mpls: EtherType { EtherType(rawValue: 0x8847) }
    /// A labelled packet whose label the upstream router gave out (RFC 5332 section 3); in RFC 3032, a multicast one.
    @inlinable public static var mplsUpstream: EtherType { EtherType(rawValue: 0x8848) }
    /// A service provider's tag (802.1ad).
    @inlinable public static var serviceVLAN: EtherType { EtherType(rawValue: 0x88A8) }
    /// Link aggregation control, markers, OAM (IEEE 802.3 Annex 57A).
    @inlinable public static var slowProtocols: EtherType { EtherType(rawValue: 0x8809) }
    @inlinable public static var lldp: EtherType { EtherType(rawValue: 0x88CC) }

    /// Below 1,536 the field is a length, and an LLC header follows.
    @inlinable @inline(__always)
    public var isLength: Bool { rawValue < 0x0600 }
    @inlinable @inline(__always)
    public var isVLANTag: Bool { self == .vlan || self == .serviceVLAN }
}

extension EtherType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .ipv4: "IPv4"
        case .arp: "ARP"
        case .vlan: "802.1Q"
        case .ipv6: "IPv6"
        case .mpls: "MPLS"
        case .mplsUpstream: "MPLS upstream-assigned"
        case .serviceVLAN: "802.1ad"
        case .slowProtocols: "slow protocols"
        case .lldp: "LLDP"
        default: isLength ? "802.3 length \(rawValue)" : "0x" + hexadecimal(rawValue, digits: 4)
        }
    }
}
