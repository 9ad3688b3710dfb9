// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import IP
import Interfaces
import Logging
import Mirror

/// A configuration file brought to life: modules and plugins registered, the graph built, interfaces created, workers running.
///
/// Everything that can be wrong with the file is found before anything is touched: a bad file never half-applies.
@ControlPlane
public final class Router {
    public let engine: Engine
    public let registry: Registry
    private let file: Setting
    private let plugins: [PluginStatus]
    private let log = Logger(label: "martlet")
    private var stopped: CheckedContinuation<Void, Never>?
    private var isStopped = false

    /// Reads and checks the file; opens no device.
    /// - Throws: Every error in the file, each with its place.
    public convenience init(file path: String, options: RunOptions = RunOptions()) throws(ConfigurationErrors) {
        try self.init(Router.read(path), options: options)
    }

    /// - Parameters:
    ///   - setting: The whole file as a tree.
    ///   - modules: Features that this program brings itself, beside the library's: a test's ports, for instance.
    public init(
        _ setting: Setting, modules: [any Module.Type] = [], options: RunOptions = RunOptions()
    ) throws(ConfigurationErrors) {
        file = setting
        // The engine's own sections come first: their schema holds before any module has said what it knows.
        var errors = ConfigurationErrors()
        for key in RouterSettings.keys {
            if let section = setting[key.name] { errors.append(contentsOf: key.schema.validate(section)) }
        }
        try errors.throwIfAny()
        do {
            engine = try Engine(RouterSettings(setting, options: options).engine, log: log)
        } catch let error as ConfigurationError {
            throw ConfigurationErrors([error])
        } catch {
            let path = (error as? BufferPool.Failure)?.setting ?? ""
            throw ConfigurationErrors([ConfigurationError(at: nil, path: path, "\(error)")])
        }
        registry = Registry(engine: engine)
        Router.loadStandardModules(registry)
        for module in modules { registry.load(module) }
        plugins = try PluginLoader.load(setting["plugins"], into: registry)
        let schema = PluginLoader.excusing(Router.schema(registry), in: setting, after: plugins)
        errors.append(contentsOf: schema.validate(setting))
        try errors.throwIfAny()
    }

    static func read(_ path: String) throws(ConfigurationErrors) -> Setting {
        do {
            return try YAMLReader.read(file: path)
        } catch {
            throw ConfigurationErrors([error])
        }
    }

    private static func loadStandardModules(_ registry: Registry) {
        registry.load(InterfacesModule.self)
        registry.load(EthernetModule.self)
        registry.load(IPModule.self)
        registry.load(BFDModule.self)
        registry.load(MirrorModule.self)
        registry.load(ERSPANModule.self)
    }

    // MARK: - Schema

    /// What the file may hold without plugins.
    public static func schema() -> Schema {
        var options = Engine.Options()
        options.bufferCount = 512
        guard let engine = try? Engine(options) else { return .anything }
        let registry = Registry(engine: engine)
        loadStandardModules(registry)
        return schema(registry)
    }

    private static func schema(_ registry: Registry) -> Schema {
        var keys = RouterSettings.keys
        let common = registry.interfaceAttributes.map(\.key)
        let variants = registry.drivers.map { Schema.Variant($0.kind, $0.doc, $0.keys) }
        keys.append(
            .key(
                "interfaces", .map(of: .variants(by: "type", common: common, variants), names: .name),
                "Ports, by the name that commands use"))
        keys.append(.key("graph", GraphSection.schema, "Changes to the standard graph"))
        keys.append(.key("plugins", PluginLoader.schema, "Features loaded at startup"))
        for section in registry.sections { keys.append(.key(section.key, section.schema, section.schema.doc)) }
        return .object(keys, doc: "A Martlet router")
    }

    // MARK: - Checking

    /// Every error in the file at `path`; touches no device.
    public static func check(file path: String) -> [ConfigurationError] {
        do {
            var options = RunOptions()
            options.isCheck = true
            let router = try Router(file: path, options: options)
            let plan = try router.plan()
            try router.createPlaceholders(plan)
            try router.build(plan)
            try router.apply(plan)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.all
        } catch {
            return [ConfigurationError(at: nil, path: path, "\(error)")]
        }
    }

    /// What applying the file will do, all of it checked.
    private struct Plan {
        var interfaces: [PlannedInterface] = []
        var attributes:
            [(interface: String, mark: Mark, path: String, apply: @ControlPlane (Interface) throws -> Void)] = []
        var sections: [(mark: Mark, path: String, apply: Section.Application)] = []
        var graph = GraphSection()
    }

