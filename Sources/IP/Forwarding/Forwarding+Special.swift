// SPDX-License-Identifier: Apache-2.0

// Results that lead to no neighbour. Each has an adjacency index of its own, by which `ip4-no-forwarding` tells them
// apart: a packet carries its adjacency, not the arc that it came by.
extension Forwarding {
    /// What an empty slot of the lookup table says.
    public static let noRoute = Forwarding(.none, adjacency: 0)
    /// Discards in silence.
    public static let blackhole = Forwarding(.drop, adjacency: 1)
    /// Discards with "host unreachable".
    public static let unreachable = Forwarding(.unreachable, adjacency: 2)
    /// Discards with "communication administratively prohibited".
    public static let prohibit = Forwarding(.prohibit, adjacency: 3)
    /// To the router itself, for an address of no interface in particular.
    public static let receive = Forwarding(.local, adjacency: 4)

    /// Adjacencies below this one are no adjacencies but the special results' marks.
    static let firstAdjacency: AdjacencyIndex = 16
}

extension Forwarding.Kind {
    /// The word for it in commands' answers; where the configuration has one, that.
    var word: String {
        switch self {
        case .none: "nothing"
        case .rewrite: "rewrite"
        case .glean: "glean"
        case .local: "local"
        case .drop: "blackhole"
        case .unreachable: "unreachable"
        case .prohibit: "prohibit"
        case .directedBroadcast: "broadcast"
        }
    }
}
