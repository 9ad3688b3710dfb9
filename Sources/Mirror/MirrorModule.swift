// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph

/// Traffic mirroring: copies of what interfaces receive and send, in monitor sessions.
@ControlPlane
public final class MirrorModule: Module {
    public nonisolated static let name = "mirror"

    private(set) var sessions: MonitorSessions!
    /// What the file's section declares, with where it stands.
    private var declared: (sessions: [(MonitorSession, Setting)], sources: [(MonitorSource, Setting)]) = ([], [])
    private var limit: Int?
    private var lists: [CaptureList] = []

    public init() {}

    public func register(in registry: Registry) {
        guard let ethernet = registry.module(EthernetModule.self) else {
            preconditionFailure("mirroring comes after the module \(EthernetModule.name)")
        }
        let sessions = MonitorSessions(engine: registry.engine, subInterfaces: ethernet.subInterfaces)
        self.sessions = sessions
        let tables = sessions.tables
        registry.add(NodeDescriptor(SpanInput.self) { SpanInput($0, tables) })
        registry.add(NodeDescriptor(SpanOutput.self) { SpanOutput($0, tables) })
        // As received: before anything takes a packet elsewhere. As sent: behind whatever changes it.
        registry.add(
            Feature(
                SpanInput.name, on: FeatureArc.deviceInput.name, runsBefore: [WorkerHandoff.name, "bundle-input"]))
        registry.add(Feature(SpanOutput.name, on: FeatureArc.interfaceOutput.name))
        registry.add(limitsSection)
        registry.add(listsSection)
        registry.add(sessionsSection)
        registry.add(sourceAttribute)
        for command in MonitorCommands(sessions).all { registry.add(command) }
    }

    public func start() throws { sessions.start() }

    public func stop() { sessions.stop() }

    // MARK: - Configuration

    private var limitsSection: Section {
        Section("mirroring", MonitorSettings.limits) { [unowned self] setting throws(ConfigurationErrors) in
            limit = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                try setting["session-limit"]?.integer(in: 1...MonitorSessions.capacity - 1)
            }
            return { [unowned self] in
                if let limit { sessions.configure { $0.limit = limit } }
            }
        }
    }

    private var listsSection: Section {
        Section(CaptureSettings.sectionKey, CaptureSettings.schema) {
            [unowned self] setting throws(ConfigurationErrors) in
            let read = try CaptureSettings.read(setting)
            lists = read
            return { [unowned self] in
                for list in read where !sessions.setList(list) {
                    throw setting.error("more than \(CaptureTable.capacity - 1) capture lists", "have fewer")
                }
            }
        }
    }

    private var sessionsSection: Section {
        Section(MonitorSettings.sectionKey, MonitorSettings.sessions) {
            [unowned self] setting throws(ConfigurationErrors) in
            let read = try MonitorSettings.read(setting)
            declared = read
            return { [unowned self] in
                sessions.configure { book in
                    book.sessions += read.sessions.map(\.0)
                    book.sources += read.sources.map(\.0)
                }
            }
        }
    }

    /// `interfaces.NAME.monitor-session`
    private var sourceAttribute: InterfaceAttribute {
        InterfaceAttribute(MonitorSettings.attribute) { [unowned self] setting throws(ConfigurationErrors) in
            _ = try MonitorSettings.readAttribute(setting, of: "")
            return { [unowned self] interface in
                let sources = try MonitorSettings.readAttribute(setting, of: interface.name)
                sessions.configure { $0.sources += sources.map(\.0) }
            }
        }
    }

    /// What does not go together, wherever in the file it stands.
    public func objections(to file: Setting) -> [ConfigurationError] {
        var errors: [ConfigurationError] = []
        let interfaces = (try? file["interfaces"]?.map) ?? []
        var sources: [(MonitorSource, Setting)] = []
        for entry in interfaces {
            guard let setting = entry.value[MonitorSettings.attributeKey] else { continue }
            sources += (try? MonitorSettings.readAttribute(setting, of: entry.key)) ?? []
        }
        for (source, setting) in declared.sources where !interfaces.contains(where: { $0.key == source.interface }) {
            errors.append(
                setting.error(
                    "there is no interface '\(source.interface)'",
                    Spelling.hint(for: source.interface, among: interfaces.map(\.key))))
        }
        sources += declared.sources
        var book = MonitorBook()
        book.limit = limit ?? book.limit
        book.lists = lists.map(\.name)
        book.sessions = declared.sessions.map(\.0)
        book.sources = sources.map(\.0)
        for problem in book.problems() {
            let place =
                switch problem.place {
                case .session(let number): declared.sessions[number].1
                case .source(let number): sources[number].1
                }
            errors.append(place.error(problem.problem, problem.remedy))
        }
        return errors
    }
}
