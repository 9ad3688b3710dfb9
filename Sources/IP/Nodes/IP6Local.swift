// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Delivers packets that are addressed to the router, or to a group.
///
/// Summary: to whoever claimed the protocol or UDP port (`LocalDelivery`), neighbor discovery to `nd-input`, other ICMPv6
/// to `ip6-icmp-echo`, the rest is refused. Fragments go to `ip6-reassembly` and come back as the packet that they are of.
/// Expects: a checked IPv6 header; the packet is for one of the router's addresses, or for a group.
/// Emits: the packet at its IPv6 header, whole and with its UDP checksum verified.
/// Drops: what is wrong by name; packets to groups that this interface has not joined (`notJoined`) unless their protocol
/// or port is claimed. TCP that is unclaimed goes to `ip6-tcp-reset`, other unclaimed protocols and ports to
/// `ip6-icmp-error`.
/// Spec: RFC 8200 sections 4, 8.1; RFC 4443 sections 2.4, 3.1, 3.4; RFC 5095; RFC 6946; RFC 7112 section 5.
public struct IP6Local: ContextualNode {
    public static let name = "ip6-local"

    public enum Next: UInt16, NextNode {
        case icmp, discovery, icmpError, reassembly, tcpReset

        public var node: String {
            switch self {
            case .icmp: "ip6-icmp-echo"
            case .discovery: "nd-input"
            case .icmpError: "ip6-icmp-error"
            case .reassembly: IP6Reassembly.name
            case .tcpReset: IP6TCPReset.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast, ownSource, noRouteBack, notJoined
        case tooManyHeaders, malformedOption, tooManyOptions, unknownOption, noNextHeader
        case badUdpLength, badUdpChecksum, queueFull

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its headers"
            case .linkBroadcast: "a packet to one host in a link-layer broadcast, multicast or another station's frame"
            case .ownSource: "the source address is the router's own"
            case .noRouteBack: "there is no route to the source"
            case .notJoined: "to a group that nobody here is a member of"
            case .tooManyHeaders: "more extension headers than are looked at"
            case .malformedOption: "an option reaches beyond its header"
            case .tooManyOptions: "more options than are looked at"
            case .unknownOption: "an option that is not known, and wants the packet discarded for that"
            case .noNextHeader: "there is nothing behind the headers"
            case .badUdpLength: "the UDP length is below its header's, or beyond the packet"
            case .badUdpChecksum: "the UDP checksum is wrong, or missing"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    public typealias Trace = LocalTrace

    private let tables: TableReaders
    private let claims: LocalTable

    init(tables: TableReaders, claims: LocalTable) {
        self.tables = tables
        self.claims = claims
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        trace.source = .v6(header.source)
        trace.destination = .v6(header.destination)
        trace.protocol = header.nextHeader.rawValue
        if let reason = objection(to: packet, header) { return .drop(reason) }
        var headers = IPv6Extensions(header)
        while claims[headers.protocol].isNone, headers.protocol.isForReceiver, let extensionHeader = headers.next() {
            if let verdict = decide(extensionHeader, headers, packet, header) { return verdict }
        }
        trace.protocol = headers.protocol.rawValue
        switch headers.problem {
        case nil: return decideUpper(packet, header, headers, &trace, context)
        case .truncated: return .drop(.truncated)
        case .tooMany: return .drop(.tooManyHeaders)
        case .misplacedHopByHop: return refuse(packet, .unknownNextHeader, at: headers.pointer)
        }
    }

    /// What is wrong with the packet whatever it carries.
    private func objection(to packet: Packet, _ header: IPv6View) -> Reason? {
        let isToGroup = header.destination.isMulticast
        if packet.header.flags.contains(.notToThisStation), !isToGroup { return .linkBroadcast }
        // Who has no address yet speaks to groups; `ip6-input` saw to that.
        if header.source.isUnspecified { return nil }
        let back = tables.ultimateRoute(to: header.source, for: packet)
        if back.kind == .local {
            // Who claims an own address on the link must be heard (RFC 4862 section 5.4).
            let isHeard = packet.header.flags.contains(.locallyOriginated) || header.isNeighborDiscovery
            return isHeard || IP6Local.isEcho(header) ? nil : .ownSource
        }
        return back == .noRoute || back == .loop ? .noRouteBack : nil
    }

    /// Whether the packet has the shape of an echo of BFD's, which the router sends to itself by way of a neighbour (RFC
    /// 5881 section 4). Whether it is one, `bfd-input` knows.
    private static func isEcho(_ header: IPv6View) -> Bool {
        guard header.nextHeader == .udp, header.source == header.destination else { return false }
        return UDPView(header.payload)?.destinationPort == BFDPort.echo
    }

    // MARK: - Extension headers

    /// What is to be done about a packet with this header; nil to go on behind it.
    private func decide(
        _ extensionHeader: IPv6ExtensionHeader, _ walk: IPv6Extensions, _ packet: Packet, _ header: IPv6View
    ) -> Verdict<Next, Reason>? {
        switch extensionHeader.kind {
        case .routing:
            // Type 0 is as unknown as all others (RFC 5095).
            guard extensionHeader.segmentsLeft > 0 else { return nil }
            return refuse(packet, .badHeaderField, at: extensionHeader.offset + 2)
        case .fragment:
            let fragment = extensionHeader.fragment
            if fragment.isAtomic { return nil }
            guard fragment.units == 0, IP6Local.isIncomplete(walk) else { return .to(.reassembly) }
            return refuse(packet, .incompleteChain, at: 0)
        case .destinationOptions:
            switch IPv6OptionsVerdict(of: extensionHeader, toGroup: header.destination.isMulticast) {
            case .fine: return nil
            case .unwelcome, .jumbogram: return .drop(.unknownOption)
            case .malformed: return .drop(.malformedOption)
            case .tooMany: return .drop(.tooManyOptions)
            case .tell(let request, let pointer): return refuse(packet, request, at: pointer)
            }
        default:
            // Hop-by-hop options, which `ip6-hop-by-hop` has judged.
            return nil
        }
    }

    /// Whether a first fragment does not hold all headers.
    private static func isIncomplete(_ walk: IPv6Extensions) -> Bool {
        var headers = walk
        while headers.next() != nil {}
        let least =
            switch headers.protocol {
            case .tcp: TCPView.minimumLength
            case .udp: UDPView.length
            case .icmp6: ICMPv6View.length
            default: 0
            }
        return headers.problem == .truncated || headers.payload.count < least
    }

    // MARK: - What they lead to

    private func decideUpper(
        _ packet: Packet, _ header: IPv6View, _ headers: IPv6Extensions, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, Reason> {
        let claim = claims[headers.protocol]
        if !claim.isNone { return deliver(packet, claim, context) }
        if headers.protocol == .udp { return decideUDP(packet, header, headers.payload, &trace, context) }
        guard isMember(packet, header) else { return .drop(.notJoined) }
        switch headers.protocol {
        case .icmp6:
            guard let message = ICMPv6View(headers.payload) else { return .drop(.truncated) }
            return .to(message.type.isNeighborDiscovery ? .discovery : .icmp)
        case .tcp: return .to(.tcpReset)
        case .noNextHeader: return .drop(.noNextHeader)
        default: return refuse(packet, .unknownNextHeader, at: headers.pointer)
        }
    }

    /// Lookup finds the interface's entry for a group that it has joined, and no more than "for the router" for others.
    private func isMember(_ packet: Packet, _ header: IPv6View) -> Bool {
        !header.destination.isMulticast || packet.header.adjacency >= Forwarding.firstAdjacency
    }

    private func decideUDP(
        _ packet: Packet, _ header: IPv6View, _ payload: Bytes, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, Reason> {
        guard let datagram = UDPView(payload) else { return .drop(.truncated) }
        trace.port = datagram.destinationPort
        guard datagram.length >= UDPView.length, datagram.length <= payload.count else { return .drop(.badUdpLength) }
        guard datagram.isChecksumRight(source: header.source, destination: header.destination) else {
            return .drop(.badUdpChecksum)
        }
        let claim = claims[udpPort: datagram.destinationPort]
        if !claim.isNone { return deliver(packet, claim, context) }
        return isMember(packet, header) ? refuse(packet, .portUnreachable, at: 0) : .drop(.notJoined)
    }

    private func deliver(_ packet: Packet, _ claim: LocalClaim, _ context: Context) -> Verdict<Next, Reason> {
        if let arc = claim.arc { return .to(arc: arc) }
        return claim.punt(packet, context) ? .kept : .drop(.queueFull)
    }

    private func refuse(
        _ packet: Packet, _ request: ICMPv6ErrorRequest, at pointer: Int
    ) -> Verdict<Next, Reason> {
        packet.requestICMPv6Error(request, parameter: UInt32(truncatingIfNeeded: pointer))
        return .to(.icmpError)
    }
}

extension IPv6View {
    /// Whether this is a message of neighbor discovery without extension headers in front.
    var isNeighborDiscovery: Bool {
        guard nextHeader == .icmp6, let message = ICMPv6View(upperLayer.payload) else { return false }
        return message.type.isNeighborDiscovery
    }
}

extension IPProtocol {
    /// An extension header that every receiver knows. Others are for who has claimed them.
    fileprivate var isForReceiver: Bool {
        self == .hopByHop || self == .routing || self == .fragment || self == .destinationOptions
    }
}
