// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// What the log is to say of switches: of many next hops at once, one line.
struct SwitchNotices {
    enum Kind: Hashable {
        case onBackup, withoutBackup, back
    }

    struct Subject: Hashable {
        let kind: Kind
        let interface: String
        let reason: SwitchReason
    }

    /// More than these next hops of one link are not named one by one.
    static let limit = 8

    private var waiting: [Subject: [(nextHop: IPAddress, detail: String)]] = [:]

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ kind: Kind, _ event: ProtectionSwitch, _ detail: String) {
        let subject = Subject(kind: kind, interface: event.interface, reason: event.reason)
        waiting[subject, default: []].append((event.nextHop, detail))
    }

    /// The lines to write; nothing waits then.
    mutating func take() -> [(level: Logger.Level, text: String)] {
        defer { waiting = [:] }
        return waiting.flatMap { subject, entries in
            let level = subject.kind == .withoutBackup ? Logger.Level.error : .notice
            if entries.count <= SwitchNotices.limit {
                return entries.map { (level, "\($0.nextHop) on \(subject.interface): \($0.detail)") }
            }
            let names = entries.prefix(3).map { "\($0.nextHop)" }.joined(separator: ", ")
            let whose = "\(entries.count) next hops (\(names), ...)"
            let text =
                switch subject.kind {
                case .onBackup: "\(subject.reason.rawValue); the traffic of \(whose) takes their backups"
                case .withoutBackup: "\(subject.reason.rawValue), and the backups of \(whose) cannot be used"
                case .back: "the traffic of \(whose) is back"
                }
            return [(level, "\(subject.interface): \(text)")]
        }
    }
}

extension FastReroute {
    /// Has it logged when the control side has done what is more urgent.
    func note(_ kind: SwitchNotices.Kind, _ event: ProtectionSwitch, _ detail: String) {
        if notices.isEmpty { engine.timers.after(milliseconds: 0) { [weak self] in self?.logNotices() } }
        notices.add(kind, event, detail)
    }

    private func logNotices() {
        for (level, text) in notices.take() { engine.log.log(level: level, "fast reroute: \(text)") }
    }
}
