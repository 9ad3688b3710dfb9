// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A path-list's number, which routes keep.
public typealias PathListIndex = UInt32

/// The paths of a route, shared by all routes with the same paths, and what they come to at the moment.
@ControlPlane
public final class PathList {
    /// What the paths lead to.
    public enum State: String, Sendable, Codable {
        case usable
        /// No path can be used: another source's route, or a shorter prefix, takes over.
        case unusable
        /// The paths lead back to themselves: what takes them is discarded until that is mended.
        case loop
    }

    public nonisolated let index: PathListIndex
    public nonisolated let paths: [Path]
    /// Not shared: this route alone counts on the load-balance.
    public nonisolated let isCounted: Bool
    /// What routes with these paths put into the lookup table; never changes. What it leads to does.
    public nonisolated let forwarding: Forwarding
    public internal(set) var state = State.unusable
    /// Routes, labels and other features that use it.
    public internal(set) var references = 0
    /// What there is to choose from, of the preference in use; those that can't be used now among them.
    var members: [Member] = []
    /// The members' results in the order of `members`, each with a use counted.
    var results: [Forwarding] = []
    /// Which member has each bucket while all of them are there, where that follows from the members of before; nil for what
    /// the weights alone come to.
    var owners: [UInt8]?
    /// A table had no room for all that it comes to.
    var isShort = false
    /// Path-lists that this one leads through, those that it would lead through if they worked, and those to which this
    /// one is either.
    var via: Set<PathListIndex> = []
    var passed: Set<PathListIndex> = []
    var dependents: Set<PathListIndex> = []
    /// Addresses whose covering routes decide about this list.
    var hops: Set<Hop> = []
    /// Neighbours whose states decide about this list, those of backups and of preferences not in use among them; each
    /// with a use counted.
    var neighbors: Set<AdjacencyIndex> = []

    struct Member: Hashable {
        var leaf: Leaf
        var weight: Double
    }

    /// A next hop that another route leads to.
    struct Hop: Hashable {
        let address: IPAddress
        let table: TableIndex
    }

    init(_ index: PathListIndex, _ paths: [Path], isCounted: Bool, _ forwarding: Forwarding) {
        self.index = index
        self.paths = paths
        self.isCounted = isCounted
        self.forwarding = forwarding
    }

    /// The load-balance that its routes share; nil when they lead straight to where they go.
    public nonisolated var loadBalance: UInt32? { forwarding.kind == .loadBalance ? forwarding.index : nil }

    /// Whether routes with these paths are in the lookup table: those in a loop are, so that what takes them is
    /// discarded and does not follow a shorter prefix.
    var isInForce: Bool { state != .unusable }
}
