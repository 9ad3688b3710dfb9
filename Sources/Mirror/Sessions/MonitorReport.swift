// SPDX-License-Identifier: Apache-2.0
import Graph

/// The answer to `show monitor-session`: the same in JSON whatever was asked for, in text one of four views.
struct MonitorReport: Report {
    enum View: Sendable {
        case status, detail, error, counters
    }

    struct Session: Encodable, Sendable {
        let name: String
        /// As copies carry it; nil for a session that only sources name.
        let number: UInt16?
        let trafficClass: String?
        let description: String?
        let destinationInterface: String?
        let destinationFile: String?
        /// As the status views have it.
        let status: String
        let statusDetail: String
        let isGood: Bool
        let sources: [Source]
    }

    struct Source: Encodable, Sendable {
        let interface: String
        let direction: String
        /// Whether it is a port and not a sub-interface.
        let isPort: Bool
        let isOperational: Bool
        let status: String
        let statusDetail: String
        /// Bytes of each frame; nil for all.
        let firstBytes: Int?
        let interval: Int
        let ratePacketsPerSecond: UInt64?
        /// The capture list that chooses the packets; nil for all.
        let acl: String?
        /// Copies of received packets; nil if those are not watched.
        let rx: Counts?
        let tx: Counts?
    }

    struct Counts: Encodable, Sendable {
        let packets: UInt64
        let bytes: UInt64
        /// Packets that were wanted and not copied, by reason.
        let lost: [String: UInt64]
    }

    let sessions: [Session]
    let view: View

    enum CodingKeys: CodingKey {
        case sessions
    }

    var body: [TextBlock] {
        if view == .counters { return [countersTable] }
        let shown =
            view == .error ? sessions.filter { !$0.isGood || $0.sources.contains { !$0.isOperational } } : sessions
        if shown.isEmpty { return [.line(view == .error ? "there are no errors" : "there are no monitor sessions")] }
        return shown.map { .lines(view == .detail ? detail($0) : status($0)) }
    }

    // MARK: - Status

    private func status(_ session: Session) -> [String] {
        let sources = view == .error ? session.sources.filter { !$0.isOperational } : session.sources
        let names = sources.map { $0.isPort ? "\($0.interface) (port)" : $0.interface }
        let width = max(16, names.map(\.count).max() ?? 0)
        func line(_ name: String, _ direction: String, _ status: String) -> String {
            name.padded(to: width) + "  " + direction.padded(to: 4) + "  " + status
        }
        var lines = [MonitorReport.title(session), session.status, String(repeating: "=", count: 80)]
        lines.append(line("Source Interface", "Dir", "Status"))
        lines.append(line(String(repeating: "-", count: width), "----", String(repeating: "-", count: 80 - width - 8)))
        for (source, name) in zip(sources, names) {
            lines.append(line(name, source.direction.capitalized, view == .error ? source.statusDetail : source.status))
        }
        return lines + [""]
    }

    private static func title(_ session: Session) -> String {
        let trafficClass = session.trafficClass ?? TrafficClass.ethernet.rawValue
        let suffix = trafficClass == TrafficClass.ethernet.rawValue ? "" : " (\(trafficClass))"
        return "Monitor-session \(session.name)\(suffix)"
    }

    private func detail(_ session: Session) -> [String] {
        var lines = [MonitorReport.title(session)]
        if let description = session.description { lines.append("  Description: \(description)") }
        lines += ["  \(session.statusDetail)", "  Source Interfaces", "  -----------------"]
        for source in session.sources {
            lines += [
                "  \(source.interface)",
                "    Direction: \(source.direction == "both" ? "Both" : "\(source.direction.capitalized)-only")",
                "    Port level: \(source.isPort ? "True" : "False")",
                "    ACL match: \(source.acl.map { "Enabled (\($0))" } ?? "Disabled")",
                "    Portion: \(source.firstBytes.map { "First \($0) bytes" } ?? "Full packet")",
                "    Interval: \(source.interval == 1 ? "Mirror all packets" : "Mirror 1 in \(source.interval) packets")",
                "    Rate: \(source.ratePacketsPerSecond.map { "At most \($0) packets per second" } ?? "Not limited")",
                "    Status: \(source.statusDetail)",
            ]
        }
        return lines + [""]
    }

    // MARK: - Counters

    private var countersTable: TextBlock {
        var rows: [[String]] = []
        for session in sessions {
            for source in session.sources {
                for (direction, counts) in [("Rx", source.rx), ("Tx", source.tx)] {
                    guard let counts else { continue }
                    rows.append(
                        [session.name, source.interface, direction, "\(counts.packets)", "\(counts.bytes)"]
                            + CopyLoss.allCases.map { "\(counts.lost[$0.name] ?? 0)" })
                }
            }
        }
        return .table(
            [
                "Session", "Source", "Dir", .right("Packets"), .right("Bytes"), .right("No buffer"),
                .right("Rate exceeded"),
                .right("Destination down"), .right("Too long"), .right("Not written"),
            ], rows)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}

extension MonitorSessions {
    /// - Parameter only: One session, which is there or named by a source; nil for all.
    func report(_ view: MonitorReport.View, only: String?) -> MonitorReport {
        let names = (book.sessions.map(\.name) + book.missing).filter { only == nil || $0 == only }
        return MonitorReport(sessions: names.map(report), view: view)
    }

    private func report(_ name: String) -> MonitorReport.Session {
        let session = book.session(named: name)
        let status = status(ofSession: name)
        var (interface, file): (String?, String?)
        switch session?.destination {
        case .interface(let name): interface = name
        case .file(let destination): file = destination.path
        case nil: break
        }
        return MonitorReport.Session(
            name: name, number: number(of: name), trafficClass: session?.trafficClass.rawValue,
            description: session?.description, destinationInterface: interface, destinationFile: file,
            status: status.text, statusDetail: status.detail, isGood: status.isGood,
            sources: book.sources(of: name).map(report))
    }

    private func report(_ source: MonitorSource) -> MonitorReport.Source {
        let status = status(of: source)
        let interface = engine.interface(named: source.interface)
        return MonitorReport.Source(
            interface: source.interface, direction: source.direction.rawValue,
            isPort: interface.map { engine.interfaceTable[$0.index].parent == $0.index } ?? true,
            isOperational: status == .operational, status: status.text, statusDetail: status.detail,
            firstBytes: source.portion, interval: source.interval ?? 1, ratePacketsPerSecond: source.rate,
            acl: source.acl,
            rx: counts(source, .rx).map(MonitorReport.Counts.init),
            tx: counts(source, .tx).map(MonitorReport.Counts.init))
    }
}

extension MonitorReport.Counts {
    init(_ counts: CopyCounts) {
        packets = counts.packets
        bytes = counts.bytes
        lost = Dictionary(
            uniqueKeysWithValues: CopyLoss.allCases.map { ($0.name, counts.losses[Int($0.rawValue)]) })
    }
}
