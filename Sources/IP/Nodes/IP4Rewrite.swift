// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes one from the TTL and puts the neighbour's Ethernet header in front.
///
/// Summary: the last step of forwarding; from here the frame is complete.
/// Expects: an IPv4 header at the current position and the adjacency set by lookup.
/// Emits: the complete frame, with its transmit interface set.
/// Drops: `linkBroadcast`. Packets that expire or don't fit go to `ip4-icmp-error`, those without a neighbour to `ip4-arp`.
/// Spec: RFC 1812 sections 5.3.1, 5.3.4, 4.2.2.6; RFC 1624 for the checksum.
public struct IP4Rewrite: Node {
    public static let name = "ip4-rewrite"

    public enum Next: UInt16, NextNode {
        case output, arp, icmpError

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .arp: "ip4-arp"
            case .icmpError: "ip4-icmp-error"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case linkBroadcast

        public var text: String {
            switch self {
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

    static let ethernetLength = 14
    let adjacencies: AdjacencyTable

    public init(adjacencies: AdjacencyTable) { self.adjacencies = adjacencies }

    @inline(__always)
    public func prefetch(_ packet: Packet) {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let adjacency = adjacencies[packet.header.adjacency]
        let bytes = packet.bytes
        let timeToLive = bytes.load(at: 8, as: UInt8.self)
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
        guard bytes.count <= Int(adjacency.mtu) else {
            packet.requestICMPError(.fragmentationNeeded, parameter: UInt16(truncatingIfNeeded: adjacency.mtu))
            return .to(.icmpError)
        }
        guard adjacency.state == .complete else { return .to(.arp) }
        if !isOurs {
            bytes.store(timeToLive &- 1, at: 8)
            // The TTL is its word's high byte: the checksum gains 0x0100, with end-around carry, and is never 0xffff (RFC 1624).
            let checksum = UInt32(bytes.load(at: 10, as: UInt16.self)) &+ UInt32(UInt16(0x0100).bigEndian)
            bytes.store(UInt16(truncatingIfNeeded: checksum &+ (checksum >= 0xffff ? 1 : 0)), at: 10)
        }
        packet.rewind(IP4Rewrite.ethernetLength)
        let frame = packet.bytes
        frame.store(adjacency.rewrite.0, at: 0)
        frame.store(UInt32(truncatingIfNeeded: adjacency.rewrite.1), at: 8)
        frame.store(UInt16(truncatingIfNeeded: adjacency.rewrite.1 >> 32), at: 12)
        packet.header.txInterface = adjacency.txInterface
        return .to(.output)
    }
}
