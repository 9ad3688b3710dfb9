// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What the packets for a neighbour that has to be asked for have of their own: those of an address family, and labelled
/// ones.
protocol NeighborFamily: Sendable {
    static var discoverNode: String { get }
    /// What the control side is told with such a packet.
    static var awaitsAdjacency: NeighborMessage.Kind { get }
}

/// What the nodes of one address family have of their own where they are the same otherwise.
protocol NodeFamily: NeighborFamily {
    static var gleanNode: String { get }
    static var icmpErrorNode: String { get }
    /// What the control side is told with a packet for a host that has to be asked for.
    static var awaitsHost: NeighborMessage.Kind { get }

    /// Destination and time to live of the packet at the current position; nil when there is no whole header.
    static func destination(of packet: Packet) -> (address: IPAddress, timeToLive: UInt8)?
    /// Asks that the sender be told of an expired packet.
    static func requestTimeExceeded(_ packet: Packet)
}

/// The nodes whose names begin with `ip4-`.
enum IPv4Nodes: NodeFamily {
    static var discoverNode: String { "ip4-arp" }
    static var gleanNode: String { "ip4-glean" }
    static var icmpErrorNode: String { "ip4-icmp-error" }
    static var awaitsAdjacency: NeighborMessage.Kind { .awaitsAdjacency }
    static var awaitsHost: NeighborMessage.Kind { .awaitsHost }

    static func destination(of packet: Packet) -> (address: IPAddress, timeToLive: UInt8)? {
        IPv4View(packet.bytes).map { (.v4($0.destination), $0.timeToLive) }
    }

    static func requestTimeExceeded(_ packet: Packet) { packet.requestICMPError(.timeExceeded) }
}

/// The nodes whose names begin with `ip6-`.
enum IPv6Nodes: NodeFamily {
    static var discoverNode: String { "ip6-discover-neighbor" }
    static var gleanNode: String { "ip6-glean" }
    static var icmpErrorNode: String { "ip6-icmp-error" }
    static var awaitsAdjacency: NeighborMessage.Kind { .awaitsAdjacency6 }
    static var awaitsHost: NeighborMessage.Kind { .awaitsHost6 }

    static func destination(of packet: Packet) -> (address: IPAddress, timeToLive: UInt8)? {
        IPv6View(packet.bytes).map { (.v6($0.destination), $0.hopLimit) }
    }

    static func requestTimeExceeded(_ packet: Packet) { packet.requestICMPv6Error(.timeExceeded) }
}

/// The nodes whose names begin with `mpls-`.
enum MPLSNodes: NeighborFamily {
    static var discoverNode: String { "mpls-adj-incomplete" }
    static var awaitsAdjacency: NeighborMessage.Kind { .awaitsAdjacencyMPLS }
}

typealias IP4ARP = DiscoverNeighbor<IPv4Nodes>
typealias IP6DiscoverNeighbor = DiscoverNeighbor<IPv6Nodes>
typealias MPLSIncomplete = DiscoverNeighbor<MPLSNodes>
typealias IP4Glean = Glean<IPv4Nodes>
typealias IP6Glean = Glean<IPv6Nodes>
