// SPDX-License-Identifier: Apache-2.0

// Results that lead to no neighbour. Each has an index of its own, by which the no-forwarding nodes tell them apart: a
// packet carries its adjacency, not the arc that it came by.
extension Forwarding {
    /// What an empty slot of the lookup table says.
    public static let noRoute = Forwarding(.discard, 0)
    /// Discards in silence.
    public static let blackhole = Forwarding(.discard, 1)
    /// Discards with "host unreachable", in IPv6 "address unreachable".
    public static let unreachable = Forwarding(.discard, 2)
    /// Discards with "communication administratively prohibited".
    public static let prohibit = Forwarding(.discard, 3)
    /// To the router itself, for an address of no interface in particular.
    public static let receive = Forwarding(.local, 4)
    /// Tables that lead to each other without end.
    public static let loop = Forwarding(.discard, 5)

    /// An address of the router's own that it does not use yet, because another station might have it: discarded in silence
    /// (RFC 4862 section 5.4).
    public static let tentative = Forwarding(.discard, 6)
    /// Routes of which none can be used, because their next hops do not answer or their links are down: discards with
    /// "host unreachable", in IPv6 "address unreachable". Below the marks that labels have of their own.
    public static let nextHopDown = Forwarding(.discard, 15)

    /// Adjacencies below this one are no adjacencies but the special results' marks.
    static let firstAdjacency: AdjacencyIndex = 16

    /// The network or broadcast address of a connected IPv4 network.
    public static func broadcast(_ glean: AdjacencyIndex) -> Forwarding { Forwarding(.discard, glean) }

    /// Whether this is the network or broadcast address of a connected IPv4 network.
    public var isBroadcast: Bool { kind == .discard && index >= Forwarding.firstAdjacency }

    /// The word for it in commands' answers; where the configuration has one, that.
    public var word: String {
        switch kind {
        case .rewrite: "rewrite"
        case .glean: "glean"
        case .local: "local"
        case .path: "path"
        case .loadBalance: "load-balance"
        case .table: "table"
        case .discard:
            switch self {
            case .noRoute: "nothing"
            case .blackhole: "blackhole"
            case .unreachable: "unreachable"
            case .prohibit: "prohibit"
            case .loop: "loop"
            case .tentative: "tentative"
            case .nextHopDown: "next hop down"
            default: "broadcast"
            }
        }
    }
}
