// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes one from the TTL and puts the neighbour's Ethernet header in front.
///
/// Summary: the last step of forwarding; from here the frame is complete.
/// Expects: an IPv4 header at the current position and the adjacency set by lookup.
/// Emits: the complete frame, with its transmit interface set.
/// Drops: `truncated`, `linkBroadcast`. Packets that expire or must not be cut to fit go to `ip4-icmp-error`, those without a neighbour to `ip4-arp`.
/// Spec: RFC 1812 sections 5.3.1, 5.3.4, 4.2.2.6; RFC 1624 for the checksum.
public struct IP4Rewrite: Node {
    public static let name = "ip4-rewrite"

    public enum Next: UInt16, NextNode {
        case output, arp, icmpError, fragment

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .arp: "ip4-arp"
            case .icmpError: "ip4-icmp-error"
            case .fragment: "ip4-fragment"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, linkBroadcast

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IPv4 header"
            case .linkBroadcast: "came in a link-layer broadcast, multicast or another station's frame: not forwarded"
            }
        }
    }

    public struct Trace: TraceRecord {
        var adjacency: AdjacencyIndex = 0
        var interface: InterfaceIndex = 0
        var nextHop: UInt32 = 0
        var timeToLive: UInt8 = 0

        public init() {}

        public var description: String {
            "adjacency \(adjacency): next hop \(IPv4Address(nextHop)), interface \(interface), ttl was \(timeToLive)"
        }
    }

    let adjacencies: AdjacencyTable

    public init(adjacencies: AdjacencyTable) { self.adjacencies = adjacencies }

    @inline(__always)
    public func prefetch(_ packet: Packet) {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let adjacency = adjacencies[packet.header.adjacency]
        guard let header = IPv4View(packet.bytes) else { return .drop(.truncated) }
        let timeToLive = header.timeToLive
        trace.adjacency = packet.header.adjacency
        trace.interface = adjacency.txInterface
        trace.nextHop = adjacency.nextHop
        trace.timeToLive = timeToLive
        let isOurs = packet.header.flags.contains(.locallyOriginated)
        if !isOurs {
            guard !packet.header.flags.contains(.notToThisStation) else { return .drop(.linkBroadcast) }
            guard timeToLive > 1 else {
                packet.requestICMPError(.timeExceeded)
                return .to(.icmpError)
            }
        }
        guard packet.length <= Int(adjacency.mtu) else { return decideTooLong(packet, header, adjacency.mtu) }
        guard adjacency.state == .complete else { return .to(.arp) }
        if !isOurs { header.decrementTimeToLive() }
        packet.rewind(EthernetView.length)
        let frame = packet.bytes
        frame.store(adjacency.rewrite.0, at: 0)
        frame.store(UInt32(truncatingIfNeeded: adjacency.rewrite.1), at: 8)
        frame.store(UInt16(truncatingIfNeeded: adjacency.rewrite.1 >> 32), at: 12)
        packet.header.txInterface = adjacency.txInterface
        return .to(.output)
    }

    @inline(never)
    private func decideTooLong(_ packet: Packet, _ header: IPv4View, _ mtu: UInt32) -> Verdict<Next, Reason> {
        guard header.dontFragment else { return .to(.fragment) }
        packet.requestICMPError(.fragmentationNeeded, parameter: UInt16(truncatingIfNeeded: mtu))
        return .to(.icmpError)
    }
}
