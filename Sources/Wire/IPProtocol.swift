// SPDX-License-Identifier: Apache-2.0

/// What an IP packet carries (IANA's protocol numbers). Unknown values are kept.
@frozen
public struct IPProtocol: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    @inlinable @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var icmp: IPProtocol { IPProtocol(rawValue: 1) }
    @inlinable public static var igmp: IPProtocol { IPProtocol(rawValue: 2) }
    @inlinable public static var tcp: IPProtocol { IPProtocol(rawValue: 6) }
    @inlinable public static var udp: IPProtocol { IPProtocol(rawValue: 17) }
    @inlinable public static var gre: IPProtocol { IPProtocol(rawValue: 47) }
    @inlinable public static var icmp6: IPProtocol { IPProtocol(rawValue: 58) }
    @inlinable public static var ospf: IPProtocol { IPProtocol(rawValue: 89) }
    @inlinable public static var vrrp: IPProtocol { IPProtocol(rawValue: 112) }
}

extension IPProtocol: CustomStringConvertible {
    public var description: String {
        switch self {
        case .icmp: "ICMP"
        case .igmp: "IGMP"
        case .tcp: "TCP"
        case .udp: "UDP"
        case .gre: "GRE"
        case .icmp6: "ICMPv6"
        case .ospf: "OSPF"
        case .vrrp: "VRRP"
        default: "protocol \(rawValue)"
        }
    }
}
