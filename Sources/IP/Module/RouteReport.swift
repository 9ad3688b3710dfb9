// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show fib`: routes and what they lead to.
struct RouteReport: Report {
    struct Row: Encodable, Sendable {
        let prefix: IPv4Prefix
        /// Who says so: "connected", "static", ...
        let source: String
        /// Whether packets follow it: no better source has the prefix.
        let inForce: Bool
        /// "rewrite", "glean", "local", "blackhole", "unreachable", "prohibit", "broadcast".
        let kind: String
        let nextHop: IPAddress?
        let interface: String?
        let adjacency: UInt32?
        /// Whether the next hop's hardware address is known.
        let resolved: Bool?
    }

    let routes: [Row]
    /// All prefixes that there are, shown or not.
    let total: Int

    var body: [TextBlock] {
        let table = TextBlock.table(
            ["Prefix", "Source", "Leads to", "Next hop", "Interface", .right("Adjacency")],
            routes.map { row in
                let source = row.inForce ? row.source : "(\(row.source))"
                let kind = row.resolved == false ? "\(row.kind), not resolved" : row.kind
                return [
                    "\(row.prefix)", source, kind, row.nextHop.map { "\($0)" } ?? "", row.interface ?? "",
                    row.adjacency.map { "\($0)" } ?? "",
                ]
            })
        let rest = total - routes.count
        return rest > 0
            ? [table, .line("\(rest) more of \(total) prefixes; --limit shows more, a prefix or address its own")]
            : [table]
    }
}

/// `show adjacency`: the neighbours that packets are sent to.
struct AdjacencyReport: Report {
    struct Row: Encodable, Sendable {
        let index: UInt32
        let interface: String
        /// Nil for a glean adjacency.
        let nextHop: IPAddress?
        /// "complete", "incomplete" or "glean".
        let state: String
        let destination: MACAddress?
        let source: MACAddress?
        /// Bytes of the longest IP packet.
        let mtu: UInt32
        /// Routes and neighbour entries that use it.
        let references: Int
    }

    let adjacencies: [Row]

    var body: [TextBlock] {
        [
            .table(
                [
                    .right("Index"), "Interface", "Next hop", "State", "Destination", "Source", .right("MTU"),
                    .right("References"),
                ],
                adjacencies.map { row in
                    [
                        "\(row.index)", row.interface, row.nextHop.map { "\($0)" } ?? "", row.state,
                        row.destination.map { "\($0)" } ?? "", row.source.map { "\($0)" } ?? "", "\(row.mtu)",
                        "\(row.references)",
                    ]
                })
        ]
    }
}
