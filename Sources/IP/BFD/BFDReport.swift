// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show bfd`: one line for each session.
struct BFDReport: Report {
    struct Row: Encodable, Sendable {
        let peer: IPAddress
        /// Nil for a multihop session.
        let interface: String?
        /// Nil while the session waits for an address.
        let local: IPAddress?
        let isMultihop: Bool
        /// The router has no address that it may speak from: none, or one that is tentative or a duplicate.
        let isWaiting: Bool
        let state: BFDState
        let diagnostic: String
        let remoteState: BFDState
        /// As negotiated, before jitter; 0 when no packets are sent periodically.
        let transmitIntervalMicroseconds: UInt32
        /// How long the peer may be silent; 0 when nothing was heard of it.
        let detectionTimeMicroseconds: UInt64
        /// 0 when the echo function is not active.
        let echoIntervalMicroseconds: UInt32
        /// How often the session came up, and how often the path was lost.
        let ups: Int
        let failures: Int
        /// Nil while the session waits for an address.
        let worker: Int?
        /// Who wants the session.
        let clients: [String]

        var stateText: String { isWaiting ? "waiting" : "\(state)" }
        var workerText: String { worker.map { "\($0)" } ?? "-" }
    }

    /// Why a session waits.
    static let noAddress = "no usable address"

    let sessions: [Row]

    init(_ sessions: [Row]) { self.sessions = sessions }

    var body: [TextBlock] {
        [
            .table(
                [
                    "Peer", "Interface", "State", "Diagnostic", .right("Transmit"), .right("Detection"), .right("Echo"),
                    .right("Ups"), .right("Failures"), .right("Worker"), "Clients",
                ],
                sessions.map { row in
                    [
                        "\(row.peer)", row.interface ?? "multihop", row.stateText, row.diagnostic,
                        BFDReport.text(UInt64(row.transmitIntervalMicroseconds)),
                        BFDReport.text(row.detectionTimeMicroseconds),
                        BFDReport.text(UInt64(row.echoIntervalMicroseconds)), "\(row.ups)", "\(row.failures)",
                        row.workerText, row.clients.joined(separator: ", "),
                    ]
                })
        ]
    }

    static func text(_ microseconds: UInt64) -> String {
        microseconds == 0 ? "-" : Quantity.text(.microseconds(Int64(microseconds)))
    }
}

/// `show bfd PEER`: all that is known of the sessions with one peer.
struct BFDDetailReport: Report {
    /// What one side says of itself.
    struct Side: Encodable, Sendable {
        let discriminator: UInt32
        let state: BFDState
        let diagnostic: String
        let multiplier: UInt8
        let desiredMinTxMicroseconds: UInt32
        let requiredMinRxMicroseconds: UInt32
        let requiredMinEchoRxMicroseconds: UInt32
        let isDemanding: Bool
    }

    struct Change: Encodable, Sendable {
        let secondsAgo: Double
        let from: BFDState
        let to: BFDState
        let diagnostic: String
        let isFailure: Bool
    }

    struct Detail: Encodable, Sendable {
        let session: BFDReport.Row
        let profile: String?
        let isAdminDown: Bool
        let isPassive: Bool
        let authentication: String
        let local: Side
        /// Nil when nothing was heard of the peer for a detection time.
        let remote: Side?
        let isPolling: Bool
        let counters: BFDCounters
        /// The latest first.
        let changes: [Change]
    }

    let sessions: [Detail]

    static func name(_ kind: BFDAuthentication.Kind) -> String {
        switch kind {
        case .none: "none"
        case .keyedMD5: "keyed-md5"
        case .meticulousMD5: "meticulous-keyed-md5"
        case .keyedSHA1: "keyed-sha1"
        case .meticulousSHA1: "meticulous-keyed-sha1"
        }
    }

    var body: [TextBlock] { sessions.flatMap(blocks) }

    private func blocks(_ detail: Detail) -> [TextBlock] {
        let row = detail.session
        let place = row.interface.map { "on \($0)" } ?? "over several hops"
        var facts: [TextBlock.Fact] = [
            .init("state", row.stateText), .init("diagnostic", row.diagnostic),
            .init("local address", row.local.map { "\($0)" } ?? "-"),
            .init("transmit interval", BFDReport.text(UInt64(row.transmitIntervalMicroseconds))),
            .init("detection time", BFDReport.text(row.detectionTimeMicroseconds)),
            .init("echo interval", BFDReport.text(UInt64(row.echoIntervalMicroseconds))),
            .init("authentication", detail.authentication), .init("profile", detail.profile ?? "-"),
            .init("clients", row.clients.joined(separator: ", ")), .init("worker", row.workerText),
        ]
        if detail.isPolling { facts.append(.init("poll sequence", "running")) }
        if detail.isPassive { facts.append(.init("role", "passive")) }
        let sides = [("local", detail.local)] + (detail.remote.map { [("remote", $0)] } ?? [])
        return [
            .heading("Session with \(row.peer) \(place)"), .facts(facts),
            .table(
                [
                    "Side", .right("Discriminator"), "State", "Diagnostic", .right("Multiplier"), .right("Min TX"),
                    .right("Min RX"), .right("Min echo RX"), "Demand",
                ], sides.map { BFDDetailReport.cells($0, $1) }),
            .facts(BFDCounterReport.facts(detail.counters)),
            .table(
                [.right("Ago"), "From", "To", "Diagnostic", "Failure"],
                detail.changes.map { change in
                    [
                        "\(change.secondsAgo.fixed(3))s", "\(change.from)", "\(change.to)", change.diagnostic,
                        change.isFailure ? "yes" : "no",
                    ]
                }),
        ]
    }

    private static func cells(_ name: String, _ side: Side) -> [String] {
        [
            name, "\(side.discriminator)", "\(side.state)", side.diagnostic, "\(side.multiplier)",
            BFDReport.text(UInt64(side.desiredMinTxMicroseconds)),
            BFDReport.text(UInt64(side.requiredMinRxMicroseconds)),
            BFDReport.text(UInt64(side.requiredMinEchoRxMicroseconds)), side.isDemanding ? "yes" : "no",
        ]
    }
}

/// `show bfd counters`.
struct BFDCounterReport: Report {
    struct Row: Encodable, Sendable {
        let peer: IPAddress
        let interface: String?
        let counters: BFDCounters
    }

    let sessions: [Row]

    var body: [TextBlock] {
        [
            .table(
                [
                    "Peer", "Interface", .right("Received"), .right("Sent"), .right("Dropped"), .right("Unsent"),
                    .right("Echoes received"), .right("Echoes sent"), .right("Echoes looped"),
                ],
                sessions.map { row in
                    let counters = row.counters
                    return [
                        "\(row.peer)", row.interface ?? "multihop", "\(counters.received)", "\(counters.sent)",
                        "\(counters.dropped)", "\(counters.unsent)", "\(counters.echoesReceived)",
                        "\(counters.echoesSent)", "\(counters.echoesLooped)",
                    ]
                })
        ]
    }

    static func facts(_ counters: BFDCounters) -> [TextBlock.Fact] {
        let all: [(String, UInt64)] = [
            ("packets received", counters.received), ("packets sent", counters.sent),
            ("packets dropped", counters.dropped), ("packets unsent: no buffer", counters.unsent),
            ("echoes received", counters.echoesReceived), ("echoes sent", counters.echoesSent),
            ("echoes looped", counters.echoesLooped),
        ]
        return all.filter { $0.1 > 0 }.map { .init($0.0, "\($0.1)") }
    }
}
