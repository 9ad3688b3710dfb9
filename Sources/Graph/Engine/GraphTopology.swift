// SPDX-License-Identifier: Apache-2.0

/// The nodes and arcs of a router, as the control side keeps them and as workers read them.
@ControlPlane
final class GraphTopology {
    struct NodeEntry {
        let descriptor: NodeDescriptor
        let reasonBase: Int
        /// Read by workers, re-pointed in place.
        let arcs: UnsafeMutablePointer<UInt16>
        /// Arc names with the nodes they lead to now; dynamic arcs come after the declared ones.
        var arcNames: [String]
        var arcTargets: [String]
        var featureStarts: UnsafeBufferPointer<FeatureStart>
        let arcCapacity: Int
    }

    private(set) var nodes: [NodeEntry] = []
    private(set) var reasons: [(node: String, name: String, text: String)] = []
    private var byName: [String: Int] = [:]

    func index(of name: String) -> Int? { byName[name] }

    func add(_ descriptor: NodeDescriptor, arcCapacity: Int = 64) -> Int {
        let capacity = max(arcCapacity, descriptor.arcs.count)
        let arcs = UnsafeMutablePointer<UInt16>.allocate(capacity: capacity)
        // An arc that is not connected leads to the drop node, never astray.
        arcs.initialize(repeating: 0, count: capacity)
        let index = nodes.count
        nodes.append(
            NodeEntry(
                descriptor: descriptor, reasonBase: reasons.count, arcs: arcs, arcNames: descriptor.arcs.map(\.name),
                arcTargets: descriptor.arcs.map(\.defaultNode),
                featureStarts: UnsafeBufferPointer(start: nil, count: 0),
                arcCapacity: capacity))
        byName[descriptor.name] = index
        for reason in descriptor.reasons { reasons.append((descriptor.name, reason.name, reason.text)) }
        precondition(
            reasons.count <= Worker.reasonCapacity, "a graph has at most \(Worker.reasonCapacity) drop reasons")
        return index
    }

    /// Points an arc at a node; both exist.
    func connect(_ node: Int, arc: Int, to target: Int) {
        nodes[node].arcTargets[arc] = nodes[target].descriptor.name
        nodes[node].arcs[arc] = UInt16(target)
    }

    /// Adds an arc beside the declared ones and returns its number.
    func addArc(_ node: Int, name: String, to target: Int) -> UInt16 {
        let arc = nodes[node].arcNames.count
        precondition(arc < nodes[node].arcCapacity, "\(nodes[node].descriptor.name) has no arc left")
        nodes[node].arcNames.append(name)
        nodes[node].arcTargets.append(nodes[target].descriptor.name)
        nodes[node].arcs[arc] = UInt16(target)
        return UInt16(arc)
    }

    func setFeatureStarts(_ node: Int, _ starts: [FeatureStart]) {
        let memory = UnsafeMutableBufferPointer<FeatureStart>.allocate(capacity: starts.count)
        _ = memory.initialize(from: starts)
        nodes[node].featureStarts = UnsafeBufferPointer(memory)
    }

    isolated deinit {
        for node in nodes {
            node.arcs.deallocate()
            node.featureStarts.deallocate()
        }
    }
}
