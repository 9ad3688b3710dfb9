// SPDX-License-Identifier: Apache-2.0

/// The type of an ICMP message (RFC 792; IANA's numbers). Unknown values are kept.
@frozen
public struct ICMPv4Type: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    @inlinable @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var echoReply: ICMPv4Type { ICMPv4Type(rawValue: 0) }
    @inlinable public static var destinationUnreachable: ICMPv4Type { ICMPv4Type(rawValue: 3) }
    @inlinable public static var sourceQuench: ICMPv4Type { ICMPv4Type(rawValue: 4) }
    @inlinable public static var redirect: ICMPv4Type { ICMPv4Type(rawValue: 5) }
    @inlinable public static var echoRequest: ICMPv4Type { ICMPv4Type(rawValue: 8) }
    /// Router discovery (RFC 1256).
    @inlinable public static var routerAdvertisement: ICMPv4Type { ICMPv4Type(rawValue: 9) }
    @inlinable public static var routerSolicitation: ICMPv4Type { ICMPv4Type(rawValue: 10) }
    @inlinable public static var timeExceeded: ICMPv4Type { ICMPv4Type(rawValue: 11) }
    @inlinable public static var parameterProblem: ICMPv4Type { ICMPv4Type(rawValue: 12) }
    @inlinable public static var timestampRequest: ICMPv4Type { ICMPv4Type(rawValue: 13) }
    @inlinable public static var timestampReply: ICMPv4Type { ICMPv4Type(rawValue: 14) }

    /// Tells of trouble with another packet, which it quotes. Never answered by an error (RFC 1122 section 3.2.2).
    @inlinable
    public var isError: Bool {
        switch self {
        case .destinationUnreachable, .sourceQuench, .redirect, .timeExceeded, .parameterProblem: true
        default: false
        }
    }
}

extension ICMPv4Type: CustomStringConvertible {
    public var description: String {
        switch self {
        case .echoReply: "echo reply"
        case .destinationUnreachable: "destination unreachable"
        case .sourceQuench: "source quench"
        case .redirect: "redirect"
        case .echoRequest: "echo request"
        case .routerAdvertisement: "router advertisement"
        case .routerSolicitation: "router solicitation"
        case .timeExceeded: "time exceeded"
        case .parameterProblem: "parameter problem"
        case .timestampRequest: "timestamp request"
        case .timestampReply: "timestamp reply"
        default: "type \(rawValue)"
        }
    }
}

/// Why a destination is unreachable: the codes of `ICMPv4Type.destinationUnreachable` (RFC 792, RFC 1122 section
/// 3.2.2.1, RFC 1812 section 5.2.7.1).
public enum ICMPv4Unreachable: UInt8, Sendable, CaseIterable {
    case net = 0
    case host = 1
    case `protocol` = 2
    case port = 3
    case fragmentationNeeded = 4
    case sourceRouteFailed = 5
    case netUnknown = 6
    case hostUnknown = 7
    case sourceIsolated = 8
    case netProhibited = 9
    case hostProhibited = 10
    case netForService = 11
    case hostForService = 12
    case administrativelyProhibited = 13
}

extension ICMPv4Unreachable: CustomStringConvertible {
    public var description: String {
        switch self {
        case .net: "net unreachable"
        case .host: "host unreachable"
        case .protocol: "protocol unreachable"
        case .port: "port unreachable"
        case .fragmentationNeeded: "fragmentation needed"
        case .sourceRouteFailed: "source route failed"
        case .netUnknown: "net unknown"
        case .hostUnknown: "host unknown"
        case .sourceIsolated: "source isolated"
        case .netProhibited: "net prohibited"
        case .hostProhibited: "host prohibited"
        case .netForService: "net unreachable for this service"
        case .hostForService: "host unreachable for this service"
        case .administrativelyProhibited: "administratively prohibited"
        }
    }
}

/// What a redirect is about: the codes of `ICMPv4Type.redirect` (RFC 792). Routers send only those for hosts, since they
/// do not know how hosts divide the network (RFC 1812 section 5.2.7.2).
public enum ICMPv4Redirect: UInt8, Sendable, CaseIterable {
    case net = 0
    case host = 1
    case netForService = 2
    case hostForService = 3
}
