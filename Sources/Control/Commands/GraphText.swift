// SPDX-License-Identifier: Apache-2.0
import Graph

/// The graph in the languages of other readers.
enum GraphText {
    // MARK: - YAML

    /// The configuration's section `graph`, which makes this same graph again: every arc is named, so it starts from none.
    static func yaml(_ graph: GraphSnapshot) -> [String] {
        var lines = ["graph:", "  include: none", "  nodes:"]
        for node in graph.nodes {
            // Arcs that are not named lead to the drop node; those of interfaces come with the interfaces.
            let arcs = node.arcs.prefix(node.declaredArcCount).filter { $0.node != DropNode.name }
            guard !arcs.isEmpty || node.instanceOf != nil else { continue }
            lines.append("    \(quoted(node.name)):")
            if let kind = node.instanceOf { lines.append("      kind: \(quoted(kind))") }
            guard !arcs.isEmpty else { continue }
            let entries = arcs.map { "\(quoted($0.name)): \(quoted($0.node))" }
            lines.append("      arcs: {\(entries.joined(separator: ", "))}")
        }
        let featured = graph.featureArcs.filter { !$0.features.isEmpty }
        if !featured.isEmpty { lines.append("  features:") }
        for arc in featured {
            lines.append("    \(quoted(arc.name)): [\(arc.features.map { quoted($0.node) }.joined(separator: ", "))]")
        }
        return lines
    }

    /// Names are plain words; those that YAML would read as something else are quoted.
    private static func quoted(_ name: String) -> String {
        let isPlain = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./".contains($0)) }
        let words: Set = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", ""]
        let isWord = name.first?.isLetter ?? false
        if isPlain, isWord, !words.contains(name.lowercased()) { return name }
        let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(escaped)\""
    }

    // MARK: - Graphviz

    static func dot(_ nodes: [GraphSnapshot.Node], _ featureArcs: [GraphSnapshot.FeatureArc]) -> [String] {
        var lines = ["digraph martlet {", "  rankdir=LR;", "  node [shape=box, fontname=\"monospace\"];"]
        let names = Set(nodes.map(\.name))
        for node in nodes {
            let style =
                switch node.kind {
                case .input: " [style=filled, fillcolor=palegreen]"
                case .output: " [style=filled, fillcolor=lightblue]"
                case .process: " [style=dashed]"
                case .internal: node.name == DropNode.name ? " [style=filled, fillcolor=lightgrey]" : ""
                }
            lines.append("  \(label(node.name))\(style);")
        }
        for node in nodes {
            for arc in node.arcs {
                lines.append("  \(label(node.name)) -> \(label(arc.node)) [label=\(label(arc.name))];")
            }
        }
        for arc in featureArcs where !arc.features.isEmpty {
            // A chain of dashed arcs from each start through the features to the end.
            let chain = arc.features.map(\.node) + (arc.end.map { [$0] } ?? [])
            let starts = arc.starts.map(\.node).filter(names.contains)
            let links = starts.map { ($0, chain[0]) } + zip(chain, chain.dropFirst())
            for (from, to) in links {
                lines.append("  \(label(from)) -> \(label(to)) [style=dashed, label=\(label(arc.name))];")
            }
        }
        return lines + ["}"]
    }

    private static func label(_ name: String) -> String {
        "\"\(name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
