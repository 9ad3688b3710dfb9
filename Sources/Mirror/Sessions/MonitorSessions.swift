// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import Logging

/// The monitor sessions of a router: turns what was configured into rules for the workers.
///
/// The order in which sessions, sources and their interfaces come does not matter: what is not there yet is a status of the
/// session, and takes effect when it comes.
@ControlPlane
final class MonitorSessions {
    /// Session numbers are below this; a power of two.
    nonisolated static let capacity = 1 << 10

    let engine: Engine
    private(set) var book = MonitorBook()
    let tables: MirrorTables
    private let rules: RuleStore
    private let lists: CaptureStore
    /// What there is to know of the way to a destination beyond this router.
    var way: @ControlPlane (Interface) -> (any MirrorDestination)? = { _ in nil }
    private var isStarted = false
    private var numbers: [String: UInt16] = [:]
    private var slots: [SlotKey: UInt32] = [:]
    private var files: [String: OpenFile] = [:]
    /// Where the nodes are switched on.
    private var places: Set<RuleStore.Place> = []
    /// Interfaces whose changes are followed, with the members that they had.
    private var followed: [InterfaceIndex: [InterfaceIndex]] = [:]
    private var isDraining = false

    private struct SlotKey: Hashable {
        let session: String
        let interface: String
        let direction: CopyNote.Direction
    }

    private struct OpenFile {
        let number: UInt16
        let writer: CopyFileWriter
    }

    init(engine: Engine, subInterfaces: SubInterfaceFinder) {
        self.engine = engine
        rules = RuleStore(engine: engine)
        lists = CaptureStore(engine: engine)
        let workerCount = engine.workers.count
        tables = MirrorTables(
            rules: rules.table, subInterfaces: subInterfaces, counters: CopyCounters(workerCount: workerCount),
            files: CopyFiles(workerCount: workerCount), lists: lists.table)
    }

    // MARK: - Changing

    /// Adds to the book while the file is applied. What speaks against it was found before.
    func configure(_ body: (inout MonitorBook) -> Void) {
        body(&book)
        if isStarted { apply() }
    }

    /// Changes the book, unless something speaks against the outcome.
    func change(_ body: (inout MonitorBook) -> Void) throws(CommandError) {
        var changed = book
        body(&changed)
        if let problem = changed.problems().first { throw .failed(problem.problem, problem.remedy) }
        book = changed
        apply()
    }

    /// Adds a capture list, or puts it in the place of one of its name, also under traffic. False when there are too many.
    func setList(_ list: CaptureList) -> Bool {
        guard lists.set(list) else { return false }
        book.lists = lists.names
        return true
    }

    func start() {
        isStarted = true
        apply()
        for session in book.sessions {
            guard case .interface(let name) = session.destination, engine.interface(named: name) == nil else {
                continue
            }
            engine.log.warning("monitor session '\(session.name)': there is no interface '\(name)' to copy to")
        }
        for name in book.missing {
            engine.log.warning("there is no monitor session '\(name)', although an interface is a source of it")
        }
    }

    func stop() {
        for file in files.values { file.writer.close() }
        files = [:]
    }

    // MARK: - Counters

    /// What was copied of a source in a direction; nil if that is not watched.
    func counts(_ source: MonitorSource, _ direction: CopyNote.Direction) -> CopyCounts? {
        slots[SlotKey(session: source.session, interface: source.interface, direction: direction)]
            .map(tables.counters.counts)
    }

    /// Counts from here on, for one session or all.
    func clear(_ session: String?) {
        for (key, slot) in slots where session == nil || key.session == session { tables.counters.clear(slot) }
    }

    func number(of session: String) -> UInt16? { numbers[session] }

    /// What writes a session's file; nil if it has none.
    func writer(of session: String) -> CopyFileWriter? { files[session]?.writer }

    // MARK: - Rules

    /// Has the workers go by the book.
    private func apply() {
        numberSessions()
        openFiles()
        var plan = Plan()
        for source in book.sources { add(source, to: &plan) }
        rules.replace(plan.rules, taggedPorts: plan.taggedPorts)
        releaseSlots()
        switchNodes(plan.places)
    }

    private struct Plan {
        var rules: [RuleStore.Place: [CopyRule]] = [:]
        var taggedPorts: [InterfaceIndex: InterfaceIndex] = [:]
        var places: Set<RuleStore.Place> = []
        var count = 0
    }

    private func add(_ source: MonitorSource, to plan: inout Plan) {
        guard let session = book.session(named: source.session), let number = numbers[session.name],
            let interface = engine.interface(named: source.interface), let destination = session.destination
        else { return }
        var target: Interface?
        if case .interface(let name) = destination {
            guard name != source.interface, let found = engine.interface(named: name) else { return }
            target = found
        }
        let ports = ports(of: interface)
        for direction in source.direction.each {
            guard plan.count + ports.looked.count <= RuleStore.limit, let slot = slot(source, direction) else { return }
            let rule = CopyRule(
                source: interface.index, destination: target?.index ?? 0, slot: slot, session: number,
                trafficClass: session.trafficClass, options: options(source, target),
                list: source.acl.flatMap(lists.number) ?? 0,
                portion: UInt32(source.portion ?? Int(UInt32.max)), interval: UInt32(source.interval ?? 1),
                rate: TokenRate(perSecond: Double(source.rate ?? 1), burst: Int((source.rate ?? 1) / 100)))
            for port in ports.looked {
                plan.rules[RuleStore.Place(direction: direction, interface: port), default: []].append(rule)
                plan.count += 1
            }
            for port in ports.passed {
                plan.places.insert(RuleStore.Place(direction: direction, interface: port))
                if let parent = ports.tagged { plan.taggedPorts[port] = parent }
            }
        }
    }

