// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Finds the longest prefix for the destination, and with it the adjacency.
///
/// Summary: one table access per packet, all of a frame's accesses in flight together.
/// Expects: a checked IPv4 header at the current position.
/// Emits: the packet with its adjacency set.
/// Drops: `dropRoute`, `directedBroadcast`. Packets without a route go to `ip4-icmp-error`, which drops them by name.
/// Spec: RFC 1812 section 5.2.4.
public struct IP4Lookup: Node {
    public static let name = "ip4-lookup"

    /// In the order of `Forwarding.Kind`: the kind is the arc.
    public enum Next: UInt16, NextNode {
        case noRoute, rewrite, glean, local, dropped, unreachable, prohibited, directedBroadcast

        public var node: String {
            switch self {
            case .rewrite: "ip4-rewrite"
            case .glean: "ip4-glean"
            case .local: "ip4-local"
            case .noRoute, .unreachable, .prohibited, .dropped, .directedBroadcast: "ip4-no-forwarding"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination: UInt32 = 0
        var result = Forwarding(rawValue: 0)

        public init() {}

        public var description: String { "\(IPv4Address(destination)): \(result.kind), adjacency \(result.adjacency)" }
    }

    private let tables: IP4TableReader

    public init(tables: IP4TableReader) { self.tables = tables }

    public mutating func process(_ frame: Frame, _ context: Context) {
        let count = frame.count
        let verdicts = context.verdicts
        let table = tables.main
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Frame.capacity) { destinations in
            for position in 0..<count {
                let destination = context.packet(frame[position]).bytes.network(at: 16, as: UInt32.self)
                destinations[position] = destination
                table.prefetch(destination)
            }
            for position in 0..<count {
                let result = Forwarding(rawValue: table.lookup(destinations[position]))
                context.packet(frame[position]).header.adjacency = result.adjacency
                verdicts[position] = UInt16(truncatingIfNeeded: result.kindNumber)
            }
        }
        if frame.isTraced { trace(frame, context) }
    }

    private func trace(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            guard packet.isTraced else { continue }
            var trace = Trace()
            trace.destination = packet.bytes.network(at: 16)
            trace.result = Forwarding(
                rawValue: UInt32(context.verdicts[position]) << Forwarding.kindShift | packet.header.adjacency)
            context.record(trace, context.verdicts[position], for: packet)
        }
    }
}

/// The IPv4 tables as workers read them.
@frozen
public struct IP4TableReader: BitwiseCopyable, Sendable {
    /// The table of the main VRF.
    let main: IPv4LookupTable.Reader
}
