// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes one from the hop limit and puts the neighbour's Ethernet header in front.
///
/// Summary: the last step of forwarding; from here the frame is complete. While the neighbour is down, its backup's instead.
/// Expects: an IPv6 header at the current position and the adjacency set by lookup.
/// Emits: the complete frame, with its transmit interface set; with redirects on, to `ip6-redirect` one that leaves by the
/// link that it came by.
/// Drops: `truncated`, `linkBroadcast`. Packets that expire, are too long for the link or have no neighbour left go to
/// `ip6-icmp-error`, the router's own that are too long to `ip6-fragment`, those whose neighbour's address is not known to
/// `ip6-discover-neighbor`.
/// Spec: RFC 8200 sections 3, 5; RFC 4443 sections 3.2, 3.3; RFC 5286 for the backup.
public struct IP6Rewrite: Node {
    public static let name = "ip6-rewrite"

    public enum Next: UInt16, NextNode {
        case output, discover, icmpError, path, redirect, fragment

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .discover: "ip6-discover-neighbor"
            case .icmpError: "ip6-icmp-error"
            case .path: "ip6-path"
            case .redirect: "ip6-redirect"
            case .fragment: IP6Fragment.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IPv6 header"
            case .linkBroadcast: "came in a link-layer broadcast, multicast or another station's frame: not forwarded"
            }
        }
    }

    public typealias Trace = RewriteTrace

    private let rewriter: EthernetRewriter
    private let settings: Published<ICMPSettings>.Reader

    init(_ rewriter: EthernetRewriter, settings: Published<ICMPSettings>.Reader) {
        self.rewriter = rewriter
        self.settings = settings
    }

    @inline(__always)
    public func prefetch(_ packet: Packet) {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        let hopLimit = header.hopLimit
        if hopLimit > 1, rewriter.isPlain(packet) {
            header.decrementHopLimit()
        } else if let verdict = decideOdd(packet, header) {
            note(packet, hopLimit, &trace)
            return verdict
        }
        note(packet, hopLimit, &trace)
        return rewriter.putHeader(packet, .ipv6) ? decideTurn(packet) : .to(.output)
    }

    @inline(__always)
    private func note(_ packet: Packet, _ hopLimit: UInt8, _ trace: inout Trace) {
        let index = packet.header.adjacency
        trace.note(index, rewriter.adjacencies[index], timeToLive: hopLimit)
    }

    /// A packet that leaves by the link that it came by: its sender may want to know of a shorter way.
    @inline(never)
    private func decideTurn(_ packet: Packet) -> Verdict<Next, Reason> {
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        return .to(settings.value.sendsRedirects && !isOurs ? .redirect : .output)
    }

    /// Packets that need a closer look; nil for those that leave like all others, by the adjacency that they then have.
    @inline(never)
    private func decideOdd(_ packet: Packet, _ header: IPv6View) -> Verdict<Next, Reason>? {
        switch rewriter.chooseBackup(packet) {
        case .goOn: break
        case .path: return .to(.path)
        case .unreachable:
            packet.requestICMPv6Error(.nextHopDown)
            return .to(.icmpError)
        }
        let adjacency = rewriter.adjacencies[packet.header.adjacency]
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        if !isOurs {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard header.hopLimit > 1 else {
                packet.requestICMPv6Error(.timeExceeded)
                return .to(.icmpError)
            }
        }
        guard packet.length <= Int(adjacency.mtu) else {
            if isOurs {
                packet.requestFragments6(.rewrite, mtu: adjacency.mtu)
                return .to(.fragment)
            }
            packet.requestICMPv6Error(.packetTooBig, parameter: adjacency.mtu)
            return .to(.icmpError)
        }
        guard adjacency.status.isResolved else { return .to(.discover) }
        if !isOurs { header.decrementHopLimit() }
        packet.header.flags.remove(.hasTable)
        return nil
    }
}
