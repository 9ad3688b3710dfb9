// SPDX-License-Identifier: Apache-2.0

/// What a module declares, held together so that it can be judged before the router has any of it.
struct Declarations {
    var nodes: [NodeDescriptor] = []
    var arcs: [FeatureArc] = []
    var features: [Feature] = []
    var sections: [Section] = []
    var commands: [Command] = []
    var drivers: [InterfaceDriver] = []
    var interfaceAttributes: [InterfaceAttribute] = []
}

/// The names of what a plugin brought.
public struct PluginContents: Sendable, Encodable, Equatable {
    public let module: String
    public let nodes: [String]
    /// Node and arc: "ip4-ttl-guard on ip4-unicast".
    public let features: [String]
    public let arcs: [String]
    public let sections: [String]
    public let commands: [String]
    public let interfaceTypes: [String]

    init(_ module: String, _ declared: Declarations) {
        self.module = module
        nodes = declared.nodes.map(\.name)
        features = declared.features.map { "\($0.node) on \($0.arc)" }
        arcs = declared.arcs.map(\.name)
        sections = declared.sections.map(\.key)
        commands = declared.commands.map { $0.words.joined(separator: " ") }
        interfaceTypes = declared.drivers.map(\.kind)
    }
}

/// Why a module cannot be part of this router: "it brings the node 'ip4-input', which exists already".
public struct RegistrationError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

extension Registry {
    /// Names that a plugin must leave alone although no module declared them.
    public struct Reserved: Sendable {
        public var sections: [String]
        public var commands: [[String]]

        public init(sections: [String] = [], commands: [[String]] = []) {
            self.sections = sections
            self.commands = commands
        }
    }

    /// Makes a plugin's module and has it register; the router gets all that it declares, or nothing.
    public func load(
        _ plugin: Plugin, reserved: Reserved = Reserved()
    ) throws(RegistrationError) -> PluginContents {
        guard plugin.layout == Plugin.layout else {
            throw RegistrationError("it was built from other sources of Martlet \(plugin.build.library)")
        }
        let name = plugin.module.name
        if modules.contains(where: { type(of: $0).name == name }) {
            throw RegistrationError("a module named '\(name)' is loaded already")
        }
        let processCount = engine.processes.count
        let module = plugin.module.init()
        let declared = collect { module.register(in: self) }
        do {
            try check(declared, reserved)
        } catch {
            engine.processes.removeLast(engine.processes.count - processCount)
            throw error
        }
        accept(declared, of: module)
        return PluginContents(name, declared)
    }

    private func check(_ declared: Declarations, _ reserved: Reserved) throws(RegistrationError) {
        try unique("node", declared.nodes.map(\.name)) { engine.topology.index(of: $0) != nil }
        try unique("feature arc", declared.arcs.map(\.name)) { engine.featureRegister.index(of: $0) != nil }
        try unique("section", declared.sections.map(\.key)) { key in
            reserved.sections.contains(key) || sections.contains { $0.key == key }
        }
        try unique("command", declared.commands.map(\.words)) { words in
            reserved.commands.contains(words) || commands.contains { $0.words == words }
        }
        try unique("interface type", declared.drivers.map(\.kind)) { kind in drivers.contains { $0.kind == kind } }
        try unique("interface key", declared.interfaceAttributes.map(\.key.name)) { name in
            interfaceAttributes.contains { $0.key.name == name }
        }
        try checkGraph(declared)
    }

    /// Every node and arc that a declaration leads to must exist: what is found here would otherwise stop the whole
    /// graph.
    private func checkGraph(_ declared: Declarations) throws(RegistrationError) {
        let nodes = Set(declared.nodes.map(\.name))
        let arcs = Set(declared.arcs.map(\.name))
        func exists(_ node: String) -> Bool { nodes.contains(node) || engine.topology.index(of: node) != nil }
        for node in declared.nodes {
            for arc in node.arcs where !exists(arc.defaultNode) {
                let target = arc.defaultNode
                throw RegistrationError("its node '\(node.name)' leads to the node '\(target)', which does not exist")
            }
        }
        for feature in declared.features {
            if !exists(feature.node) { throw RegistrationError("its feature '\(feature.node)' is no node") }
            if !arcs.contains(feature.arc), engine.featureRegister.index(of: feature.arc) == nil {
                throw RegistrationError(
                    "its feature '\(feature.node)' wants the feature arc '\(feature.arc)', which does not exist")
            }
        }
        for arc in declared.arcs {
            for node in arc.starts.map(\.node) + [arc.end].compactMap({ $0 }) where !exists(node) {
                throw RegistrationError("its feature arc '\(arc.name)' wants the node '\(node)', which does not exist")
            }
        }
    }

    private func unique<Name: Hashable>(
        _ kind: String, _ names: [Name], _ exists: (Name) -> Bool
    ) throws(RegistrationError) {
        var seen: Set<Name> = []
        for name in names {
            let text = (name as? [String])?.joined(separator: " ") ?? "\(name)"
            if exists(name) { throw RegistrationError("it brings the \(kind) '\(text)', which exists already") }
            if !seen.insert(name).inserted { throw RegistrationError("it brings the \(kind) '\(text)' twice") }
        }
    }
}
