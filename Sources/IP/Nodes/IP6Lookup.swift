// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Finds the longest prefix for the destination in the packet's table, and with it the adjacency.
///
/// Summary: a few table accesses per packet, those of a frame's packets in flight together; then, where the route has
/// several paths, one of them by the flow. Addresses of one link are looked up as those of the packet's interface.
/// Expects: a checked IPv6 header at the current position.
/// Emits: the packet with its adjacency set, or, for `ip6-path`, its path.
/// Drops: none. Packets without a route go to `ip6-no-forwarding`, which drops them by name.
/// Spec: RFC 8200; RFC 4007 section 6 for zones; RFC 2992 for the choice among paths.
public struct IP6Lookup: Node {
    public static let name = "ip6-lookup"

    /// In the order of `Forwarding.Kind`: the kind is the arc.
    public enum Next: UInt16, NextNode {
        case discard, rewrite, glean, local, path

        public var node: String {
            switch self {
            case .rewrite: "ip6-rewrite"
            case .glean: "ip6-glean"
            case .local: "ip6-local"
            case .path: "ip6-path"
            case .discard: "ip6-no-forwarding"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination = IPv6Address.any
        var table: UInt32 = 0
        var result = Forwarding.noRoute

        public init() {}

        public var description: String {
            let name = table == 0 ? "" : "table \(table), "
            return "\(name)\(destination): \(result.word) \(result.index)"
        }
    }

    private let tables: TableReaders
    private var lookup: IPv6FrameLookup
    private let balancer: Balancer

    init(tables: TableReaders, balancer: Balancer) {
        self.tables = tables
        lookup = IPv6FrameLookup(tables: tables)
        self.balancer = balancer
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        let (tables, balancer) = (tables, balancer)
        let verdicts = context.verdicts
        lookup.lookUp(frame, context, at: 24) { destinations, results in
            for position in 0..<frame.count {
                let packet = context.packet(frame[position])
                var result = Forwarding(rawValue: results[position])
                if result.isIndirect {
                    result = IP6Lookup.follow(result, packet, destinations[position], tables, balancer)
                }
                packet.header.adjacency = result.index
                verdicts[position] = UInt16(truncatingIfNeeded: result.kindNumber)
            }
        }
        if frame.isTraced { trace(frame, context) }
    }

    /// Goes through load-balances and other tables until it finds where the packet goes.
    @inline(__always)
    private static func follow(
        _ first: Forwarding, _ packet: Packet, _ destination: IPv6Address, _ tables: TableReaders, _ balancer: Balancer
    ) -> Forwarding {
        var result = first
        for stage in 0..<Balancer.depth {
            if result.kindNumber == Forwarding.Kind.loadBalance.rawValue {
                result = balancer.choose(result.index, packet, stage: stage) {
                    FlowHash.ipv6(packet.bytes, seed: $0)
                }
            } else {
                result = tables.lookUp(destination, in: result.index)
            }
            if !result.isIndirect { return result }
        }
        return .loop
    }

    private func trace(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            guard packet.isTraced else { continue }
            var trace = Trace()
            trace.destination = IPv6Address(packet.bytes, at: 24)
            trace.table = tables.number(for: packet)
            trace.result = Forwarding(
                rawValue: UInt32(context.verdicts[position]) << Forwarding.kindShift | packet.header.adjacency)
            context.record(trace, context.verdicts[position], for: packet)
        }
    }
}
