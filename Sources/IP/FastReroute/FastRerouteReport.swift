// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Wire

/// `show frr`: protected next hops and where their traffic goes.
struct FastRerouteReport: Report {
    enum State: String, Encodable, Sendable {
        case primary
        case backup
        /// On the backup, the failure is over, the wait-to-restore time runs.
        case waiting = "wait-to-restore"
        /// On the backup, the failure is over; goes back by hand.
        case held
        /// The next hop is down, and so is the backup, if there is one.
        case down
    }

    enum BackupState: String, Encodable, Sendable {
        case ready, unresolved, down, none
    }

    struct Row: Encodable, Sendable {
        let nextHop: IPAddress
        let interface: String
        let state: State
        /// Why traffic is not on the primary.
        let reason: SwitchReason?
        /// Whom the backup is for: "next-hop", "link" (every next hop on the interface) or "path".
        let scope: String
        /// Paths by this next hop that have backups of their own.
        let paths: Int
        let backup: String?
        let backupState: BackupState
        let note: String?
        let restoresInSeconds: Double?
        /// Failures that followed each other too closely; each makes the wait longer.
        let failuresInRow: Int
        /// The wait after a failure now; nil: until an operator asks.
        let waitMilliseconds: Int?
        let switches: Int
        let flaps: Int
    }

    struct Unprotected: Encodable, Sendable {
        let nextHop: IPAddress
        let interface: String
        let isDown: Bool
        let reason: String
    }

    let nextHops: [Row]
    let unprotected: [Unprotected]

    var body: [TextBlock] {
        let rows = nextHops.map { row in
            let state = row.reason.map { "\(row.state.rawValue) (\($0.rawValue))" } ?? row.state.rawValue
            return [
                "\(row.nextHop)", row.interface, state, row.backup ?? "", row.backupState.rawValue, row.scope,
                row.waitMilliseconds.map { Quantity.text(.milliseconds($0)) } ?? "never",
                row.restoresInSeconds.map { "\($0.fixed(1))s" } ?? "", "\(row.switches)", "\(row.flaps)",
            ]
        }
        var blocks: [TextBlock] = [
            .table(
                [
                    "Next hop", "Interface", "State", "Backup", "Backup is", "For", .right("Wait"), .right("Back in"),
                    .right("Switches"), .right("Flaps"),
                ], rows)
        ]
        let notes = nextHops.compactMap { row in row.note.map { "\(row.nextHop) on \(row.interface): \($0)" } }
        if !notes.isEmpty { blocks.append(.lines(notes)) }
        if !unprotected.isEmpty {
            blocks.append(.heading("Unprotected"))
            blocks.append(
                .table(
                    ["Next hop", "Interface", "State", "Why"],
                    unprotected.map { ["\($0.nextHop)", $0.interface, $0.isDown ? "down" : "up", $0.reason] }))
        }
        return blocks
    }
}

/// `show frr history`: what was switched, when, and how long it took.
struct SwitchReport: Report {
    struct Row: Encodable, Sendable {
        let number: Int
        let nextHop: IPAddress
        let interface: String
        let reason: SwitchReason
        let backup: String?
        /// When the failure was seen, ISO 8601, UTC.
        let detected: String
        /// From then until workers could see the switch.
        let switchedMicroseconds: Double
        /// From then until the first packet took the backup; nil while none has.
        let firstPacketMicroseconds: Double?
        /// From then until traffic went back; nil while it has not.
        let restoredSeconds: Double?
        /// Failures while it was waited for the next hop.
        let flaps: Int

        init(_ event: ProtectionSwitch) {
            number = event.number
            nextHop = event.nextHop
            interface = event.interface
            reason = event.reason
            backup = event.backup
            detected = Row.text(event.time)
            func microseconds(_ clock: UInt64) -> Double {
                ProtectionSwitch.seconds(from: event.detected, to: clock) * 1e6
            }
            switchedMicroseconds = microseconds(event.switched)
            firstPacketMicroseconds = event.firstPacket.map(microseconds)
            restoredSeconds = event.restored.map { microseconds($0) / 1e6 }
            flaps = event.flaps
        }

        private static func text(_ nanoseconds: Int64) -> String {
            var style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            style.timeZone = .gmt
            return Date(timeIntervalSince1970: Double(nanoseconds) / 1e9).formatted(style)
        }
    }

    let switches: [Row]

    var body: [TextBlock] {
        [
            .table(
                [
                    .right("No"), "Detected", "Next hop", "Interface", "Reason", "Backup", .right("Switched"),
                    .right("First packet"), .right("Back after"), .right("Flaps"),
                ],
                switches.map { row in
                    [
                        "\(row.number)", row.detected, "\(row.nextHop)", row.interface, row.reason.rawValue,
                        row.backup ?? "none", "\(row.switchedMicroseconds.fixed(1))us",
                        row.firstPacketMicroseconds.map { "\($0.fixed(1))us" } ?? "none yet",
                        row.restoredSeconds.map { "\($0.fixed(1))s" } ?? "", "\(row.flaps)",
                    ]
                })
        ]
    }
}
