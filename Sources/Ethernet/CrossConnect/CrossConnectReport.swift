// SPDX-License-Identifier: Apache-2.0
import Graph

/// `show cross-connect`: the pairs, and what went each way.
struct CrossConnectReport: Report {
    struct Row: Encodable, Sendable {
        let name: String
        let ends: [End]
    }

    struct End: Encodable, Sendable {
        let interface: String
        let isUp: Bool
        let rxPackets: UInt64
        let txPackets: UInt64
    }

    let connections: [Row]

    @ControlPlane
    init(_ store: BridgeStore) {
        connections = store.connections.map { connection in
            Row(
                name: connection.name,
                ends: connection.ends.map { interface in
                    let counters = store.engine.counters(of: interface.index)
                    return End(
                        interface: interface.name, isUp: interface.flags.isSuperset(of: .usable),
                        rxPackets: counters.rxPackets, txPackets: counters.txPackets)
                })
        }
    }

    var body: [TextBlock] {
        [
            .table(
                ["Name", "Interface", "State", .right("RX packets"), .right("TX packets")],
                connections.flatMap { row in
                    row.ends.map { end in
                        [row.name, end.interface, end.isUp ? "up" : "down", "\(end.rxPackets)", "\(end.txPackets)"]
                    }
                })
        ]
    }

    @ControlPlane
    static func command(_ store: BridgeStore) -> Command {
        Command(["show", "cross-connect"], "Pairs of interfaces whose frames leave by the other", []) { [store] _ in
            CrossConnectReport(store)
        }
    }
}
