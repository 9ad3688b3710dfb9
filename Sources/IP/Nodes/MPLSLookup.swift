// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Looks the uppermost label up and does what it says: swaps it, pushes others on top, or takes it off.
///
/// Summary: one table access per packet, all of a frame's accesses in flight together. What VPP does in `mpls-input` and
/// `mpls-lookup` is done here in one pass.
/// Expects: a label at the current position.
/// Emits: to `mpls-rewrite` the labelled packet with its adjacency set; to `ip4-input` and `ip6-input` an IP packet whose
/// last label was for this router, with the table to route it by; to `ip4-rewrite` and `ip6-rewrite` one whose label its
/// neighbour gave out as implicit null; to `mpls-icmp-error` one that expires; to features' nodes the packets of the labels that they have claimed, at the label.
/// Drops: by name what has no label, no time to live, or no way on.
/// Spec: RFC 3031 section 3.10 to 3.18; RFC 3032 sections 2.1, 2.4; RFC 3443; RFC 6790 section 4.3.
public struct MPLSLookup: Node {
    public static let name = "mpls-lookup"

    public enum Next: UInt16, NextNode {
        case rewrite, ip4Input, ip4Rewrite, ip6Input, ip6Rewrite, icmpError

        public var node: String {
            switch self {
            case .rewrite: "mpls-rewrite"
            case .ip4Input: "ip4-input"
            case .ip4Rewrite: "ip4-rewrite"
            case .ip6Input: "ip6-input"
            case .ip6Rewrite: "ip6-rewrite"
            case .icmpError: "mpls-icmp-error"
            }
        }
    }

    /// The first are in the order of the marks of `Forwarding`, which the label table and load-balances have.
    public enum Reason: UInt16, DropReason {
        case labelUnknown, blackhole, unreachable, prohibited, noReceiver, loop
        case implicitNull, routerAlert, oamAlert, labelReserved, notBottom, bottom
        case truncated, linkBroadcast, ttlExpired, notIp, badIpHeader

        public var text: String {
            switch self {
            case .labelUnknown: "no entry for this label at this place of the stack"
            case .blackhole: "the label's path discards"
            case .unreachable: "no path of the label can be used"
            case .prohibited: "the label's path prohibits"
            case .noReceiver: "the label's path leads to no node"
            case .loop: "the label's paths lead to each other without end"
            case .implicitNull: "label 3, implicit null, which is never sent"
            case .routerAlert: "label 1, router alert: nobody here asked for it"
            case .oamAlert: "label 13 or 14, operation and maintenance: nobody here asked for it"
            case .labelReserved: "a reserved label without a meaning, or at a place where it has none"
            case .notBottom: "labels below one that must be the last"
            case .bottom: "no label below one that must not be the last"
            case .truncated: "the packet ends in its label stack"
            case .linkBroadcast: "came in a link-layer broadcast, multicast or another station's frame: not forwarded"
            case .ttlExpired: "the label's time to live ran out"
            case .notIp: "what is below the last label is not the IP packet that the label stands for"
            case .badIpHeader: "the IP header below the last label is malformed"
            }
        }
    }

    public struct Trace: TraceRecord {
        var entry: UInt32 = 0
        var result = LabelResult(.noRoute)

        public init() {}

        public var description: String {
            "\(MPLSEntry(rawValue: entry)): \(result.forwarding.labelWord)"
        }
    }

    typealias Decision = Verdict<Next, Reason>

    let labels: LabelTable
    let pusher: LabelPusher
    let balancer: Balancer
    let tables: TableReaders

    init(labels: LabelTable, pusher: LabelPusher, balancer: Balancer, tables: TableReaders) {
        self.labels = labels
        self.pusher = pusher
        self.balancer = balancer
        self.tables = tables
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        let count = frame.count
        withUnsafeTemporaryAllocation(of: MPLSEntry.self, capacity: Frame.capacity) { entries in
            for position in 0..<count {
                let packet = context.packet(frame[position])
                var entry = MPLSEntry(rawValue: 0)
                if packet.length >= MPLSView.length, !packet.header.flags.contains(.notToThisStation) {
                    entry = MPLSEntry(rawValue: packet.bytes.network(at: 0))
                }
                entries[position] = entry
                labels.prefetch(entry)
            }
            for position in 0..<count {
                context.decide(position, forward(context.packet(frame[position]), entries[position]))
            }
            if frame.isTraced { trace(frame, context, entries) }
        }
    }

    /// The common case here, a label that is swapped for one other; all others out of the way.
    @inline(__always)
    private func forward(_ packet: Packet, _ entry: MPLSEntry) -> Decision {
        guard entry.timeToLive > 1 else { return forwardRarely(packet) }
        let result = labels[entry]
        let forwarding = follow(result.forwarding, packet)
        guard forwarding.kindNumber == Forwarding.Kind.path.rawValue else {
            return take(packet, entry, forwarding, result.isUniform)
        }
        return takePath(packet, entry, forwarding.index, result.isUniform)
    }

    /// Goes through load-balances until it finds where the packet goes.
    @inline(__always)
    func follow(_ first: Forwarding, _ packet: Packet) -> Forwarding {
        guard first.kindNumber == Forwarding.Kind.loadBalance.rawValue else { return first }
        return balancer.choose(first.index, packet) { FlowHash.mpls(packet.bytes, seed: $0) }
    }

    /// Swaps the label for the innermost of the path's, and pushes the others on top (RFC 3443 section 3.5, 3.6).
    @inline(__always)
    func takePath(_ packet: Packet, _ entry: MPLSEntry, _ first: UInt32, _ isUniform: Bool) -> Decision {
        let choice = pusher.choose(first, packet)
        guard choice.kindNumber == Forwarding.Kind.path.rawValue else {
            return take(packet, entry, choice, isUniform)
        }
        let path = pusher.paths[choice.index]
        guard path.labelCount == 1 else { return takeStack(packet, entry, choice.index, isUniform) }
        // Label apart, the entry stays: one from the TTL, which is not 0.
        packet.bytes.storeNetwork(path.labels.0 &<< 12 | (entry.rawValue & 0xfff) &- 1, at: 0)
        packet.header.adjacency = path.adjacency
        return .to(.rewrite)
    }

    @inline(never)
    private func takeStack(_ packet: Packet, _ entry: MPLSEntry, _ path: UInt32, _ isUniform: Bool) -> Decision {
        let count = Int(pusher.paths[path].labelCount)
        guard count > 0 else {
            return pop(packet, entry, towards: pusher.paths[path].adjacency, isUniform)
        }
        let innermost = pusher.paths.label(count &- 1, of: path)
        packet.bytes.storeNetwork(innermost &<< 12 | (entry.rawValue & 0xfff) &- 1, at: 0)
        let inner = (timeToLive: entry.timeToLive &- 1, trafficClass: entry.trafficClass)
        pusher.push(path, onto: packet, inner: inner, isBottom: false, count: count &- 1)
        return .to(.rewrite)
    }

    private func trace(_ frame: Frame, _ context: Context, _ entries: UnsafeMutableBufferPointer<MPLSEntry>) {
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            guard packet.isTraced else { continue }
            var trace = Trace()
            trace.entry = entries[position].rawValue
            trace.result = labels[entries[position]]
            context.record(trace, context.verdicts[position], for: packet)
        }
    }
}
