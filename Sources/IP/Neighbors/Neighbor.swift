// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What is known of a neighbour's hardware address (RFC 4861 section 7.3.2; the same for IPv4).
public enum NeighborState: String, Sendable, CaseIterable, Codable {
    /// Asked for; no answer yet.
    case incomplete
    /// Confirmed not long ago.
    case reachable
    /// Known, not confirmed for long; nothing is asked as long as no packet is sent to it.
    case stale
    /// Stale and in use: asked before long.
    case delay
    /// Asked by unicast whether it is still there; used meanwhile.
    case probe
    /// Did not answer, and has routes behind it: those go elsewhere until it answers (RFC 7048).
    case unreachable
    /// Given by the operator.
    case `static`

    /// Whether packets can be sent to it.
    public var isUsable: Bool { self != .incomplete && self != .unreachable }
}

/// One entry of the neighbour table.
@ControlPlane
public final class Neighbor {
    public nonisolated let key: NeighborKey
    /// The adjacency that all routes through this neighbour share; the same as long as the entry lives, whatever becomes of
    /// its hardware address.
    public nonisolated let adjacency: AdjacencyIndex
    public internal(set) var state = NeighborState.incomplete
    /// Zero as long as none was told.
    public internal(set) var mac = MACAddress.zero
    /// It said that it is a router (IPv6).
    public internal(set) var isRouter = false
    /// Packets that wait for the address.
    var held: [HeldPacket] = []
    /// Whether it has a host route.
    var hasRoute = false
    /// Requests sent since the last answer.
    var requests = 0
    var timer: ControlTimers.Handle?
    /// `Clock.now` when the address was last confirmed, or first asked for.
    var confirmed = Clock.now
    /// Packets that the adjacency had counted when somebody last looked, and when that number last changed.
    var packets: UInt64 = 0
    var used = Clock.now
    /// How often somebody wants it kept resolved, by the probe interval in milliseconds; 0 for the usual one.
    var keepers: [Int: Int] = [:]
    /// Whether it is counted among those that were never heard of.
    var isCountedIncomplete = false
    /// Whether it stands in the queue of stale entries.
    var isQueued = false

    /// Seconds since the address was last confirmed; for an incomplete one, since it was first asked for.
    public var age: Double { Clock.seconds(Clock.now &- confirmed) }
    public var heldCount: Int { held.count }
    /// Whether somebody wants it to be resolved although no packet is sent to it.
    public var isKept: Bool { !keepers.isEmpty }
    /// Milliseconds between probes, as its keepers want it; nil when none wants it short.
    var probeInterval: Int? { keepers.keys.lazy.filter { $0 > 0 }.min() }

    init(_ key: NeighborKey, adjacency: AdjacencyIndex) {
        self.key = key
        self.adjacency = adjacency
    }
}

/// A copy of a packet that waits for its neighbour's address, from its network-layer header or label stack on.
struct HeldPacket {
    enum Kind {
        case ip4, ip6, mpls
    }

    let bytes: [UInt8]
    let kind: Kind
    let rxInterface: InterfaceIndex
    /// The table that it was routed by, where `flags` say so: it came out of a tunnel.
    let table: UInt32
    let flags: BufferFlags
    let worker: Int

    init(_ punted: PuntedPacket, _ kind: Kind) {
        bytes = Array(punted.bytes.dropFirst(punted.offset))
        self.kind = kind
        rxInterface = punted.rxInterface
        table = punted.txInterface
        flags = NeighborMessage(rawValue: punted.note).flags
        worker = punted.worker
    }

    var destination: IPAddress? {
        var bytes = bytes
        return bytes.withBytes { window in
            switch kind {
            case .ip4: IPv4View(window).map { .v4($0.destination) }
            case .ip6: IPv6View(window).map { .v6($0.destination) }
            case .mpls: nil
            }
        }
    }
}
