// SPDX-License-Identifier: Apache-2.0

/// Passes every packet on untouched: a place in the graph to trace and count at, and the empty node of the graph benchmarks.
///
/// Config: `graph.nodes.NAME: {kind: pass, arcs: {next: NODE}}`.
public struct PassNode: Node {
    public static let name = "pass"

    public enum Next: UInt16, NextNode {
        case next
        public var node: String { "drop" }
    }

    public init() {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> { .to(.next) }
}

/// Deals packets out to four nodes in turn: the worst case of a frame that splits, for the graph benchmarks.
///
/// Config: `graph.nodes.NAME: {kind: deal, arcs: {first: NODE, second: NODE, third: NODE, fourth: NODE}}`.
public struct DealNode: Node {
    public static let name = "deal"

    public enum Next: UInt16, NextNode {
        case first, second, third, fourth
        public var node: String { "drop" }
    }

    private var turn: UInt16 = 0

    public init() {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> {
        turn = (turn &+ 1) & 3
        return .to(Next(rawValue: turn)!)
    }
}