    private func options(_ source: MonitorSource, _ destination: Interface?) -> CopyRule.Options {
        var options: CopyRule.Options = source.rate == nil ? [] : .hasRate
        guard let destination else { return options.union([.toFile, .anyLength]) }
        if destination.kind == MonitorSessions.tunnelKind { options.insert(.anyLength) }
        return options
    }

    /// Interfaces of this kind cut what is too long for their path themselves, and say so.
    private static let tunnelKind = "erspan"

    /// The ports whose nodes see an interface's frames, those whose rules are looked up for them, and the port by whose tags
    /// they are told apart.
    private func ports(of interface: Interface) -> (
        passed: [InterfaceIndex], looked: [InterfaceIndex], tagged: InterfaceIndex?
    ) {
        follow(interface)
        let parent = engine.interfaceTable[interface.index].parent
        if parent != interface.index, let port = engine.interfaces.first(where: { $0.index == parent }) {
            follow(port)
            return (members(of: port), [interface.index], parent)
        }
        let ports = members(of: interface)
        return (ports, ports, nil)
    }

    private func members(of interface: Interface) -> [InterfaceIndex] {
        interface.members.isEmpty ? [interface.index] : interface.members.map(\.index)
    }

    /// Has the rules follow when a bundle's members change.
    private func follow(_ interface: Interface) {
        let isNew = followed.updateValue(interface.members.map(\.index), forKey: interface.index) == nil
        guard isNew else { return }
        interface.onChange { [weak self] interface in
            guard let self, followed[interface.index] != interface.members.map(\.index) else { return }
            apply()
        }
    }

    private func switchNodes(_ wanted: Set<RuleStore.Place>) {
        for place in wanted.symmetricDifference(places) {
            let interface = engine.interfaces[Int(place.interface) - 1]
            let (node, arc) =
                place.direction == .rx
                ? (SpanInput.name, FeatureArc.deviceInput.name) : (SpanOutput.name, FeatureArc.interfaceOutput.name)
            do {
                try engine.setFeature(node, on: arc, interface: interface, wanted.contains(place))
            } catch {
                engine.log.error("\(interface.name) cannot be watched: \(error)")
            }
        }
        places = wanted
    }

    // MARK: - What belongs to sessions and sources

    private func numberSessions() {
        let names = Set(book.sessions.map(\.name))
        numbers = numbers.filter { names.contains($0.key) }
        for session in book.sessions where numbers[session.name] == nil {
            let taken = Set(numbers.values)
            numbers[session.name] = (1..<UInt16(MonitorSessions.capacity)).first { !taken.contains($0) }
        }
    }

    private func slot(_ source: MonitorSource, _ direction: CopyNote.Direction) -> UInt32? {
        let key = SlotKey(session: source.session, interface: source.interface, direction: direction)
        if let slot = slots[key] { return slot }
        slots[key] = tables.counters.take()
        return slots[key]
    }

    /// Gives back the slots of sources that are no more.
    private func releaseSlots() {
        let kept = Set(
            book.sources.flatMap { source in
                source.direction.each.map {
                    SlotKey(session: source.session, interface: source.interface, direction: $0)
                }
            })
        let released = slots.filter { !kept.contains($0.key) }
        guard !released.isEmpty else { return }
        for key in released.keys { slots[key] = nil }
        engine.retire { [counters = tables.counters] in for slot in released.values { counters.give(slot) } }
    }

    private func openFiles() {
        var wanted: [String: FileDestination] = [:]
        for session in book.sessions {
            if case .file(let file) = session.destination { wanted[session.name] = file }
        }
        // Closed before others are opened: those may get their numbers.
        for (name, file) in files where wanted[name] != file.writer.destination || numbers[name] != file.number {
            files[name] = nil
            tables.files.close(file.number)
            engine.retire { file.writer.close() }
        }
        for (name, destination) in wanted where files[name] == nil {
            guard let number = numbers[name] else { continue }
            let writer = CopyFileWriter(destination, session: name, rings: tables.files.open(number)) {
                [unowned engine] in
                let index = Int($0) - 1
                return engine.interfaces.indices.contains(index) ? engine.interfaces[index].name : "\($0)"
            }
            files[name] = OpenFile(number: number, writer: writer)
            judge(name)
        }
        if !files.isEmpty { drain() }
    }

    /// Of a file that is not written any more, says so; its copies are lost where they are made, and counted.
    private func judge(_ name: String) {
        guard let file = files[name], let problem = file.writer.problem else { return }
        tables.files.close(file.number)
        engine.log.error("monitor session '\(name)': \(problem)")
    }

    /// Looks into the rings, again and again as long as a session has a file.
    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        engine.timers.every(milliseconds: CopyFileWriter.interval) { [weak self] in
            guard let self else { return false }
            for (name, file) in files where file.writer.problem == nil {
                file.writer.drain()
                judge(name)
            }
            isDraining = !files.isEmpty
            return isDraining
        }
    }
}
