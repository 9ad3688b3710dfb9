// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What a node asks `ip6-icmp-error` to tell a packet's sender.
///
/// It travels in the packet's scratch space: a node sets it and decides for the arc to `ip6-icmp-error`.
public enum ICMPv6ErrorRequest: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case noRoute, prohibited, beyondScope, addressUnreachable, portUnreachable, packetTooBig, timeExceeded
    /// The parameter is the offset of the trouble from the IPv6 header's start.
    case badHeaderField, unknownNextHeader, unknownOption, unknownOptionToGroup, incompleteChain
    case nextHopDown, reassemblyTimeExceeded
    /// With an offset as parameter too: the only trouble that later fragments are told of (RFC 8200 section 4.5).
    case badFragment

    /// The message, with the next hop's MTU or the pointer of a parameter problem.
    func message(_ parameter: UInt32) -> ICMPv6Message {
        switch self {
        case .noRoute: .unreachable(.noRoute)
        case .prohibited: .unreachable(.prohibited)
        case .beyondScope: .unreachable(.beyondScope)
        case .addressUnreachable, .nextHopDown: .unreachable(.address)
        case .portUnreachable: .unreachable(.port)
        case .packetTooBig: .packetTooBig(mtu: parameter)
        case .timeExceeded: .timeExceeded
        case .reassemblyTimeExceeded: .reassemblyTimeExceeded
        case .badHeaderField, .badFragment: .parameterProblem(.headerField, pointer: parameter)
        case .unknownNextHeader: .parameterProblem(.nextHeader, pointer: parameter)
        case .unknownOption, .unknownOptionToGroup: .parameterProblem(.option, pointer: parameter)
        case .incompleteChain: .parameterProblem(.incompleteChain, pointer: parameter)
        }
    }

    /// Packets to a group may be told about: else no path to a group could be found, and no option be required of all
    /// (RFC 4443 section 2.4 e.3).
    var concernsGroups: Bool { self == .packetTooBig || self == .unknownOptionToGroup }

    /// Later fragments may be told about: paths are found by what is too long, whichever part it is of.
    var concernsLaterFragments: Bool { self == .packetTooBig || self == .badFragment }
}

extension Packet {
    /// - Parameter parameter: The next hop's MTU in bytes, or the pointer of a parameter problem.
    @inline(__always)
    public func requestICMPv6Error(_ request: ICMPv6ErrorRequest, parameter: UInt32 = 0) {
        header.scratch.0 = UInt64(request.rawValue) | UInt64(parameter) << 32
    }

    var requestedICMPv6Error: (request: ICMPv6ErrorRequest, parameter: UInt32) {
        (
            ICMPv6ErrorRequest(rawValue: UInt8(truncatingIfNeeded: header.scratch.0)) ?? .noRoute,
            UInt32(truncatingIfNeeded: header.scratch.0 >> 32)
        )
    }
}
