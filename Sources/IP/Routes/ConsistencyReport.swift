// SPDX-License-Identifier: Apache-2.0
import Graph

/// `test fib`: what was compared, and what differs.
public struct ConsistencyReport: Report {
    public internal(set) var vrfs: [String] = []
    public internal(set) var prefixes = 0
    public internal(set) var lookups = 0
    public internal(set) var pathLists = 0
    public internal(set) var buckets = 0
    public internal(set) var paths = 0
    public internal(set) var adjacencies = 0
    /// What features looked at beside these: "labels".
    public internal(set) var further: [String] = []
    public internal(set) var slices = 0
    public internal(set) var seconds = 0.0
    /// The first hundred of them, in words.
    public private(set) var differences: [String] = []
    public private(set) var differenceCount = 0

    mutating func add(_ text: String) {
        differenceCount += 1
        if differences.count < 100 { differences.append(text) }
    }

    public var isGood: Bool { differenceCount == 0 }

    public var body: [TextBlock] {
        let facts: [(String, String)] = [
            ("VRFs", vrfs.joined(separator: ", ")), ("prefixes", "\(prefixes)"), ("addresses looked up", "\(lookups)"),
            ("path-lists", "\(pathLists)"), ("buckets", "\(buckets)"), ("paths", "\(paths)"),
            ("adjacencies", "\(adjacencies)"), ("further", further.joined(separator: ", ")),
            ("time", "\(seconds.fixed(2)) s in \(slices) slices"), ("differences", "\(differenceCount)"),
        ]
        let shown = facts.filter { !$0.1.isEmpty }.map { TextBlock.Fact($0.0, $0.1) }
        let rest = differenceCount - differences.count
        return [.facts(shown)] + (differences.isEmpty ? [] : [.lines(differences)])
            + (rest > 0 ? [.line("and \(rest) more")] : [])
    }
}
