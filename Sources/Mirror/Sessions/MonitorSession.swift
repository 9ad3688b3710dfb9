// SPDX-License-Identifier: Apache-2.0
import Graph

/// A monitor session as it was configured: one destination, and which packets of its sources go there.
struct MonitorSession: Sendable, Equatable {
    enum Destination: Sendable, Equatable {
        /// By name; it need not be there.
        case interface(String)
        case file(FileDestination)
    }

    /// Words of the commands, which no session can be called.
    static let reservedNames = ["status", "detail", "error", "counters"]

    let name: String
    var description: String?
    var destination: Destination?
    var trafficClass: TrafficClass = .ethernet
    /// Its sources may be sources of other sessions too.
    var allowsMulti = false
}

/// An interface that a session watches, as it was configured.
struct MonitorSource: Sendable, Equatable {
    /// From where the router stands: what it receives, what it sends.
    enum Direction: String, CaseIterable, Sendable {
        case rx, tx, both

        var each: [CopyNote.Direction] {
            switch self {
            case .rx: [.rx]
            case .tx: [.tx]
            case .both: [.rx, .tx]
            }
        }
    }

    /// The shortest beginning of a frame that is a frame itself.
    static let portions = 14...16_384
    static let intervals = 1...1_000_000

    /// The session's name; it need not be there.
    let session: String
    let interface: String
    var direction: Direction = .both
    /// Bytes of each frame; nil for all.
    var portion: Int?
    /// One packet in so many; nil for all.
    var interval: Int?
    /// Copies a second, in each direction; nil for no limit.
    var rate: UInt64?
    /// The capture list that chooses the packets; nil for all.
    var acl: String?
}

/// All sessions and sources, in the order in which they were configured, and what must hold among them.
struct MonitorBook: Sendable {
    static let standardLimit = 64

    /// Names of the capture lists.
    var lists: [String] = []

    /// The most sessions that there may be.
    var limit = MonitorBook.standardLimit
    var sessions: [MonitorSession] = []
    var sources: [MonitorSource] = []

    /// What cannot be.
    struct Problem: Sendable, Equatable {
        enum Place: Sendable, Equatable {
            /// By position in the book.
            case session(Int)
            case source(Int)
        }

        let place: Place
        let problem: String
        let remedy: String
    }

    func session(named name: String) -> MonitorSession? { sessions.first { $0.name == name } }

    func sources(of session: String) -> [MonitorSource] { sources.filter { $0.session == session } }

    /// Names of sessions that sources ask for and that are not there.
    var missing: [String] {
        var names: [String] = []
        for source in sources where session(named: source.session) == nil && !names.contains(source.session) {
            names.append(source.session)
        }
        return names
    }

    /// Everything that speaks against the book as it is.
    func problems() -> [Problem] {
        sessions.indices.flatMap(problems(ofSession:)) + sources.indices.flatMap(problems(ofSource:))
    }

    private func problems(ofSession number: Int) -> [Problem] {
        let session = sessions[number]
        let earlier = sessions[..<number]
        func problem(_ problem: String, _ remedy: String) -> Problem {
            Problem(place: .session(number), problem: problem, remedy: remedy)
        }
        var found: [Problem] = []
        if MonitorSession.reservedNames.contains(session.name) {
            found.append(problem("'\(session.name)' is a word of the commands", "choose another name"))
        }
        if earlier.contains(where: { $0.name == session.name }) {
            found.append(problem("there is a session '\(session.name)' already", "choose another name"))
        }
        if number >= limit {
            found.append(
                problem("there are more than \(limit) sessions", "have fewer, or raise `mirroring: session-limit`"))
        }
        guard let destination = session.destination else { return found }
        if let other = earlier.first(where: { $0.destination?.isSame(as: destination) == true }) {
            found.append(
                problem(
                    "session '\(other.name)' has the destination \(destination.name) already",
                    "have one session with the sources of both, or give each a destination of its own"))
        }
        return found
    }

    private func problems(ofSource number: Int) -> [Problem] {
        let source = sources[number]
        func problem(_ problem: String, _ remedy: String) -> Problem {
            Problem(place: .source(number), problem: problem, remedy: remedy)
        }
        var found: [Problem] = []
        for other in sources[..<number] where other.interface == source.interface {
            if other.session == source.session {
                found.append(
                    problem("\(source.interface) is a source of '\(source.session)' already", "name it once"))
            } else if session(named: source.session)?.allowsMulti != true,
                session(named: other.session)?.allowsMulti != true
            {
                found.append(
                    problem(
                        "\(source.interface) is a source of session '\(other.session)' already",
                        "say `allow-multi: true` in one of the two sessions, or remove it from one"))
            }
        }
        if let list = source.acl, !lists.contains(list) {
            found.append(problem("there is no capture list '\(list)'", Spelling.hint(for: list, among: lists)))
        }
        if let other = sessions.first(where: {
            $0.destination == .interface(source.interface) && $0.name != source.session
        }) {
            found.append(
                problem(
                    "\(source.interface) is the destination of session '\(other.name)'",
                    "a destination is no source: choose another interface for one of them"))
        }
        return found
    }
}

extension MonitorSession.Destination {
    /// The interface's name, or the file's path.
    var name: String {
        switch self {
        case .interface(let name): name
        case .file(let file): "'\(file.path)'"
        }
    }

    fileprivate func isSame(as other: MonitorSession.Destination) -> Bool {
        switch (self, other) {
        case (.interface(let a), .interface(let b)): a == b
        case (.file(let a), .file(let b)): a.path == b.path
        default: false
        }
    }
}
