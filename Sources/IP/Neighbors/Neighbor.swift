// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What is known of a neighbour's hardware address.
public enum NeighborState: String, Sendable, CaseIterable, Codable {
    /// Asked for; no answer yet.
    case incomplete
    case reachable
    /// Known for long; asked again, and used meanwhile.
    case stale
    /// Given by the operator.
    case `static`
}

/// One entry of the neighbour table.
@ControlPlane
public final class Neighbor {
    public nonisolated let key: NeighborKey
    /// The adjacency that all routes through this neighbour share.
    public nonisolated let adjacency: AdjacencyIndex
    public internal(set) var state = NeighborState.incomplete
    /// Zero while incomplete.
    public internal(set) var mac = MACAddress.zero
    /// Packets that wait for the address.
    var held: [HeldPacket] = []
    /// Whether it has a host route.
    var hasRoute = false
    /// Requests sent since the last answer.
    var requests = 0
    var timer: ControlTimers.Handle?
    /// `Clock.now` when the state was last confirmed or began.
    var updated = Clock.now

    /// Seconds since the address was last confirmed; for an incomplete one, since it was first asked for.
    public var age: Double { Clock.seconds(Clock.now &- updated) }
    public var heldCount: Int { held.count }

    init(_ key: NeighborKey, adjacency: AdjacencyIndex) {
        self.key = key
        self.adjacency = adjacency
    }
}

/// A copy of a packet that waits for its neighbour's address, from its IP header or its uppermost label on.
struct HeldPacket {
    let bytes: [UInt8]
    let rxInterface: InterfaceIndex
    let isOwn: Bool
    let isLabelled: Bool
    let worker: Int

    init(_ punted: PuntedPacket) {
        bytes = Array(punted.bytes.dropFirst(punted.offset))
        rxInterface = punted.rxInterface
        isOwn = NeighborMessage(rawValue: punted.note).isOwnPacket
        isLabelled = NeighborMessage(rawValue: punted.note).kind == .awaitsAdjacencyMPLS
        worker = punted.worker
    }
}

/// How the neighbour table behaves; the defaults are those of RFC 1122 and of common practice.
public struct NeighborPolicy: Sendable {
    /// Milliseconds between requests to which no answer comes.
    public var retransmitInterval = 1000
    /// Requests without an answer before a neighbour is given up.
    public var requests = 3
    /// Milliseconds for which an answer holds before the neighbour is asked again.
    public var reachableTime = 300_000
    /// Entries, static ones included.
    public var maximum = 65536

    public init() {}
}

/// What the neighbour table did, in sum.
public struct NeighborCounters: Sendable, Encodable, Hashable {
    public var requestsSent = 0
    public var repliesSent = 0
    public var announcementsSent = 0
    /// Packets that had to leave the queue of a neighbour to make room for later ones.
    public var heldDropped = 0
    /// Packets whose neighbour did not answer.
    public var unanswered = 0
    /// Packets and claims that found the table full.
    public var tableFull = 0
    /// ARP packets from senders that are not on the port's networks.
    public var senderOffSubnet = 0
    /// Claims to one of the router's own addresses.
    public var conflicts = 0
    /// Frames that the worker's queue had no room for.
    public var injectFailed = 0
}
