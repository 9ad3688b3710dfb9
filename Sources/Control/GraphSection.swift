// SPDX-License-Identifier: Apache-2.0
import Graph

/// The file's section `graph`: what it changes in the standard graph, or a graph of its own.
///
///     graph:
///       include: router                  # the standard arcs; `none` leaves every arc to the file
///       nodes:
///         ip4-input: {arcs: {lookup: sampler}}
///         sampler: {kind: pass, arcs: {next: ip4-lookup}}
///       features:
///         ip4-unicast: [ttl-guard, acl]
struct GraphSection {
    static let schema = Schema.object(
        [
            .key("include", .choice(["router", "none"]), "The graph to start from; router if absent"),
            .key(
                "nodes",
                .map(
                    of: .object([
                        .key("kind", .text(.name), "Makes a further node of this kind under this name"),
                        .key("arcs", .map(of: .text(.name), names: .name), "Where the node's arcs lead"),
                    ]), names: .name), "Nodes added, and arcs that lead elsewhere"),
            .key("features", .map(of: .list(of: .text(.name)), names: .name), "The order of features, per feature arc"),
        ], doc: "Changes to the standard graph")

    private struct NodeEntry {
        let name: String
        let kind: Setting?
        let setting: Setting
        let arcs: [Setting.Entry]
    }

    private var includesStandard = true
    private var nodes: [NodeEntry] = []
    private var features: [Setting.Entry] = []
    private var featureOrder: [String: [String]] = [:]

    init() {}

    init(_ setting: Setting) throws(ConfigurationErrors) {
        do {
            includesStandard = try setting["include"]?.string != "none"
            for entry in try setting["nodes"]?.map ?? [] {
                nodes.append(
                    NodeEntry(
                        name: entry.key, kind: entry.value["kind"], setting: entry.value,
                        arcs: try entry.value["arcs"]?.map ?? []))
            }
            features = try setting["features"]?.map ?? []
            for entry in features {
                var order: [String] = []
                for feature in try entry.value.list { order.append(try feature.string) }
                featureOrder[entry.key] = order
            }
        } catch {
            throw ConfigurationErrors([error])
        }
    }

    /// Adds the file's nodes and connects the graph.
    @ControlPlane
    func apply(to engine: Engine, _ registry: Registry) throws {
        var errors = ConfigurationErrors()
        for node in nodes {
            guard let kind = node.kind else { continue }
            let name = try kind.string
            if engine.hasNode(node.name) {
                errors.append(node.setting.error("there is a node \(node.name) already", "choose another name"))
            } else if !engine.addNode(node.name, kind: name) {
                errors.append(
                    kind.error(
                        "there is no kind of node named \(name)", Spelling.hint(for: name, among: engine.nodeNames)))
            }
        }
        var overrides = Engine.Overrides()
        overrides.includesStandardArcs = includesStandard
        overrides.featureOrder = featureOrder
        try errors.throwIfAny()
        for node in nodes { errors.append(contentsOf: check(node, engine, &overrides)) }
        for entry in features { errors.append(contentsOf: check(entry, engine)) }
        try errors.throwIfAny()
        try engine.build(overrides)
        try checkReachable(engine)
    }

    /// Names the unknown node, the missing arc, the arc to nowhere.
    @ControlPlane
    private func check(_ node: NodeEntry, _ engine: Engine, _ overrides: inout Engine.Overrides) -> [ConfigurationError]
    {
        guard let arcs = engine.arcNames(of: node.name) else {
            return [
                node.setting.error(
                    "there is no node \(node.name)",
                    Spelling.hint(for: node.name, among: engine.nodeNames) + " (`kind:` would make a new one)")
            ]
        }
        var errors: [ConfigurationError] = []
        for arc in node.arcs {
            guard case .scalar(let target) = arc.value.value else { continue }
            if !arcs.contains(arc.key) {
                let known = arcs.isEmpty ? "it has none" : "it has " + arcs.joined(separator: ", ")
                errors.append(
                    ConfigurationError(
                        at: arc.mark, path: arc.value.path,
                        "\(node.name) has no arc \(arc.key)",
                        "\(Spelling.hint(for: arc.key, among: arcs)) \(known)"))
            } else if !engine.hasNode(target) {
                errors.append(
                    arc.value.error("there is no node \(target)", Spelling.hint(for: target, among: engine.nodeNames)))
            } else {
                overrides.arcs.append((node.name, arc.key, target))
            }
        }
        return errors
    }

    /// Names the unknown feature arc and the unknown feature.
    @ControlPlane
    private func check(_ entry: Setting.Entry, _ engine: Engine) -> [ConfigurationError] {
        let arcs = engine.featureArcNames
        guard arcs.contains(entry.key) else {
            let hint = Spelling.hint(for: entry.key, among: arcs)
            let problem = "there is no feature arc \(entry.key)"
            return [ConfigurationError(at: entry.mark, path: entry.value.path, problem, hint)]
        }
        let known = engine.featureNames(on: entry.key)
        return ((try? entry.value.list) ?? []).compactMap { element in
            guard let name = try? element.string, !known.contains(name) else { return nil }
            return element.error("\(entry.key) has no feature \(name)", Spelling.hint(for: name, among: known))
        }
    }

    /// A node that the file adds and no packet can reach is a mistake.
    @ControlPlane
    private func checkReachable(_ engine: Engine) throws(ConfigurationErrors) {
        let reachable = engine.reachableNodes()
        var errors = ConfigurationErrors()
        for node in nodes where node.kind != nil && !reachable.contains(node.name) {
            errors.append(
                node.setting.error(
                    "no packet can reach \(node.name)", "point an arc of a node that packets visit at it"))
        }
        try errors.throwIfAny()
    }
}
