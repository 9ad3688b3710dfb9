// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Puts the neighbour's Ethernet header in front of a labelled packet.
///
/// Summary: the last step of label switching. While the neighbour is down its backup's: another neighbour with the same
/// label, or a bypass, whose labels go on top.
/// Expects: a label at the current position, and the adjacency.
/// Emits: the complete frame, with its transmit interface set; to `mpls-icmp-error` one that is too long for the link.
/// Drops: `truncated`, `unreachable`. Packets whose neighbour's address is not known go to
/// `mpls-adj-incomplete`; none ever leaves without its label.
/// Spec: RFC 3032 sections 2.1, 3, 4; RFC 4090 section 3.2 for the bypass; RFC 5332.
public struct MPLSRewrite: Node {
    public static let name = "mpls-rewrite"

    public enum Next: UInt16, NextNode {
        case output, incomplete, icmpError

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .incomplete: "mpls-adj-incomplete"
            case .icmpError: "mpls-icmp-error"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, unreachable

        public var text: String {
            switch self {
            case .truncated: "the packet ends in its label"
            case .unreachable: "neither the next hop nor a backup can be used"
            }
        }
    }

    public struct Trace: TraceRecord {
        var adjacency: AdjacencyIndex = 0
        var interface: InterfaceIndex = 0
        var entry: UInt32 = 0

        public init() {}

        public var description: String {
            "adjacency \(adjacency): interface \(interface), \(MPLSEntry(rawValue: entry))"
        }
    }

    private let rewriter: EthernetRewriter
    private let pusher: LabelPusher

    init(_ rewriter: EthernetRewriter, _ pusher: LabelPusher) {
        self.rewriter = rewriter
        self.pusher = pusher
    }

    @inline(__always)
    public func prefetch(_ packet: Packet) {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard packet.length >= MPLSView.length else { return .drop(.truncated) }
        if !rewriter.isPlain(packet), let verdict = decideOdd(packet) {
            note(packet, &trace)
            return verdict
        }
        note(packet, &trace)
        _ = rewriter.putHeader(packet, .mpls)
        return .to(.output)
    }

    @inline(__always)
    private func note(_ packet: Packet, _ trace: inout Trace) {
        trace.adjacency = packet.header.adjacency
        trace.interface = rewriter.adjacencies[packet.header.adjacency].txInterface
        trace.entry = packet.bytes.network(at: 0)
    }

    /// Packets that need a closer look; nil for those that leave like all others, by the adjacency that they then have.
    @inline(never)
    private func decideOdd(_ packet: Packet) -> Verdict<Next, Reason>? {
        switch rewriter.chooseBackup(packet) {
        case .goOn: break
        case .unreachable: return .drop(.unreachable)
        case .path:
            let top = MPLSEntry(rawValue: packet.bytes.network(at: 0))
            let inner = (timeToLive: top.timeToLive, trafficClass: top.trafficClass)
            pusher.push(packet.header.adjacency, onto: packet, inner: inner, isBottom: false)
        }
        let adjacency = rewriter.adjacencies[packet.header.adjacency]
        guard adjacency.status.isResolved else { return .to(.incomplete) }
        guard packet.length <= Int(adjacency.mtu) else {
            packet.requestMPLSError(MPLSErrorRequest(.tooLong, isOutgoing: true, linkMTU: adjacency.mtu))
            return .to(.icmpError)
        }
        packet.header.flags.remove(.hasTable)
        return nil
    }
}
