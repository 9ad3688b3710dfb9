// SPDX-License-Identifier: Apache-2.0
import Graph

// How sessions and sources are written in the file.
enum MonitorSettings {
    static let sectionKey = "monitor-sessions"
    static let attributeKey = "monitor-session"

    private static let sourceKeys: [Schema.Key] = [
        .key(
            "direction", .choice(of: MonitorSource.Direction.self),
            "What the interface receives (rx), what it sends (tx), or both; both if absent"),
        .key("first", .integer(MonitorSource.portions), "Bytes of each frame that are copied; all if absent"),
        .key("interval", .integer(MonitorSource.intervals), "One packet in so many is copied; 1, all, if absent"),
        .key(
            "rate", .rate(.packets),
            "Copies a second, in each direction; what is beyond is not copied and counted. No limit if absent"),
        .key(
            "acl", .text(.name),
            "The capture list that chooses the packets: only what an entry with `capture` permits is copied; all if absent"
        ),
    ]

    private static let interfaceName = Schema.text(.name)

    private static let source = Schema.either([
        interfaceName,
        .object([.required("interface", interfaceName, "The interface that is watched")] + sourceKeys),
    ])

    private static let destination = Schema.either([
        interfaceName,
        .object([
            .required(
                "file", .string, "A pcapng file, created or replaced; beside the configuration unless it has a /"),
            .key("limit", .size, "The longest that the file becomes; no limit if absent"),
            .key(
                "files", .integer(1...1000),
                "With more than 1, a file that is full is kept as FILE.1, an older one as FILE.2, so many in all; "
                    + "with 1, a full file is the end. 1 if absent"),
        ]),
    ])

    private static let session = Schema.object([
        .key("description", .string, "For people"),
        .key("destination", destination, "Where the copies go: an interface, or a file; nowhere yet if absent"),
        .key(
            "class", .choice(of: TrafficClass.self),
            "The packets that are copied: all (ethernet), or those whose EtherType behind the tags is IPv4's, IPv6's or "
                + "MPLS's; ethernet if absent"),
        .key(
            "allow-multi", .boolean, "Whether its sources may be sources of other sessions too; false if absent"),
        .key("sources", .list(of: source), "The interfaces that are watched; they can name the session as well"),
    ])

    static let sessions = Schema.map(
        of: session, names: .name, doc: "Monitor sessions (SPAN): copies of packets, by the session's name")

    private static let reference = Schema.either([
        .text(.name),
        .object([.required("session", .text(.name), "The monitor session")] + sourceKeys),
    ])

    static let attribute = Schema.Key.key(
        attributeKey,
        .either([
            .text(.name),
            .object([.required("session", .text(.name), "The monitor session")] + sourceKeys),
            .list(of: reference),
        ]), "Monitor sessions that this interface is a source of; the same as being among a session's `sources`")

    static let limits = Schema.object(
        [
            .key(
                "session-limit", .integer(1...MonitorSessions.capacity - 1),
                "The most monitor sessions that there may be; \(MonitorBook.standardLimit) if absent")
        ], doc: "Limits of mirroring")

    // MARK: - Reading

    /// The section's sessions and their sources, each with where it stands.
    static func read(
        _ section: Setting
    ) throws(ConfigurationErrors) -> (sessions: [(MonitorSession, Setting)], sources: [(MonitorSource, Setting)]) {
        try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
            var sessions: [(MonitorSession, Setting)] = []
            var sources: [(MonitorSource, Setting)] = []
            for entry in try section.map {
                let session = errors.collect { () throws(ConfigurationError) in
                    try MonitorSettings.session(entry.key, entry.value)
                }
                if let session { sessions.append((session, entry.value)) }
                for element in (try? entry.value["sources"]?.list) ?? [] {
                    let source = errors.collect { () throws(ConfigurationError) in
                        let name = try (element["interface"] ?? element).string
                        return try MonitorSettings.source(of: entry.key, interface: name, element)
                    }
                    if let source { sources.append((source, element)) }
                }
            }
            return (sessions, sources)
        }
    }

    /// The sources that an interface's own entry declares.
    static func readAttribute(
        _ setting: Setting, of interface: String
    ) throws(ConfigurationErrors) -> [(MonitorSource, Setting)] {
        try ConfigurationErrors.collecting { errors throws(ConfigurationError) in
            var references = [setting]
            if case .list(let elements) = setting.value { references = elements }
            return references.compactMap { element in
                errors.collect { () throws(ConfigurationError) in
                    let name = try (element["session"] ?? element).string
                    return (try MonitorSettings.source(of: name, interface: interface, element), element)
                }
            }
        }
    }

    private static func session(_ name: String, _ setting: Setting) throws(ConfigurationError) -> MonitorSession {
        var session = MonitorSession(name: name)
        session.description = try setting["description"]?.string
        session.trafficClass = try setting["class"]?.choice(of: TrafficClass.self) ?? .ethernet
        session.allowsMulti = try setting["allow-multi"]?.boolean ?? false
        if let destination = setting["destination"] {
            if let file = destination["file"] {
                session.destination = .file(try MonitorSettings.file(file, destination))
            } else {
                session.destination = .interface(try destination.string)
            }
        }
        return session
    }

    private static func file(_ file: Setting, _ setting: Setting) throws(ConfigurationError) -> FileDestination {
        var destination = FileDestination(path: try file.filePath)
        destination.limit = try setting["limit"]?.size(in: FileDestination.smallestLimit...Int.max)
        destination.files = try setting["files"]?.integer(in: 1...1000) ?? 1
        if destination.files > 1, destination.limit == nil, let files = setting["files"] {
            throw files.error("files without a limit are never full", "say `limit:`, or remove `files:`")
        }
        return destination
    }

    private static func source(
        of session: String, interface: String, _ setting: Setting
    ) throws(ConfigurationError) -> MonitorSource {
        var source = MonitorSource(session: session, interface: interface)
        source.direction = try setting["direction"]?.choice(of: MonitorSource.Direction.self) ?? .both
        source.portion = try setting["first"]?.integer(in: MonitorSource.portions)
        source.interval = try setting["interval"]?.integer(in: MonitorSource.intervals)
        source.acl = try setting["acl"]?.string
        source.rate = try setting["rate"]?.rate(.packets)
        if source.rate == 0, let rate = setting["rate"] {
            throw rate.error("no copies at all", "give 1 or more, or remove the source")
        }
        return source
    }
}
