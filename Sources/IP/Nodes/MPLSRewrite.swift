// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Puts the neighbour's Ethernet header in front of a labelled packet.
///
/// Summary: the last step of label switching. While the neighbour is down its backup's: another neighbour with the same
/// label, or a bypass, whose labels go on top.
/// Expects: a label at the current position, and the adjacency.
/// Emits: the complete frame, with its transmit interface set.
/// Drops: `truncated`, `tooLong`, `unreachable`. Packets whose neighbour's address is not known go to
/// `mpls-adj-incomplete`; none ever leaves without its label.
/// Spec: RFC 3032 sections 2.1, 3, 4; RFC 4090 section 3.2 for the bypass; RFC 5332.
public struct MPLSRewrite: Node {
    public static let name = "mpls-rewrite"

    public enum Next: UInt16, NextNode {
        case output, incomplete

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .incomplete: "mpls-adj-incomplete"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, tooLong, unreachable

        public var text: String {
            switch self {
            case .truncated: "the packet ends in its label"
            case .tooLong: "longer with its labels than the next link takes"
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

    private let adjacencies: AdjacencyTable
    private let counters: TrafficCounters.Slot
    private let pusher: LabelPusher

    init(_ pusher: LabelPusher, counters: TrafficCounters.Slot) {
        adjacencies = pusher.adjacencies
        self.counters = counters
        self.pusher = pusher
    }

    @inline(__always)
    public func prefetch(_ packet: Packet) {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard packet.length >= MPLSView.length else { return .drop(.truncated) }
        if !adjacencies[packet.header.adjacency].status.isReady, let next = decideNotReady(packet) { return next }
        let adjacency = adjacencies[packet.header.adjacency]
        trace.adjacency = packet.header.adjacency
        trace.interface = adjacency.txInterface
        trace.entry = packet.bytes.network(at: 0)
        guard packet.length <= Int(adjacency.mtu) else { return .drop(.tooLong) }
        packet.rewind(EthernetView.length)
        let frame = packet.bytes
        frame.store(adjacency.rewrite.0, at: 0)
        frame.store(UInt32(truncatingIfNeeded: adjacency.rewrite.1), at: 8)
        frame.store(EtherType.mpls.rawValue.bigEndian, at: 12)
        packet.header.txInterface = adjacency.txInterface
        packet.header.flags.remove(.hasTable)
        counters.add(packet.header.adjacency, bytes: packet.length)
        return .to(.output)
    }

    /// Where a packet goes whose neighbour is down or not known; nil to go on with the adjacency that the packet then has.
    @inline(never)
    private func decideNotReady(_ packet: Packet) -> Verdict<Next, Reason>? {
        switch Backup.choose(packet, adjacencies, pusher.paths) {
        case .goOn: break
        case .unreachable: return .drop(.unreachable)
        case .path:
            let top = MPLSEntry(rawValue: packet.bytes.network(at: 0))
            let inner = (timeToLive: top.timeToLive, trafficClass: top.trafficClass)
            pusher.push(packet.header.adjacency, onto: packet, inner: inner, isBottom: false)
        }
        return adjacencies[packet.header.adjacency].status.isResolved ? nil : .to(.incomplete)
    }
}
