// SPDX-License-Identifier: Apache-2.0
import Graph

extension [BenchFigure] {
    /// Nodes in an order in which packets pass them: each before those that it leads to, where there is no circle.
    @ControlPlane
    func ordered(along engine: Engine) -> [BenchFigure] {
        let nodes = engine.graphSnapshot().nodes
        let followers = Dictionary(nodes.map { ($0.name, $0.arcs.map(\.node)) }) { first, _ in first }
        let figures = Dictionary(map { ($0.name, $0) }) { first, _ in first }
        var visited: Set<String> = []
        var finished: [BenchFigure] = []
        func visit(_ name: String) {
            // Nodes that no packet came to lead nowhere.
            guard let figure = figures[name], visited.insert(name).inserted else { return }
            for follower in (followers[name] ?? []).reversed() { visit(follower) }
            finished.append(figure)
        }
        for node in nodes.reversed() where node.kind == .input { visit(node.name) }
        let passed = Array(finished.reversed())
        return passed + filter { !visited.contains($0.name) }
    }
}
