// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show erspan`.
struct ERSPANReport: Report {
    struct Row: Encodable, Sendable {
        let interface: String
        /// "I", "II" or "III".
        let type: String
        /// Nil with type I, which has no number.
        let session: Int?
        let source: IPAddress
        let destination: IPAddress
        let underlayVrf: String
        /// Nil while there is no way.
        let nextHop: IPAddress?
        let isResolved: Bool
        let problem: String?
        /// Longer ones are cut.
        let longestFrameBytes: Int
        let sent: UInt64
        let decapsulateTo: String?
        let received: UInt64
        /// Sequence numbers that were passed over.
        let lost: UInt64
        /// Frames whose number was not above the last one's: overtaken, and among the lost, or sent twice.
        let late: UInt64
        let restarts: UInt64
        /// Frames that the sender had cut.
        let truncated: UInt64

        var way: String {
            if let problem { return problem }
            return (nextHop.map { "\($0)" } ?? "") + (isResolved ? "" : " (not resolved)")
        }
    }

    let sessions: [Row]

    var body: [TextBlock] {
        [
            .table(
                [
                    "Interface", "Type", .right("Session"), "Source", "Destination", "Next hop", .right("Sent"),
                    "To", .right("Received"), .right("Lost"), .right("Late"), .right("Restarts"), .right("Truncated"),
                ],
                sessions.map { row in
                    let counts = [row.received, row.lost, row.late, row.restarts, row.truncated]
                    return [
                        row.interface, row.type, row.session.map { "\($0)" } ?? "", "\(row.source)",
                        "\(row.destination)", row.way, "\(row.sent)", row.decapsulateTo ?? "",
                    ] + counts.map { "\($0)" }
                })
        ]
    }
}
