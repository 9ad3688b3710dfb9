// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show neighbors`: hardware addresses, and what ARP and neighbor discovery did.
struct NeighborReport: Report {
    struct Row: Encodable, Sendable {
        let interface: String
        let address: IPAddress
        let mac: MACAddress?
        let state: NeighborState
        /// Since the address was last confirmed.
        let ageSeconds: Double
        /// "router": it says so. "kept": somebody wants it resolved at all times. "no-answer": static, and it does not
        /// answer those who want to know. "next-hop": routes lead through it.
        let flags: [String]
        let adjacency: AdjacencyIndex
        /// Packets that wait.
        let held: Int
    }

    let neighbors: [Row]
    let counters: NeighborCounters

    var body: [TextBlock] {
        let rows = neighbors.map { row in
            [
                row.interface, "\(row.address)", row.mac.map { "\($0)" } ?? "", row.state.rawValue,
                row.state == .static ? "" : "\(row.ageSeconds.fixed(1))s", row.flags.joined(separator: " "),
                "\(row.adjacency)", "\(row.held)",
            ]
        }
        return [
            .table(
                ["Interface", "Address", "MAC", "State", .right("Age"), "Flags", .right("Adjacency"), .right("Held")],
                rows),
            .facts(facts.filter { $0.1 > 0 }.map { .init($0.0, "\($0.1)") }),
        ]
    }

    private var facts: [(String, Int)] {
        [
            ("requests sent", counters.requestsSent), ("replies sent", counters.repliesSent),
            ("announcements sent", counters.announcementsSent), ("own addresses asked for", counters.probesSent),
            ("answered for others", counters.proxyReplies), ("packets dropped: queue full", counters.heldDropped),
            ("packets dropped: BFD, not kept", counters.notHeld),
            ("packets dropped: no answer", counters.unanswered), ("neighbours lost", counters.lost),
            ("refused: table full", counters.tableFull), ("removed: table full", counters.evicted),
            ("removed: too many without answer", counters.incompleteDropped),
            ("ignored: sender off the network", counters.senderOffSubnet),
            ("ignored: advertised unasked", counters.unsolicited),
            ("ignored: another address, not to override", counters.notOverriding),
            ("address conflicts", counters.conflicts),
            ("router solicitations received", counters.routerSolicitationsReceived),
            ("router advertisements received", counters.routerAdvertisementsReceived),
            ("router advertisements that contradict ours", counters.routerAdvertisementsInconsistent),
            ("frames lost: worker's queue full", counters.injectFailed),
        ]
    }
}

/// `show addresses`: the router's own.
struct AddressReport: Report {
    struct Row: Encodable, Sendable {
        let interface: String
        let address: String
        let table: String
        let state: OwnAddress.State
        /// Made of the hardware address.
        let isAutomatic: Bool
    }

    let addresses: [Row]

    var body: [TextBlock] {
        [
            .table(
                ["Interface", "Address", "Table", "State", "Origin"],
                addresses.map { row in
                    [
                        row.interface, row.address, row.table, row.state.rawValue,
                        row.isAutomatic ? "automatic" : "configured",
                    ]
                })
        ]
    }
}
