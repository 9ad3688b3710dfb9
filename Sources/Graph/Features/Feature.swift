// SPDX-License-Identifier: Apache-2.0

/// A place in the graph where interfaces have an ordered list of features: `ip4-unicast`, `ip4-output`, ...
public struct FeatureArc: Sendable {
    /// Which of a packet's interfaces says what features it visits.
    public enum Key: Sendable {
        case receive, transmit
    }

    public let name: String
    public let key: Key
    /// The node arcs that it replaces for interfaces with features.
    private(set) var starts: [(node: String, arc: String?)]
    /// Whether it starts at every input node as well.
    let startsAtInputs: Bool
    /// Where packets go after the last feature; nil for the interface's transmit node.
    let end: String?

    /// - Parameters:
    ///   - starts: Pairs of node and arc, "ip4-input" and "lookup"; without arc, whatever arc the packet takes.
    ///   - end: The node after the last feature; nil stands for the interface's transmit node.
    public init(_ name: String, by key: Key, startsAt starts: [(node: String, arc: String?)], endsAt end: String?) {
        self.name = name
        self.key = key
        self.starts = starts
        self.end = end
        startsAtInputs = false
    }

    /// The arc of packets just received, before any node has looked at them.
    public static let deviceInput = FeatureArc(deviceInputEndingAt: "ethernet-input")

    /// The arc of complete frames on their way out, as the device will send them. An interface that stands on another, a
    /// sub-interface for instance, has its frames come by here once for itself and once for its port, then with their tags.
    public static let interfaceOutput = FeatureArc(
        InterfaceOutput.name, by: .transmit, startsAt: [(InterfaceOutput.name, nil)], endsAt: nil)

    private init(deviceInputEndingAt end: String) {
        name = "device-input"
        key = .receive
        starts = []
        self.end = end
        startsAtInputs = true
    }

    /// The same arc, which starts at these arcs of nodes as well: of nodes that have packets be received by another interface,
    /// whose own features come then.
    public func starting(alsoAt more: (node: String, arc: String?)...) -> FeatureArc {
        var copy = self
        copy.starts += more
        return copy
    }
}

/// A node's place on a feature arc, by its order relative to others; the configuration's `graph` section may reorder.
public struct Feature: Sendable {
    public let node: String
    public let arc: String
    public let runsBefore: [String]
    public let runsAfter: [String]

    public init(_ node: String, on arc: String, runsBefore: [String] = [], runsAfter: [String] = []) {
        self.node = node
        self.arc = arc
        self.runsBefore = runsBefore
        self.runsAfter = runsAfter
    }
}

/// The features of each arc in their order, and which interfaces have which.
@ControlPlane
final class FeatureRegister {
    struct ArcState {
        let arc: FeatureArc
        var features: [Feature] = []
        /// Node names in the order of execution.
        var order: [String] = []
        var enabled: [InterfaceIndex: Set<String>] = [:]
    }

    private(set) var arcs: [ArcState] = []
    let published: FeatureArcs
    private var chainEnd = 1

    init(published: FeatureArcs) { self.published = published }

    func add(_ arc: FeatureArc) {
        precondition(
            arcs.count < FeatureArcs.arcCapacity, "a graph has at most \(FeatureArcs.arcCapacity) feature arcs")
        arcs.append(ArcState(arc: arc))
    }

    func index(of arc: String) -> Int? { arcs.firstIndex { $0.arc.name == arc } }

    func add(_ feature: Feature) throws(GraphError) {
        guard let arc = index(of: feature.arc) else {
            throw GraphError(
                "feature \(feature.node) wants the arc \(feature.arc), which does not exist; "
                    + Spelling.hint(for: feature.arc, among: arcs.map(\.arc.name)))
        }
        arcs[arc].features.append(feature)
    }

    /// Brings each arc's features into an order in which every "before" and "after" holds; equals keep the order of declaration.
    func sort(overrides: [String: [String]]) throws(GraphError) {
        for index in arcs.indices {
            arcs[index].order = try FeatureRegister.order(
                arcs[index].features, arc: arcs[index].arc.name, fixed: overrides[arcs[index].arc.name] ?? [])
        }
    }

    private static func order(_ features: [Feature], arc: String, fixed: [String]) throws(GraphError) -> [String] {
        let names = features.map(\.node)
        for name in fixed where !names.contains(name) {
            throw GraphError(
                "graph.features.\(arc): there is no feature \(name); " + Spelling.hint(for: name, among: names))
        }
        var before: [String: Set<String>] = [:]
        for feature in features {
            for name in feature.runsAfter where names.contains(name) { before[feature.node, default: []].insert(name) }
            for name in feature.runsBefore where names.contains(name) { before[name, default: []].insert(feature.node) }
        }
        // What the file says wins over what the features declare, pair by pair.
        for (position, name) in fixed.enumerated() {
            for later in fixed[(position + 1)...] {
                before[name]?.remove(later)
                before[later, default: []].insert(name)
            }
        }
        var order: [String] = []
        while order.count < names.count {
            guard let next = names.first(where: { !order.contains($0) && (before[$0] ?? []).isSubset(of: order) })
            else {
                let stuck = names.filter { !order.contains($0) }.joined(separator: ", ")
                throw GraphError("features of \(arc) cannot be ordered: \(stuck) each want to run before the other")
            }
            order.append(next)
        }
        return order
    }

    /// Switches a feature on or off for an interface: writes the new chain, then publishes it with one store.
    func set(_ node: String, on arc: Int, interface: InterfaceIndex, _ isOn: Bool, end: Int, index: (String) -> Int?) {
        var enabled = arcs[arc].enabled[interface] ?? []
        if isOn { enabled.insert(node) } else { enabled.remove(node) }
        arcs[arc].enabled[interface] = enabled.isEmpty ? nil : enabled
        let chain = arcs[arc].order.filter(enabled.contains).compactMap(index) + [end]
        precondition(chainEnd + chain.count < FeatureArcs.chainCapacity, "too many changes of features")
        for (position, node) in chain.enumerated() { published.chains[chainEnd + position] = UInt16(node) }
        published.starts[arc * InterfaceTable.capacity + Int(interface)] = enabled.isEmpty ? 0 : UInt32(chainEnd)
        if !enabled.isEmpty { chainEnd += chain.count }
        published.active[arc] = UInt32(arcs[arc].enabled.count)
    }
}

/// A graph that cannot be built, in words for the operator.
public struct GraphError: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}
