// SPDX-License-Identifier: Apache-2.0

/// What an IP packet carries (IANA's protocol numbers). Unknown values are kept.
@frozen
public struct IPProtocol: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    @inlinable @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Options for every router on the way: an IPv6 extension header (RFC 8200 section 4.3).
    @inlinable public static var hopByHop: IPProtocol { IPProtocol(rawValue: 0) }
    @inlinable public static var icmp: IPProtocol { IPProtocol(rawValue: 1) }
    @inlinable public static var igmp: IPProtocol { IPProtocol(rawValue: 2) }
    /// An IPv4 packet in this one (RFC 2003).
    @inlinable public static var ipv4: IPProtocol { IPProtocol(rawValue: 4) }
    @inlinable public static var tcp: IPProtocol { IPProtocol(rawValue: 6) }
    @inlinable public static var udp: IPProtocol { IPProtocol(rawValue: 17) }
    /// An IPv6 packet in this one (RFC 2473).
    @inlinable public static var ipv6: IPProtocol { IPProtocol(rawValue: 41) }
    /// Where to go on the way: an IPv6 extension header (RFC 8200 section 4.4).
    @inlinable public static var routing: IPProtocol { IPProtocol(rawValue: 43) }
    /// A part of a packet: an IPv6 extension header (RFC 8200 section 4.5).
    @inlinable public static var fragment: IPProtocol { IPProtocol(rawValue: 44) }
    @inlinable public static var gre: IPProtocol { IPProtocol(rawValue: 47) }
    /// Encrypted from here on (RFC 4303).
    @inlinable public static var esp: IPProtocol { IPProtocol(rawValue: 50) }
    /// Authentication header (RFC 4302), an IPv6 extension header too.
    @inlinable public static var ah: IPProtocol { IPProtocol(rawValue: 51) }
    @inlinable public static var icmp6: IPProtocol { IPProtocol(rawValue: 58) }
    /// Nothing follows (RFC 8200 section 4.7).
    @inlinable public static var noNextHeader: IPProtocol { IPProtocol(rawValue: 59) }
    /// Options for the destination: an IPv6 extension header (RFC 8200 section 4.6).
    @inlinable public static var destinationOptions: IPProtocol { IPProtocol(rawValue: 60) }
    @inlinable public static var ospf: IPProtocol { IPProtocol(rawValue: 89) }
    @inlinable public static var vrrp: IPProtocol { IPProtocol(rawValue: 112) }
    @inlinable public static var sctp: IPProtocol { IPProtocol(rawValue: 132) }
    /// Mobile IPv6 (RFC 6275 section 6.1), an IPv6 extension header.
    @inlinable public static var mobility: IPProtocol { IPProtocol(rawValue: 135) }
    @inlinable public static var udpLite: IPProtocol { IPProtocol(rawValue: 136) }
    /// A labelled packet in this one (RFC 4023).
    @inlinable public static var mplsInIP: IPProtocol { IPProtocol(rawValue: 137) }
    /// Host identity (RFC 7401), an IPv6 extension header.
    @inlinable public static var hip: IPProtocol { IPProtocol(rawValue: 139) }
    /// Multihoming (RFC 5533), an IPv6 extension header.
    @inlinable public static var shim6: IPProtocol { IPProtocol(rawValue: 140) }
}

extension IPProtocol: CustomStringConvertible {
    public var description: String {
        switch self {
        case .hopByHop: "hop-by-hop options"
        case .icmp: "ICMP"
        case .igmp: "IGMP"
        case .ipv4: "IPv4"
        case .tcp: "TCP"
        case .udp: "UDP"
        case .ipv6: "IPv6"
        case .routing: "routing header"
        case .fragment: "fragment header"
        case .gre: "GRE"
        case .esp: "ESP"
        case .ah: "AH"
        case .icmp6: "ICMPv6"
        case .noNextHeader: "no next header"
        case .destinationOptions: "destination options"
        case .ospf: "OSPF"
        case .vrrp: "VRRP"
        case .sctp: "SCTP"
        case .mobility: "mobility header"
        case .udpLite: "UDP-Lite"
        case .mplsInIP: "MPLS-in-IP"
        case .hip: "HIP"
        case .shim6: "Shim6"
        default: "protocol \(rawValue)"
        }
    }
}
