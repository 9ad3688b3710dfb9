// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Delivers packets that are addressed to the router.
///
/// Summary: to whoever claimed the protocol or UDP port (`LocalDelivery`), ICMP to `ip4-icmp-echo`, the rest is refused. Fragments
/// go to `ip4-reassembly` and come back as the datagram that they are of.
/// Expects: a checked IPv4 header; the packet is for one of the router's addresses, a broadcast, or for a group of the link.
/// Emits: the packet at its IPv4 header, whole and with its UDP checksum verified.
/// Drops: `truncated`, `linkBroadcast`, `badSource`, `ownSource`, `noRouteBack`, `badUdpLength`,
/// `badUdpChecksum`, `queueFull`; what goes to a group and nobody has claimed (`notJoined`). TCP that is unclaimed goes to
/// `ip4-tcp-reset`, other unclaimed protocols and ports to `ip4-icmp-error`.
/// Spec: RFC 1122 sections 3.2.1.3, 3.2.2.1, 3.3.6, 4.1.3.1; RFC 1812 sections 4.2.2.11, 5.2.3.
public struct IP4Local: ContextualNode {
    public static let name = "ip4-local"

    public enum Next: UInt16, NextNode {
        case icmp, icmpError, reassembly, tcpReset

        public var node: String {
            switch self {
            case .icmp: "ip4-icmp-echo"
            case .icmpError: "ip4-icmp-error"
            case .reassembly: IP4Reassembly.name
            case .tcpReset: IP4TCPReset.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast, badSource, ownSource, noRouteBack, badUdpLength, badUdpChecksum
        case queueFull, notJoined

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its headers"
            case .linkBroadcast: "a packet to one host in a link-layer broadcast, multicast or another station's frame"
            case .badSource: "the source address is not one host's"
            case .ownSource: "the source address is the router's own"
            case .noRouteBack: "there is no route to the source"
            case .badUdpLength: "the UDP length is below its header's, or beyond the packet"
            case .badUdpChecksum: "the UDP checksum is wrong"
            case .queueFull: "the control side is too slow for the packets to it"
            case .notJoined: "to a group that nobody here is a member of"
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
        guard let header = IPv4View(packet.bytes), header.headerLength <= packet.length else {
            return .drop(.truncated)
        }
        trace.source = .v4(header.source)
        trace.destination = .v4(header.destination)
        trace.protocol = header.protocol.rawValue
        if let reason = objection(to: packet, header) { return .drop(reason) }
        if header.isFragment { return .to(.reassembly) }
        let claim = claims[header.protocol]
        if !claim.isNone { return deliver(packet, claim, context) }
        if header.protocol == .udp { return decideUDP(packet, header, &trace, context) }
        guard !header.destination.isMulticast else { return .drop(.notJoined) }
        switch header.protocol {
        case .icmp: return .to(.icmp)
        case .tcp: return .to(.tcpReset)
        default: return refuse(packet, .protocolUnreachable)
        }
    }

    /// What is wrong with the packet whatever it carries.
    private func objection(to packet: Packet, _ header: IPv4View) -> Reason? {
        let destination = header.destination
        let isBroadcast =
            destination == .broadcast || destination.isMulticast
            || tables.ultimateRoute(to: destination, for: packet).isBroadcast
        if packet.header.flags.contains(.notToThisStation), !isBroadcast { return .linkBroadcast }
        // Who has no address yet (DHCP) speaks by broadcast.
        if header.source == .any { return isBroadcast ? nil : .badSource }
        let back = tables.ultimateRoute(to: header.source, for: packet)
        if back.kind == .local {
            return packet.header.flags.contains(.locallyOriginated) || IP4Local.isEcho(header) ? nil : .ownSource
        }
        if back.isBroadcast { return .badSource }
        return back == .noRoute || back == .loop ? .noRouteBack : nil
    }

    /// Whether the packet has the shape of an echo of BFD's, which the router sends to itself by way of a neighbour (RFC
    /// 5881 section 4). Whether it is one, `bfd-input` knows.
    private static func isEcho(_ header: IPv4View) -> Bool {
        guard header.protocol == .udp, header.source == header.destination else { return false }
        return UDPView(header.payload)?.destinationPort == BFDPort.echo
    }

    private func decideUDP(
        _ packet: Packet, _ header: IPv4View, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, Reason> {
        guard let datagram = UDPView(header.payload) else { return .drop(.truncated) }
        trace.port = datagram.destinationPort
        guard datagram.length >= UDPView.length, datagram.length <= header.payload.count else {
            return .drop(.badUdpLength)
        }
        guard datagram.isChecksumRight(source: header.source, destination: header.destination) else {
            return .drop(.badUdpChecksum)
        }
        let claim = claims[udpPort: datagram.destinationPort]
        if !claim.isNone { return deliver(packet, claim, context) }
        return header.destination.isMulticast ? .drop(.notJoined) : refuse(packet, .portUnreachable)
    }

    private func deliver(_ packet: Packet, _ claim: LocalClaim, _ context: Context) -> Verdict<Next, Reason> {
        if let arc = claim.arc { return .to(arc: arc) }
        return claim.punt(packet, context) ? .kept : .drop(.queueFull)
    }

    private func refuse(_ packet: Packet, _ request: ICMPErrorRequest) -> Verdict<Next, Reason> {
        packet.requestICMPError(request)
        return .to(.icmpError)
    }
}
