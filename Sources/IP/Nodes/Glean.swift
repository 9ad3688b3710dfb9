// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes packets for hosts on a connected network that nobody has talked to yet to the control side, which asks for
/// their hardware address and makes an adjacency: `ip4-glean` and `ip6-glean`.
///
/// Summary: copies of a few packets per host are held there until the answer comes; the rest is dropped.
/// Expects: an IP header at the current position, and the glean adjacency of the network's interface.
/// Emits: to `ip4-icmp-error` or `ip6-icmp-error` what would expire on the way.
/// Drops: `truncated`, `linkBroadcast`, `throttled`, `queueFull`.
/// Spec: RFC 826; RFC 1122 section 2.3.2.2; RFC 1812 sections 3.3.2, 5.3.1, 5.3.4; RFC 4861 section 7.2.2.
struct Glean<Family: NodeFamily>: ContextualNode {
    static var name: String { Family.gleanNode }

    enum Next: UInt16, NextNode {
        case icmpError

        var node: String { Family.icmpErrorNode }
    }

    enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast, throttled, queueFull

        var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IP header"
            case .linkBroadcast: "came in a link-layer broadcast, multicast or another station's frame: not forwarded"
            case .throttled: "the host's hardware address is being asked for, and enough packets wait for it"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    struct Trace: TraceRecord {
        var destination: IPAddress?
        var interface: InterfaceIndex = 0

        init() {}

        var description: String {
            "who has \(destination.map(String.init(describing:)) ?? "what") on interface \(interface)?"
        }
    }

    private let adjacencies: AdjacencyTable
    private var resolver: Resolver

    init(adjacencies: AdjacencyTable, neighbors: ProcessIndex) {
        self.adjacencies = adjacencies
        resolver = Resolver(neighbors: neighbors)
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        guard let (destination, timeToLive) = Family.destination(of: packet) else { return .drop(.truncated) }
        let interface = adjacencies[packet.header.adjacency].txInterface
        trace.destination = destination
        trace.interface = interface
        // What the rewrite node would refuse asks no neighbour to speak.
        if !packet.header.flags.contains(.locallyOriginated) {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard timeToLive > 1 else {
                Family.requestTimeExceeded(packet)
                return .to(.icmpError)
            }
        }
        switch resolver.ask(Family.awaitsHost, Resolver.key(destination, on: interface), packet, context) {
        case .asked: return .kept
        case .throttled: return .drop(.throttled)
        case .queueFull: return .drop(.queueFull)
        }
    }
}
