// SPDX-License-Identifier: Apache-2.0
import Graph

/// `show graph`, `show features`.
enum GraphCommands {
    enum Format: String, CaseIterable {
        case text, yaml, dot
    }

    @ControlPlane
    static func all(_ engine: Engine) -> [Command] {
        [
            Command(
                ["show", "graph"], "The nodes, the arcs between them and the features, as they are now",
                [
                    .argument("node", "Only this node, with what leads to it", completing: { engine.nodeNames }),
                    .option(
                        "format", "text; yaml, as the configuration takes it; dot, for Graphviz",
                        completing: { Format.allCases.map(\.rawValue) }),
                    .flag("all", "Also nodes that no packet can reach"),
                ]
            ) { arguments in
                try show(engine, arguments)
            },
            Command(["show", "features"], "The feature arcs: the features in order, and where they are on") { _ in
                FeatureReport(featureArcs: engine.graphSnapshot().featureArcs)
            },
        ]
    }

    @ControlPlane
    private static func show(_ engine: Engine, _ arguments: CommandArguments) throws -> any Report {
        let format = try arguments.choice("format", of: Format.self) ?? .text
        let snapshot = engine.graphSnapshot()
        guard let name = arguments["node"] else {
            return GraphReport(snapshot, format: format, showsAll: arguments.has(flag: "all"))
        }
        guard snapshot.nodes.contains(where: { $0.name == name }) else {
            throw CommandError.unknown("node", name, among: engine.nodeNames)
        }
        return NodeReport(name, snapshot)
    }
}

/// `show graph`.
struct GraphReport: Report {
    let nodes: [GraphSnapshot.Node]
    let featureArcs: [GraphSnapshot.FeatureArc]
    private let snapshot: GraphSnapshot
    private let format: GraphCommands.Format

    private enum CodingKeys: CodingKey {
        case nodes, featureArcs
    }

    init(_ snapshot: GraphSnapshot, format: GraphCommands.Format, showsAll: Bool) {
        nodes = snapshot.inOrderOfVisit.filter { showsAll || $0.isReachable }
        featureArcs = snapshot.featureArcs
        self.snapshot = snapshot
        self.format = format
    }

    var body: [TextBlock] {
        switch format {
        case .yaml: [.lines(GraphText.yaml(snapshot))]
        case .dot: [.lines(GraphText.dot(nodes, featureArcs))]
        case .text: text
        }
    }

    private var text: [TextBlock] {
        if nodes.isEmpty { return [.line("no packet can come in: there is no input node")] }
        let rows = nodes.flatMap { node in
            let heads = [node.name, node.kindText]
            guard let first = node.arcs.first else { return [heads] }
            return [heads + [first.name, first.node]] + node.arcs.dropFirst().map { ["", "", $0.name, $0.node] }
        }
        let features = FeatureReport(featureArcs: featureArcs.filter { !$0.features.isEmpty })
        return [.table(["Node", "Kind", "Arc", "Leads to"], rows)]
            + (features.featureArcs.isEmpty ? [] : [.heading("Features")] + features.body)
    }
}

extension GraphSnapshot {
    /// The nodes as packets come to them: the inputs, then the nodes one arc or feature arc on, and so forth; those that
    /// no packet reaches at the end.
    fileprivate var inOrderOfVisit: [Node] {
        var names = nodes.filter { $0.kind == .input }.map(\.name)
        var known = Set(names)
        var position = 0
        while position < names.count {
            let node = nodes.first { $0.name == names[position] }
            let arcs = featureArcs.filter { arc in arc.starts.contains { $0.node == names[position] } }
            let features = arcs.flatMap { $0.features.map(\.node) + ($0.end.map { [$0] } ?? []) }
            for next in features + (node?.arcs.map(\.node) ?? []) where known.insert(next).inserted {
                names.append(next)
            }
            position += 1
        }
        names += nodes.map(\.name).filter { !known.contains($0) }
        return names.compactMap { name in nodes.first { $0.name == name } }
    }
}

extension GraphSnapshot.Node {
    /// "internal", "internal, a pass".
    fileprivate var kindText: String { instanceOf.map { "\(kind.rawValue), a \($0)" } ?? kind.rawValue }
}

/// `show graph NODE`.
struct NodeReport: Report {
    struct Predecessor: Encodable, Sendable {
        let node: String
        let arc: String
    }

    let node: GraphSnapshot.Node
    let predecessors: [Predecessor]
    /// The feature arcs on which it is a feature.
    let featureOf: [String]

    init(_ name: String, _ snapshot: GraphSnapshot) {
        node = snapshot.nodes.first { $0.name == name }!
        predecessors = snapshot.nodes.flatMap { node in
            node.arcs.filter { $0.node == name }.map { Predecessor(node: node.name, arc: $0.name) }
        }
        featureOf = snapshot.featureArcs.filter { $0.features.contains { $0.node == name } }.map(\.name)
    }

    var body: [TextBlock] {
        var facts: [TextBlock.Fact] = [
            .init("Node", node.name),
            .init("Kind", node.kindText),
        ]
        facts += node.arcs.map { .init("Arc \($0.name)", "to \($0.node)") }
        facts += predecessors.map { .init("From \($0.node)", "arc \($0.arc)") }
        facts += featureOf.map { .init("Feature on", $0) }
        facts += node.reasons.map { .init("Drops", $0) }
        if !node.isReachable { facts.append(.init("Reachable", "no")) }
        return [.facts(facts)]
    }
}

/// `show features`.
struct FeatureReport: Report {
    let featureArcs: [GraphSnapshot.FeatureArc]

    var body: [TextBlock] {
        if featureArcs.isEmpty { return [.line("there are no feature arcs")] }
        let rows = featureArcs.flatMap { arc in
            guard !arc.features.isEmpty else { return [[arc.name, "", "no features"]] }
            return arc.features.enumerated().map { position, feature in
                [
                    position == 0 ? arc.name : "", "\(position + 1)", feature.node,
                    feature.interfaces.isEmpty ? "-" : feature.interfaces.joined(separator: ", "),
                ]
            }
        }
        return [.table(["Feature arc", .right("Order"), "Feature", "Interfaces"], rows)]
    }
}
