// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// A next hop with a backup: what stands ready for it, and how it fares.
///
/// There are two kinds of backup. One of the next hop itself (RFC 5286's per-link alternate, RFC 4090's facility bypass)
/// takes over everything that leads there; one of a path takes over that path alone. The same store to the next
/// hop's adjacency puts all of them in force.
@ControlPlane
public final class Protection {
    enum Phase {
        case inUse
        case failed
        /// The failure is over, and the wait-to-restore time runs; without an end when that takes an operator.
        case waiting
    }

    public nonisolated let adjacency: AdjacencyIndex
    public nonisolated let key: NeighborKey
    /// The next hop's own backup, wherever it was said.
    var own: OwnBackup?
    /// Paths by this next hop that have backups of their own, by number.
    var paths: Set<UInt32> = []
    /// Neighbours that took over from paths which routes have left since it failed; each is counted as a use.
    var successors: Set<AdjacencyIndex> = []
    /// Instead of the section's.
    var policy: RestorationPolicy?
    var phase = Phase.inUse
    /// A next hop that never worked is not made to wait when it comes up for the first time.
    var wasInUse = false
    /// The switch that is not undone yet, by its number in the history.
    var current: Int?
    var timer: ControlTimers.Handle?
    /// `Clock.now` when the wait ends.
    var deadline: UInt64?
    /// Failures in a row: since it was last in use for long enough.
    var failures = 0
    /// `Clock.now` when traffic last went back.
    var restored: UInt64 = 0
    /// Since the start, or since they were cleared: switches to the backup, and failures in a row among them or during
    /// a wait.
    var switches = 0
    var flaps = 0

    init(_ adjacency: AdjacencyIndex, _ key: NeighborKey) {
        self.adjacency = adjacency
        self.key = key
    }

    /// Whether anything takes over when the next hop fails.
    public var isProtected: Bool { own != nil || !paths.isEmpty || !successors.isEmpty }
}

/// A backup that was set for a next hop, and what it comes to at the moment.
struct OwnBackup {
    enum Scope: String, Sendable, Codable {
        /// For this next hop.
        case nextHop = "next-hop"
        /// For every next hop on the interface.
        case link
    }

    let scope: Scope
    /// The way as it was said.
    let path: Path
    /// Follows the way to where it leads.
    let list: PathListIndex
    /// What workers have: a use of it is counted. `noRoute` when there is nothing to use.
    var forwarding = Forwarding.noRoute
}
