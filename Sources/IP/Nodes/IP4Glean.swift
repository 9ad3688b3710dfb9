// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes packets for hosts on a connected network that nobody has talked to yet to the control side, which asks for
/// their hardware address and makes an adjacency.
///
/// Summary: copies of a few packets per host are held there until the answer comes; the rest is dropped.
/// Expects: an IPv4 header at the current position, and the glean adjacency of the network's interface.
/// Emits: to `ip4-icmp-error` what would expire on the way.
/// Drops: `truncated`, `linkBroadcast`, `throttled`, `queueFull`.
/// Spec: RFC 826; RFC 1122 section 2.3.2.2; RFC 1812 sections 3.3.2, 5.3.1, 5.3.4.
public struct IP4Glean: ContextualNode {
    public static let name = "ip4-glean"

    public enum Next: UInt16, NextNode {
        case icmpError

        public var node: String { "ip4-icmp-error" }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast, throttled, queueFull

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IPv4 header"
            case .linkBroadcast: "came in a link-layer broadcast, multicast or another station's frame: not forwarded"
            case .throttled: "the host's hardware address is being asked for, and enough packets wait for it"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination: UInt32 = 0
        var interface: InterfaceIndex = 0

        public init() {}

        public var description: String { "who has \(IPv4Address(destination)) on interface \(interface)?" }
    }

    private let adjacencies: AdjacencyTable
    private let neighbors: ProcessIndex
    private var throttle = ResolutionThrottle()

    init(adjacencies: AdjacencyTable, neighbors: ProcessIndex) {
        self.adjacencies = adjacencies
        self.neighbors = neighbors
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let header = IPv4View(packet.bytes) else { return .drop(.truncated) }
        let interface = adjacencies[packet.header.adjacency].txInterface
        trace.destination = header.destination.value
        trace.interface = interface
        // What `ip4-rewrite` would refuse asks no neighbour to speak.
        if !packet.header.flags.contains(.locallyOriginated) {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard header.timeToLive > 1 else {
                packet.requestICMPError(.timeExceeded)
                return .to(.icmpError)
            }
        }
        let key = UInt64(interface) << 32 | UInt64(header.destination.value)
        guard throttle.admits(key, context.now) else { return .drop(.throttled) }
        let message = NeighborMessage(.awaitsHost, about: packet)
        guard context.punt(packet, to: neighbors, note: message.rawValue) else { return .drop(.queueFull) }
        context.free(packet)
        return .kept
    }
}
