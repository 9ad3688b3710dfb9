// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes one from the TTL and puts the neighbour's Ethernet header in front.
///
/// Summary: the last step of forwarding; from here the frame is complete. While the neighbour is down, its backup's instead.
/// Expects: an IPv4 header at the current position and the adjacency set by lookup.
/// Emits: the complete frame, with its transmit interface set; with redirects on, to `ip4-redirect` one that leaves by the
/// link that it came by.
/// Drops: `truncated`, `linkBroadcast`. Packets that expire, must not be cut to fit or have no neighbour left go to
/// `ip4-icmp-error`, those whose neighbour's address is not known to `ip4-arp`.
/// Spec: RFC 1812 sections 5.3.1, 5.3.4, 4.2.2.6; RFC 1624 for the checksum; RFC 5286 for the backup.
public struct IP4Rewrite: Node {
    public static let name = "ip4-rewrite"

    public enum Next: UInt16, NextNode {
        case output, arp, icmpError, fragment, path, redirect

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .arp: "ip4-arp"
            case .icmpError: "ip4-icmp-error"
            case .fragment: "ip4-fragment"
            case .path: "ip4-path"
            case .redirect: "ip4-redirect"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IPv4 header"
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
        guard let header = IPv4View(packet.bytes) else { return .drop(.truncated) }
        let timeToLive = header.timeToLive
        if timeToLive > 1, rewriter.isPlain(packet) {
            header.decrementTimeToLive()
        } else if let verdict = decideOdd(packet, header) {
            note(packet, timeToLive, &trace)
            return verdict
        }
        note(packet, timeToLive, &trace)
        return rewriter.putHeader(packet, .ipv4) ? decideTurn(packet) : .to(.output)
    }

    @inline(__always)
    private func note(_ packet: Packet, _ timeToLive: UInt8, _ trace: inout Trace) {
        let index = packet.header.adjacency
        trace.note(index, rewriter.adjacencies[index], timeToLive: timeToLive)
    }

    /// A packet that leaves by the link that it came by: its sender may want to know of a shorter way.
    @inline(never)
    private func decideTurn(_ packet: Packet) -> Verdict<Next, Reason> {
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        return .to(settings.value.sendsRedirects && !isOurs ? .redirect : .output)
    }

    /// Packets that need a closer look; nil for those that leave like all others, by the adjacency that they then have.
    @inline(never)
    private func decideOdd(_ packet: Packet, _ header: IPv4View) -> Verdict<Next, Reason>? {
        switch rewriter.chooseBackup(packet) {
        case .goOn: break
        case .path: return .to(.path)
        case .unreachable:
            packet.requestICMPError(.nextHopDown)
            return .to(.icmpError)
        }
        let adjacency = rewriter.adjacencies[packet.header.adjacency]
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        if !isOurs {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard header.timeToLive > 1 else {
                packet.requestICMPError(.timeExceeded)
                return .to(.icmpError)
            }
        }
        guard packet.length <= Int(adjacency.mtu) else { return decideTooLong(packet, header, adjacency.mtu) }
        guard adjacency.status.isResolved else { return .to(.arp) }
        if !isOurs { header.decrementTimeToLive() }
        packet.header.flags.remove(.hasTable)
        return nil
    }

    @inline(never)
    private func decideTooLong(_ packet: Packet, _ header: IPv4View, _ mtu: UInt32) -> Verdict<Next, Reason> {
        guard header.dontFragment else {
            packet.requestFragments(.rewrite, mtu: mtu)
            return .to(.fragment)
        }
        packet.requestICMPError(.fragmentationNeeded, parameter: UInt16(truncatingIfNeeded: mtu))
        return .to(.icmpError)
    }
}
