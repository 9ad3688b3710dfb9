// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What a node tells the process `neighbors` with a punted packet: why, and the packet's flags that must not be lost.
struct NeighborMessage: RawRepresentable, BitwiseCopyable {
    enum Kind: UInt32 {
        /// An ARP packet that passed the checks of `arp-input`.
        case arp
        /// The same, which the node has answered.
        case answeredARP
        /// An ARP packet whose sender claims one of the router's own addresses.
        case conflict
        /// An ARP request for somebody else's address, on an interface with proxy ARP.
        case proxy
        /// An IPv4 packet that waits for the adjacency it carries.
        case awaitsAdjacency
        /// An IPv4 packet to a host on the connected network of the glean adjacency it carries.
        case awaitsHost
        /// A neighbor discovery message that passed the checks of its node, from its IPv6 header on.
        case discovery
        /// The same, which the node has answered.
        case answeredDiscovery
        /// An IPv6 packet that waits for the adjacency it carries.
        case awaitsAdjacency6
        /// An IPv6 packet to a host on the connected network of the glean adjacency it carries.
        case awaitsHost6
        /// A labelled packet that waits for the adjacency it carries, from its label stack on.
        case awaitsAdjacencyMPLS
        /// A neighbor solicitation for somebody else's address, on an interface with proxy neighbor discovery, from its
        /// IPv6 header on.
        case proxyDiscovery
    }

    let rawValue: UInt32

    private static let kept: BufferFlags = [.locallyOriginated, .pinned, .hasTable]

    init(rawValue: UInt32) { self.rawValue = rawValue }

    init(_ kind: Kind, about packet: Packet) {
        rawValue = kind.rawValue | UInt32(packet.header.flags.intersection(NeighborMessage.kept).rawValue) << 16
    }

    var kind: Kind? { Kind(rawValue: rawValue & 0xffff) }
    var flags: BufferFlags { BufferFlags(rawValue: UInt16(rawValue >> 16)) }
}

/// Keeps a worker from flooding the control side with packets to neighbours that do not answer.
///
/// As many packets to one neighbour pass at once as the control side holds, then a few a second, so that what it
/// holds is not too old.
struct ResolutionThrottle {
    private static let total = TokenRate(perSecond: 1000, burst: 512)
    private static let perNeighbor = TokenRate(perSecond: 4, burst: NeighborTable.heldPerNeighbor)

    private var all = TokenBucket()
    private var neighbors = TokenBuckets()

    /// - Parameter key: Tells neighbours apart.
    mutating func admits(_ key: UInt64, _ now: UInt64) -> Bool {
        guard all.hasToken(now, ResolutionThrottle.total) else { return false }
        guard neighbors.take(key, now, ResolutionThrottle.perNeighbor) else { return false }
        return all.take(now, ResolutionThrottle.total)
    }
}
