// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Finds the longest prefix for the destination in the packet's table, and with it the adjacency.
///
/// Summary: one table access per packet, all of a frame's accesses in flight together; then, where the route has several
/// paths, one of them by the flow.
/// Expects: a checked IPv4 header at the current position.
/// Emits: the packet with its adjacency set, or, for `ip4-path`, its path.
/// Drops: none. Packets without a route go to `ip4-no-forwarding`, which drops them by name.
/// Spec: RFC 1812 section 5.2.4; RFC 2992 for the choice among paths.
public struct IP4Lookup: Node {
    public static let name = "ip4-lookup"

    /// In the order of `Forwarding.Kind`: the kind is the arc.
    public enum Next: UInt16, NextNode {
        case discard, rewrite, glean, local, path

        public var node: String {
            switch self {
            case .rewrite: "ip4-rewrite"
            case .glean: "ip4-glean"
            case .local: "ip4-local"
            case .path: "ip4-path"
            case .discard: "ip4-no-forwarding"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination: UInt32 = 0
        var table: UInt32 = 0
        var result = Forwarding.noRoute

        public init() {}

        public var description: String {
            let name = table == 0 ? "" : "table \(table), "
            return "\(name)\(IPv4Address(destination)): \(result.word) \(result.index)"
        }
    }

    private let tables: TableReaders
    private let balancer: Balancer

    init(tables: TableReaders, balancer: Balancer) {
        self.tables = tables
        self.balancer = balancer
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Frame.capacity) { destinations in
            withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Frame.capacity) { indirect in
                lookUp(frame, context, destinations, indirect)
            }
        }
        if frame.isTraced { trace(frame, context) }
    }

    /// Three rounds, each of which has the memory accesses of all packets under way together: the tables' first slots,
    /// the results, and what the routes with several paths come to.
    @inline(__always)
    private func lookUp(
        _ frame: Frame, _ context: Context, _ destinations: UnsafeMutableBufferPointer<UInt32>,
        _ indirect: UnsafeMutableBufferPointer<UInt16>
    ) {
        let count = frame.count
        let verdicts = context.verdicts
        let first = context.packet(frame[0])
        let table = tables[for: first].ip4
        // Nearly always all of a frame came in at one interface: then its table is found once.
        var others = UInt32(first.header.flags.rawValue & BufferFlags.hasTable.rawValue)
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let destination = packet.bytes.network(at: 16, as: UInt32.self)
            destinations[position] = destination
            others |= packet.header.rxInterface ^ first.header.rxInterface
            others |= UInt32(packet.header.flags.rawValue & BufferFlags.hasTable.rawValue)
            table.prefetch(destination)
        }
        var indirectCount = 0
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let reader = others == 0 ? table : tables[for: packet].ip4
            let result = Forwarding(rawValue: reader.lookup(destinations[position]))
            packet.header.adjacency = result.index
            verdicts[position] = UInt16(truncatingIfNeeded: result.kindNumber)
            indirect[indirectCount] = UInt16(truncatingIfNeeded: position)
            indirectCount &+= result.isIndirect ? 1 : 0
        }
        for number in 0..<indirectCount {
            let position = Int(indirect[number])
            let packet = context.packet(frame[position])
            let found = Forwarding(
                rawValue: UInt32(verdicts[position]) << Forwarding.kindShift | packet.header.adjacency)
            let result = follow(found, packet, destinations[position])
            packet.header.adjacency = result.index
            verdicts[position] = UInt16(truncatingIfNeeded: result.kindNumber)
        }
    }

    /// Goes through load-balances and other tables until it finds where the packet goes.
    @inline(__always)
    private func follow(_ first: Forwarding, _ packet: Packet, _ destination: UInt32) -> Forwarding {
        var result = first
        for stage in 0..<Balancer.depth {
            if result.kindNumber == Forwarding.Kind.loadBalance.rawValue {
                result = balancer.choose(result.index, packet, stage: stage) {
                    FlowHash.ipv4(packet.bytes, seed: $0)
                }
            } else {
                result = Forwarding(rawValue: tables[result.index].ip4.lookup(destination))
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
            trace.destination = packet.bytes.network(at: 16)
            trace.table = tables.number(for: packet)
            trace.result = Forwarding(
                rawValue: UInt32(context.verdicts[position]) << Forwarding.kindShift | packet.header.adjacency)
            context.record(trace, context.verdicts[position], for: packet)
        }
    }
}
