// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show adjacency`: the neighbours that packets are sent to.
struct AdjacencyReport: Report {
    struct Row: Encodable, Sendable {
        let index: UInt32
        let interface: String
        /// Nil for a glean adjacency.
        let nextHop: IPAddress?
        /// "ready", "not resolved", "glean", or what speaks against the neighbour.
        let state: String
        let destination: MACAddress?
        let source: MACAddress?
        /// Bytes of the longest IP packet.
        let mtu: UInt32
        /// Path-lists, paths and neighbour entries that use it.
        let references: Int
        let packets: UInt64
        let bytes: UInt64
        /// What stands in while the neighbour is down.
        let backup: String?
    }

    let adjacencies: [Row]
    let total: Int

    var body: [TextBlock] {
        let table = TextBlock.table(
            [
                .right("Index"), "Interface", "Next hop", "State", "Destination", "Source", .right("MTU"),
                .right("References"), .right("Packets"), .right("Bytes"), "Backup",
            ],
            adjacencies.map { row in
                [
                    "\(row.index)", row.interface, row.nextHop.map { "\($0)" } ?? "", row.state,
                    row.destination.map { "\($0)" } ?? "", row.source.map { "\($0)" } ?? "", "\(row.mtu)",
                    "\(row.references)", "\(row.packets)", "\(row.bytes)", row.backup ?? "",
                ]
            })
        let rest = total - adjacencies.count
        return rest > 0 ? [table, .line("\(rest) more of \(total) adjacencies; --limit shows more")] : [table]
    }
}
