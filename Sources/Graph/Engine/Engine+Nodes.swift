// SPDX-License-Identifier: Apache-2.0

// The graph by name, for the configuration's section `graph`.
extension Engine {
    public var nodeNames: [String] { topology.nodes.map(\.descriptor.name) }

    public func hasNode(_ name: String) -> Bool { topology.index(of: name) != nil }

    public var featureArcNames: [String] { featureRegister.arcs.map(\.arc.name) }

    /// The features that were declared for a feature arc.
    public func featureNames(on arc: String) -> [String] { declaredFeatures.filter { $0.arc == arc }.map(\.node) }

    /// The names of a node's arcs; nil when there is no such node.
    public func arcNames(of node: String) -> [String]? { topology.index(of: node).map { topology.nodes[$0].arcNames } }

    /// Makes another node of the kind of the node named `kind`. False when there is none.
    public func addNode(_ name: String, kind: String) -> Bool {
        guard let index = topology.index(of: kind) else { return false }
        add(topology.nodes[index].descriptor.renamed(name))
        return true
    }

    /// The nodes that a packet from some input can come to, by arcs and by feature arcs.
    public func reachableNodes() -> Set<String> {
        var reached: Set<Int> = []
        var open = topology.nodes.indices.filter { topology.nodes[$0].descriptor.kind == .input }
        while let index = open.popLast() {
            guard reached.insert(index).inserted else { continue }
            let node = topology.nodes[index]
            open += node.arcTargets.compactMap { topology.index(of: $0) }
            for start in node.featureStarts { open += featureRegister.arcs[start.arc].order.compactMap(topology.index) }
        }
        return Set(reached.map { topology.nodes[$0].descriptor.name })
    }
}
