// SPDX-License-Identifier: Apache-2.0

/// The type of an ICMPv6 message (RFC 4443; IANA's numbers). Unknown values are kept.
@frozen
public struct ICMPv6Type: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    @inlinable @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var destinationUnreachable: ICMPv6Type { ICMPv6Type(rawValue: 1) }
    @inlinable public static var packetTooBig: ICMPv6Type { ICMPv6Type(rawValue: 2) }
    @inlinable public static var timeExceeded: ICMPv6Type { ICMPv6Type(rawValue: 3) }
    @inlinable public static var parameterProblem: ICMPv6Type { ICMPv6Type(rawValue: 4) }
    @inlinable public static var echoRequest: ICMPv6Type { ICMPv6Type(rawValue: 128) }
    @inlinable public static var echoReply: ICMPv6Type { ICMPv6Type(rawValue: 129) }
    /// Multicast listener discovery (RFC 2710, RFC 3810).
    @inlinable public static var listenerQuery: ICMPv6Type { ICMPv6Type(rawValue: 130) }
    @inlinable public static var listenerReport: ICMPv6Type { ICMPv6Type(rawValue: 131) }
    @inlinable public static var listenerDone: ICMPv6Type { ICMPv6Type(rawValue: 132) }
    /// Neighbor discovery (RFC 4861).
    @inlinable public static var routerSolicitation: ICMPv6Type { ICMPv6Type(rawValue: 133) }
    @inlinable public static var routerAdvertisement: ICMPv6Type { ICMPv6Type(rawValue: 134) }
    @inlinable public static var neighborSolicitation: ICMPv6Type { ICMPv6Type(rawValue: 135) }
    @inlinable public static var neighborAdvertisement: ICMPv6Type { ICMPv6Type(rawValue: 136) }
    @inlinable public static var redirect: ICMPv6Type { ICMPv6Type(rawValue: 137) }
    @inlinable public static var listenerReport2: ICMPv6Type { ICMPv6Type(rawValue: 143) }

    /// Tells of trouble with another packet, which it quotes: 0 to 127, known or not. Never answered by an error, nor is
    /// a redirect (RFC 4443 section 2.4 e).
    @inlinable public var isError: Bool { rawValue < 128 }
    /// One of the five messages of RFC 4861.
    @inlinable @inline(__always)
    public var isNeighborDiscovery: Bool { rawValue &- 133 < 5 }
}

extension ICMPv6Type: CustomStringConvertible {
    public var description: String {
        switch self {
        case .destinationUnreachable: "destination unreachable"
        case .packetTooBig: "packet too big"
        case .timeExceeded: "time exceeded"
        case .parameterProblem: "parameter problem"
        case .echoRequest: "echo request"
        case .echoReply: "echo reply"
        case .listenerQuery: "multicast listener query"
        case .listenerReport: "multicast listener report"
        case .listenerDone: "multicast listener done"
        case .routerSolicitation: "router solicitation"
        case .routerAdvertisement: "router advertisement"
        case .neighborSolicitation: "neighbor solicitation"
        case .neighborAdvertisement: "neighbor advertisement"
        case .redirect: "redirect"
        case .listenerReport2: "multicast listener report v2"
        default: "type \(rawValue)"
        }
    }
}

/// Why a destination is unreachable: the codes of `ICMPv6Type.destinationUnreachable` (RFC 4443 section 3.1).
public enum ICMPv6Unreachable: UInt8, Sendable, CaseIterable {
    case noRoute = 0
    case prohibited = 1
    case beyondScope = 2
    case address = 3
    case port = 4
    case sourcePolicy = 5
    case rejectRoute = 6
}

extension ICMPv6Unreachable: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noRoute: "no route"
        case .prohibited: "administratively prohibited"
        case .beyondScope: "beyond scope of source"
        case .address: "address unreachable"
        case .port: "port unreachable"
        case .sourcePolicy: "source failed policy"
        case .rejectRoute: "reject route"
        }
    }
}

/// What is wrong with a header: the codes of `ICMPv6Type.parameterProblem` (RFC 4443 section 3.4, RFC 7112).
public enum ICMPv6Parameter: UInt8, Sendable, CaseIterable {
    case headerField = 0
    case nextHeader = 1
    case option = 2
    /// A first fragment does not hold all headers.
    case incompleteChain = 3
}

extension ICMPv6Parameter: CustomStringConvertible {
    public var description: String {
        switch self {
        case .headerField: "bad header field"
        case .nextHeader: "unknown next header"
        case .option: "unknown option"
        case .incompleteChain: "incomplete header chain"
        }
    }
}
