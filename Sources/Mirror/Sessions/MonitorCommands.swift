// SPDX-License-Identifier: Apache-2.0
import Graph

/// What the operator can ask of monitor sessions, and change.
@ControlPlane
struct MonitorCommands {
    private let sessions: MonitorSessions

    init(_ sessions: MonitorSessions) { self.sessions = sessions }

    var all: [Command] { [show, clear, add, delete, addSource, deleteSource] }

    // MARK: - show, clear

    private var show: Command {
        Command(
            ["show", "monitor-session"], "Monitor sessions: what is copied, and whether it arrives",
            [
                .rest(
                    "what", "A session's name, all if absent; then status, status detail, status error, or counters",
                    completing: { [sessions] in
                        MonitorSession.reservedNames + sessions.book.sessions.map(\.name) + sessions.book.missing
                    })
            ]
        ) { [sessions] arguments in
            var words = arguments.rest[...]
            var name: String?
            if let first = words.first, !MonitorSession.reservedNames.contains(first) {
                name = first
                words = words.dropFirst()
            }
            if let name { try MonitorCommands.check(name, sessions) }
            let view: MonitorReport.View =
                switch Array(words) {
                case [], ["status"]: .status
                case ["status", "detail"], ["detail"]: .detail
                case ["status", "error"], ["error"]: .error
                case ["counters"]: .counters
                default:
                    throw CommandError.usage(
                        "'\(words.joined(separator: " "))' is not a view of monitor sessions",
                        "give status, status detail, status error or counters")
                }
            return sessions.report(view, only: name)
        }
    }

    private var clear: Command {
        Command(
            ["clear", "monitor-session"], "Sets the counters of monitor sessions to 0",
            [.argument("name", "Only this one", completing: names)]
        ) { [sessions] arguments in
            if let name = arguments["name"] { try MonitorCommands.check(name, sessions) }
            sessions.clear(arguments["name"])
            return Notice("counters of monitor sessions cleared")
        }
    }

    private static func check(_ name: String, _ sessions: MonitorSessions) throws(CommandError) {
        let known = sessions.book.sessions.map(\.name) + sessions.book.missing
        guard known.contains(name) else {
            throw .notFound("there is no monitor session '\(name)'", Spelling.hint(for: name, among: known))
        }
    }

    // MARK: - Changing

    private var add: Command {
        Command(
            ["monitor-session", "add"], "Adds a monitor session, or changes one",
            [
                .argument("name", "The session's", required: true, completing: names),
                .option("destination", "The interface that copies leave by", completing: interfaces),
                .option("class", "ethernet, ipv4, ipv6 or mpls", completing: { TrafficClass.allCases.map(\.rawValue) }),
                .option("description", "For people"),
                .flag("allow-multi", "Its sources may be sources of other sessions too"),
            ]
        ) { [sessions] arguments in
            let name = try arguments.required("name")
            guard Schema.Format.name.accepts(name) else {
                throw CommandError.usage("'\(name)' is not \(Schema.Format.name.name)")
            }
            var session = sessions.book.session(named: name) ?? MonitorSession(name: name)
            if let destination = arguments["destination"] {
                _ = try MonitorCommands.interface(destination, sessions)
                session.destination = .interface(destination)
            }
            if let trafficClass = try arguments.choice("class", of: TrafficClass.self) {
                session.trafficClass = trafficClass
            }
            if let description = arguments["description"] { session.description = description }
            if arguments.has(flag: "allow-multi") { session.allowsMulti = true }
            try sessions.change { book in
                if let place = book.sessions.firstIndex(where: { $0.name == name }) {
                    book.sessions[place] = session
                } else {
                    book.sessions.append(session)
                }
            }
            return Notice("")
        }
    }

    private var delete: Command {
        Command(
            ["monitor-session", "del"], "Removes a monitor session with its sources",
            [.argument("name", "The session's", required: true, completing: names)]
        ) { [sessions] arguments in
            let name = try arguments.required("name")
            try MonitorCommands.check(name, sessions)
            try sessions.change { book in
                book.sessions.removeAll { $0.name == name }
                book.sources.removeAll { $0.session == name }
            }
            return Notice("")
        }
    }

    private var addSource: Command {
        Command(
            ["monitor-source", "add"], "Has a monitor session watch an interface, or watch it otherwise",
            [
                .argument("session", "Its name", required: true, completing: names),
                .argument("interface", "The source", required: true, completing: interfaces),
                .option(
                    "direction", "rx, tx or both; both if absent",
                    completing: { MonitorSource.Direction.allCases.map(\.rawValue) }),
                .option("first", "Bytes of each frame that are copied; all if absent"),
                .option("interval", "One packet in so many; all if absent"),
                .option("rate", "Copies a second in each direction, as 10kpps; no limit if absent"),
                .option(
                    "acl", "The capture list that chooses the packets; all if absent",
                    completing: { [sessions] in sessions.book.lists }),
            ]
        ) { [sessions] arguments in
            let session = try arguments.required("session")
            let interface = try MonitorCommands.interface(try arguments.required("interface"), sessions).name
            var source = MonitorSource(session: session, interface: interface)
            source.direction = try arguments.choice("direction", of: MonitorSource.Direction.self) ?? .both
            source.portion = try arguments.integer("first", in: MonitorSource.portions)
            source.interval = try arguments.integer("interval", in: MonitorSource.intervals)
            source.rate = try arguments.value("rate", "a rate in packets", example: "10kpps") {
                Quantity.rate($0, .packets).flatMap { $0 == 0 ? nil : $0 }
            }
            source.acl = arguments["acl"]
            try sessions.change { [source] book in
                let place = book.sources.firstIndex { $0.session == session && $0.interface == interface }
                if let place { book.sources[place] = source } else { book.sources.append(source) }
            }
            return Notice("")
        }
    }

    private var deleteSource: Command {
        Command(
            ["monitor-source", "del"], "Has a monitor session no longer watch an interface",
            [
                .argument("session", "Its name", required: true, completing: names),
                .argument("interface", "The source", required: true, completing: interfaces),
            ]
        ) { [sessions] arguments in
            let session = try arguments.required("session")
            let interface = try arguments.required("interface")
            guard sessions.book.sources.contains(where: { $0.session == session && $0.interface == interface }) else {
                throw CommandError.notFound(
                    "\(interface) is no source of '\(session)'", "show monitor-session status lists them")
            }
            try sessions.change { book in
                book.sources.removeAll { $0.session == session && $0.interface == interface }
            }
            return Notice("")
        }
    }

    private var names: Command.Completion { { [sessions] in sessions.book.sessions.map(\.name) } }

    private var interfaces: Command.Completion { { [sessions] in sessions.engine.interfaces.map(\.name) } }

    private static func interface(_ name: String, _ sessions: MonitorSessions) throws(CommandError) -> Interface {
        if let interface = sessions.engine.interface(named: name) { return interface }
        throw .notFound(
            "there is no interface '\(name)'", Spelling.hint(for: name, among: sessions.engine.interfaces.map(\.name)))
    }
}