    private func plan() throws(ConfigurationErrors) -> Plan {
        var plan = Plan()
        var errors = ConfigurationErrors()
        func collect(_ body: () throws(ConfigurationErrors) -> Void) {
            do { try body() } catch { errors.append(contentsOf: error.all) }
        }
        let entries = (try? file["interfaces"]?.map) ?? []
        let names = entries.map(\.key)
        for entry in entries {
            collect { () throws(ConfigurationErrors) in
                guard let kind = try? entry.value["type"]?.string,
                    let driver = registry.drivers.first(where: { $0.kind == kind })
                else { return }
                plan.interfaces.append(
                    PlannedInterface(
                        name: entry.key, mark: entry.mark, lower: driver.lower(entry.value),
                        create: try driver.read(entry.key, entry.value)))
                for attribute in registry.interfaceAttributes {
                    guard let setting = entry.value[attribute.key.name] else { continue }
                    plan.attributes.append((entry.key, setting.mark, setting.path, try attribute.read(setting)))
                }
            }
        }
        collect { () throws(ConfigurationErrors) in
            plan.interfaces = try PlannedInterface.inOrder(plan.interfaces, among: names)
        }
        for section in registry.sections {
            guard let setting = file[section.key] else { continue }
            collect { () throws(ConfigurationErrors) in
                plan.sections.append((setting.mark, setting.path, try section.read(setting)))
            }
        }
        for module in registry.modules { errors.append(contentsOf: module.objections(to: file)) }
        if let graph = file["graph"] {
            collect { () throws(ConfigurationErrors) in plan.graph = try GraphSection(graph) }
        }
        try errors.throwIfAny()
        return plan
    }

    /// Stands in for the interfaces' nodes when no device may be opened, so that the graph can be checked.
    private func createPlaceholders(_ plan: Plan) throws {
        for entry in plan.interfaces {
            let interface = engine.createInterface(entry.name, kind: "placeholder")
            guard entry.lower.isEmpty else { continue }
            engine.add(
                NodeDescriptor(input: PlaceholderInput.self, name: "\(entry.name)-rx") { _ in PlaceholderInput() })
            engine.attach(
                interface,
                output: NodeDescriptor(output: NullOutput.self, name: "\(entry.name)-tx") { _ in NullOutput() })
        }
    }

    private func build(_ plan: Plan) throws(ConfigurationErrors) {
        do {
            try plan.graph.apply(to: engine, registry)
        } catch let errors as ConfigurationErrors {
            throw errors
        } catch {
            throw ConfigurationErrors([ConfigurationError(at: file["graph"]?.mark, path: "graph", "\(error)")])
        }
    }

    // MARK: - Running

    public var commands: [Command] {
        StandardCommands.all(engine) + registry.commands + [PluginLoader.showCommand(plugins)]
    }

    /// Opens the devices, applies the file and lets the workers run.
    public func start() async throws {
        do {
            try prepare()
        } catch {
            // What was opened before the mistake showed goes back to the kernel.
            for module in registry.modules { module.stop() }
            throw error
        }
        if !isStepped { engine.start() }
    }

    /// Everything but the workers: for tests that step the engine themselves.
    public func prepare() throws(ConfigurationErrors) {
        let plan = try plan()
        for entry in plan.interfaces {
            try attempt(entry.mark, "interfaces.\(entry.name)") { _ = try entry.create() }
        }
        try build(plan)
        try apply(plan)
        for module in registry.modules { try attempt(nil, "") { try module.start() } }
    }

    /// What the file says of interfaces and features; a mere check does it too, since tables have a say in what can be.
    private func apply(_ plan: Plan) throws(ConfigurationErrors) {
        for attribute in plan.attributes {
            guard let interface = engine.interface(named: attribute.interface) else { continue }
            try attempt(attribute.mark, attribute.path) { try attribute.apply(interface) }
        }
        for section in plan.sections { try attempt(section.mark, section.path, section.apply) }
    }

    private func attempt(_ mark: Mark?, _ path: String, _ body: () throws -> Void) throws(ConfigurationErrors) {
        do {
            try body()
        } catch let errors as ConfigurationErrors {
            throw errors
        } catch let error as ConfigurationError {
            throw ConfigurationErrors([error])
        } catch {
            throw ConfigurationErrors([ConfigurationError(at: mark, path: path, "\(error)")])
        }
    }

    /// Whether every packet comes from a capture: then the engine is stepped on one thread, and the outcome depends on the
    /// input alone.
    private var isStepped: Bool {
        !engine.interfaces.isEmpty && engine.interfaces.allSatisfy { ["pcap", "null"].contains($0.kind) }
    }

    /// Returns when the router was stopped, or when its captures are used up.
    public func run() async throws {
        if isStepped {
            // In portions, so that commands and signals are heard meanwhile.
            while !isStopped, !engine.runToEnd(steps: 256) { await Task.yield() }
        } else {
            stopWhenFinished()
            await withCheckedContinuation { continuation in
                if isStopped { continuation.resume() } else { stopped = continuation }
            }
            for module in registry.modules { module.willStop() }
            engine.stop()
        }
        for module in registry.modules { module.stop() }
        log.notice("stopped", metadata: ["interfaces": "\(engine.interfaces.count)"])
    }

    /// A router whose every input has an end, captures and counted generators, stops by itself.
    private func stopWhenFinished() {
        engine.timers.every(milliseconds: 50) { [weak self] in
            guard let self, !isStopped else { return false }
            if engine.isFinished { stop() }
            return !isStopped
        }
    }

    /// Has `run` send what is under way and return.
    public func stop() {
        isStopped = true
        stopped?.resume()
        stopped = nil
    }
}

/// An input that never brings a packet: it stands for a device while a file is only checked.
struct PlaceholderInput: InputNode {
    static let name = "placeholder-input"

    enum Next: UInt16, NextNode {
        case ethernet
        var node: String { "ethernet-input" }
    }

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool { false }
    var isFinished: Bool { true }
}
