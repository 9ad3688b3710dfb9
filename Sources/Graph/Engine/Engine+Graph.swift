// SPDX-License-Identifier: Apache-2.0

/// The graph as it was built, by name: what `show graph` and `show features` print.
public struct GraphSnapshot: Sendable, Encodable {
    /// An arc of a node, those to interfaces' nodes and features included.
    public struct Arc: Sendable, Encodable {
        public let name: String
        /// The node that it leads to.
        public let node: String
    }

    /// One node, whether a packet can come to it or not.
    public struct Node: Sendable, Encodable {
        public let name: String
        public let kind: NodeDescriptor.Kind
        /// For nodes that the configuration added: the node whose kind they are of.
        public let instanceOf: String?
        public let arcs: [Arc]
        /// How many of the arcs the node itself declares; those behind came with interfaces.
        public let declaredArcCount: Int
        /// The names of its drop reasons.
        public let reasons: [String]
        /// Whether packets from some input can come to it.
        public let isReachable: Bool
    }

    /// Where an arc of features begins: on one arc of a node, or (nil) on whichever a packet takes.
    public struct Start: Sendable, Encodable {
        public let node: String
        public let arc: String?
    }

    /// A node on a feature arc.
    public struct Feature: Sendable, Encodable {
        public let node: String
        public let runsBefore: [String]
        public let runsAfter: [String]
        /// The interfaces on which it is switched on.
        public let interfaces: [String]
    }

    /// A place where each interface has an ordered list of features.
    public struct FeatureArc: Sendable, Encodable {
        public let name: String
        /// Whether the interface that a packet leaves by chooses its features, not the one that it came by.
        public let isByTransmitInterface: Bool
        public let starts: [Start]
        /// Where packets go after the last feature; nil for the interface's transmit node.
        public let end: String?
        /// In the order of execution.
        public let features: [Feature]
    }

    /// In the order of declaration.
    public let nodes: [Node]
    public let featureArcs: [FeatureArc]
}

extension Engine {
    /// The graph as it stands now.
    public func graphSnapshot() -> GraphSnapshot {
        let reachable = reachableNodes()
        let nodes = topology.nodes.map { entry in
            GraphSnapshot.Node(
                name: entry.descriptor.name, kind: entry.descriptor.kind, instanceOf: entry.descriptor.instanceOf,
                arcs: zip(entry.arcNames, entry.arcTargets).map { GraphSnapshot.Arc(name: $0, node: $1) },
                declaredArcCount: entry.descriptor.arcs.count, reasons: entry.descriptor.reasons.map(\.name),
                isReachable: reachable.contains(entry.descriptor.name))
        }
        return GraphSnapshot(nodes: nodes, featureArcs: featureRegister.arcs.map(snapshot))
    }

    private func snapshot(_ state: FeatureRegister.ArcState) -> GraphSnapshot.FeatureArc {
        var starts = state.arc.starts.map { GraphSnapshot.Start(node: $0.node, arc: $0.arc) }
        if state.arc.startsAtInputs {
            let inputs = topology.nodes.filter { $0.descriptor.kind == .input }
            starts += inputs.map { GraphSnapshot.Start(node: $0.descriptor.name, arc: nil) }
        }
        let features = state.order.map { name in
            let declared = state.features.first { $0.node == name }
            let interfaces = interfaces.filter { state.enabled[$0.index]?.contains(name) ?? false }
            return GraphSnapshot.Feature(
                node: name, runsBefore: declared?.runsBefore ?? [], runsAfter: declared?.runsAfter ?? [],
                interfaces: interfaces.map(\.name))
        }
        return GraphSnapshot.FeatureArc(
            name: state.arc.name, isByTransmitInterface: state.arc.key == .transmit, starts: starts, end: state.arc.end,
            features: features)
    }

    /// The name of an interface, or nil for 0 and for indices that never were one.
    public func name(of interface: InterfaceIndex) -> String? {
        interface > 0 && Int(interface) <= interfaces.count ? interfaces[Int(interface) - 1].name : nil
    }
}
