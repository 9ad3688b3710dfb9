// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Sends packets along a path with labels, or with a backup of its own.
///
/// Summary: one off the TTL and the labels in front; or, for a path without labels, to the neighbour. While the path's
/// neighbour is down, the same along its backup.
/// Expects: an IPv4 header at the current position, and the path set by lookup in place of the adjacency.
/// Emits: to `mpls-rewrite` the labelled packet, to `ip4-rewrite` the packet as it came, each with its adjacency set.
/// Drops: `truncated`, `linkBroadcast`. Packets that expire, must not be cut to fit or have no path left go to
/// `ip4-icmp-error`, those that may be cut to `ip4-fragment`, and come back.
/// Spec: RFC 3031 section 3.10; RFC 3032 sections 2.4.3, 3; RFC 3443 section 3.6; RFC 5286 for the backup.
public struct IP4Path: Node {
    public static let name = "ip4-path"

    public enum Next: UInt16, NextNode {
        case rewrite, labelled, icmpError, fragment

        public var node: String {
            switch self {
            case .rewrite: "ip4-rewrite"
            case .labelled: "mpls-rewrite"
            case .icmpError: "ip4-icmp-error"
            case .fragment: "ip4-fragment"
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

    public struct Trace: TraceRecord {
        var path: UInt32 = 0
        var adjacency: AdjacencyIndex = 0
        var labelCount: UInt8 = 0
        var label: UInt32 = 0

        public init() {}

        public var description: String {
            let labels = labelCount == 0 ? "" : ", \(labelCount) labels, outermost \(label)"
            return "path \(path): adjacency \(adjacency)\(labels)"
        }
    }

    private let pusher: LabelPusher

    init(_ pusher: LabelPusher) { self.pusher = pusher }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let choice = pusher.choose(packet.header.adjacency, packet)
        guard choice.kindNumber == Forwarding.Kind.path.rawValue else {
            return decideUnlabelled(packet, choice, &trace)
        }
        let path = pusher.paths[choice.index]
        trace.path = choice.index
        trace.adjacency = path.adjacency
        trace.labelCount = path.labelCount
        trace.label = path.labels.0
        guard path.labelCount > 0 else {
            packet.header.adjacency = path.adjacency
            return .to(.rewrite)
        }
        guard let header = IPv4View(packet.bytes) else { return .drop(.truncated) }
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        if !isOurs {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard header.timeToLive > 1 else {
                packet.requestICMPError(.timeExceeded)
                return .to(.icmpError)
            }
        }
        if packet.length > Int(path.mtu) || pusher.adjacencies[path.adjacency].status.isDown {
            guard !Backup.isMissing(path.adjacency, for: packet, pusher.adjacencies, pusher.paths) else {
                packet.requestICMPError(.nextHopDown)
                return .to(.icmpError)
            }
            let mtu = pusher.mtu(behind: choice.index)
            if packet.length > Int(mtu) { return decideTooLong(packet, header, mtu) }
        }
        if !isOurs { header.decrementTimeToLive() }
        let inner = (timeToLive: header.timeToLive, trafficClass: header.trafficClass &>> 5)
        pusher.push(choice.index, onto: packet, inner: inner, isBottom: true)
        return .to(.labelled)
    }

    /// A backup that is a neighbour alone, or none that can be used.
    @inline(never)
    private func decideUnlabelled(
        _ packet: Packet, _ choice: Forwarding, _ trace: inout Trace
    ) -> Verdict<Next, Reason> {
        trace.path = packet.header.adjacency
        guard choice.kind == .rewrite else {
            packet.requestICMPError(.nextHopDown)
            return .to(.icmpError)
        }
        packet.header.adjacency = choice.index
        trace.adjacency = choice.index
        return .to(.rewrite)
    }

    /// Fragments come back to take the labels.
    @inline(never)
    private func decideTooLong(_ packet: Packet, _ header: IPv4View, _ mtu: UInt32) -> Verdict<Next, Reason> {
        guard header.dontFragment else {
            packet.requestFragments(.path, mtu: mtu)
            return .to(.fragment)
        }
        packet.requestICMPError(.fragmentationNeeded, parameter: UInt16(truncatingIfNeeded: mtu))
        return .to(.icmpError)
    }
}
