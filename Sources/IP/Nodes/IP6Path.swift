// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Sends packets along a path with labels, or with a backup of its own.
///
/// Summary: one off the hop limit and the labels in front; or, for a path without labels, to the neighbour. While the path's
/// neighbour is down, the same along its backup.
/// Expects: an IPv6 header at the current position, and the path set by lookup in place of the adjacency.
/// Emits: to `mpls-rewrite` the labelled packet, to `ip6-rewrite` the packet as it came, each with its adjacency set.
/// Drops: `truncated`, `linkBroadcast`. Packets that expire, are too long or have no path left go to `ip6-icmp-error`, the
/// router's own that are too long to `ip6-fragment`.
/// Spec: RFC 3031 section 3.10; RFC 3032 sections 2.4.3, 3.6; RFC 3443 section 3.6; RFC 5286 for the backup.
public struct IP6Path: Node {
    public static let name = "ip6-path"

    public enum Next: UInt16, NextNode {
        case rewrite, labelled, icmpError, fragment

        public var node: String {
            switch self {
            case .rewrite: "ip6-rewrite"
            case .labelled: "mpls-rewrite"
            case .icmpError: "ip6-icmp-error"
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
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        if !isOurs {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard header.hopLimit > 1 else {
                packet.requestICMPv6Error(.timeExceeded)
                return .to(.icmpError)
            }
        }
        if packet.length > Int(path.mtu) || pusher.adjacencies[path.adjacency].status.isDown {
            guard !Backup.isMissing(path.adjacency, for: packet, pusher.adjacencies, pusher.paths) else {
                packet.requestICMPv6Error(.nextHopDown)
                return .to(.icmpError)
            }
            let mtu = pusher.mtu(behind: choice.index)
            guard packet.length <= Int(mtu) else {
                if isOurs {
                    packet.requestFragments6(.path, mtu: mtu)
                    return .to(.fragment)
                }
                packet.requestICMPv6Error(.packetTooBig, parameter: mtu)
                return .to(.icmpError)
            }
        }
        if !isOurs { header.decrementHopLimit() }
        let inner = (timeToLive: header.hopLimit, trafficClass: header.trafficClass &>> 5)
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
            packet.requestICMPv6Error(.nextHopDown)
            return .to(.icmpError)
        }
        packet.header.adjacency = choice.index
        trace.adjacency = choice.index
        return .to(.rewrite)
    }
}
