// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Ends the way of packets for which lookup found no neighbour: drops them, with word to the sender where it is due.
///
/// Summary: no route, next hops that are down, blackhole, unreachable and prohibit routes, and broadcasts to connected networks.
/// Expects: a checked IPv4 header; in the adjacency, the mark of the lookup's result.
/// Emits: to `ip4-icmp-error` what the sender must hear of; to `ip4-local` a broadcast from the network that it is for; to
/// `interface-output`, where that is allowed, one to another network, as a broadcast on its link.
/// Drops: `blackhole`, `directedBroadcast`, `broadcastTooLong`, `routeLoop`, `tentative`, `truncated`.
/// Config: `interfaces.NAME.directed-broadcast`
/// Spec: RFC 1812 sections 5.2.7.1, 5.3.5; RFC 2644.
public struct IP4NoForwarding: Node {
    public static let name = "ip4-no-forwarding"

    public enum Next: UInt16, NextNode {
        case icmpError, local, output

        public var node: String {
            switch self {
            case .icmpError: "ip4-icmp-error"
            case .local: "ip4-local"
            case .output: "interface-output"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case blackhole, directedBroadcast, broadcastTooLong, routeLoop, tentative, truncated

        public var text: String {
            switch self {
            case .blackhole: "a route of type blackhole"
            case .routeLoop: "tables lead to each other, or next hops to themselves, without end"
            case .tentative: "to an address that the router does not use before it knows that nobody else has it"
            case .truncated: "the packet is shorter than an IPv4 header"
            case .broadcastTooLong: "a broadcast to a connected network, longer than its link takes"
            case .directedBroadcast: "to the network or broadcast address of a connected network"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination: UInt32 = 0
        var adjacency: AdjacencyIndex = 0

        public init() {}

        public var description: String {
            switch adjacency {
            case Forwarding.noRoute.index: "\(IPv4Address(destination)): no route"
            case Forwarding.nextHopDown.index: "\(IPv4Address(destination)): no next hop that can be used"
            case Forwarding.blackhole.index: "\(IPv4Address(destination)): blackhole"
            case Forwarding.unreachable.index: "\(IPv4Address(destination)): unreachable"
            case Forwarding.loop.index: "\(IPv4Address(destination)): a loop of tables or next hops"
            case Forwarding.prohibit.index: "\(IPv4Address(destination)): prohibited"
            case Forwarding.tentative.index: "\(IPv4Address(destination)): not the router's yet"
            default: "\(IPv4Address(destination)): broadcast to a connected network, adjacency \(adjacency)"
            }
        }
    }

    private let adjacencies: AdjacencyTable
    private let interfaces: InterfaceTable
    private let tables: TableReaders

    init(adjacencies: AdjacencyTable, interfaces: InterfaceTable, tables: TableReaders) {
        self.adjacencies = adjacencies
        self.interfaces = interfaces
        self.tables = tables
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv4View(packet.bytes) else { return .drop(.truncated) }
        trace.destination = header.destination.value
        var mark = packet.header.adjacency
        if mark == Forwarding.noRoute.index, tables.hasUnusableRoute(to: header.destination, for: packet) {
            mark = Forwarding.nextHopDown.index
        }
        trace.adjacency = mark
        switch mark {
        case Forwarding.noRoute.index: return refuse(packet, .networkUnreachable)
        case Forwarding.nextHopDown.index: return refuse(packet, .nextHopDown)
        case Forwarding.blackhole.index: return .drop(.blackhole)
        case Forwarding.unreachable.index: return refuse(packet, .hostUnreachable)
        case Forwarding.loop.index: return .drop(.routeLoop)
        case Forwarding.prohibit.index: return refuse(packet, .prohibited)
        case Forwarding.tentative.index: return .drop(.tentative)
        default: return decideBroadcast(packet)
        }
    }

    /// A broadcast on the link from which it came is for the router too; one from elsewhere is forwarded only where an
    /// operator said so.
    private func decideBroadcast(_ packet: Packet) -> Verdict<Next, Reason> {
        let adjacency = adjacencies[packet.header.adjacency]
        if packet.header.flags.contains(.notToThisStation) {
            return adjacency.txInterface == packet.header.rxInterface ? .to(.local) : .drop(.directedBroadcast)
        }
        let interface = interfaces[adjacency.txInterface]
        // All ones: to the network's own address nobody broadcasts any more (RFC 1812 section 4.2.3.1).
        guard interface.flags.contains(.directedBroadcast), let header = IPv4View(packet.bytes),
            header.destination.value & 1 == 1
        else { return .drop(.directedBroadcast) }
        guard packet.length <= Int(adjacency.mtu) else { return .drop(.broadcastTooLong) }
        if !packet.header.flags.contains(.locallyOriginated) {
            guard header.timeToLive > 1 else { return refuse(packet, .timeExceeded) }
            header.decrementTimeToLive()
        }
        let frame = packet.rewind(EthernetView.length)
        EthernetHeader(destination: .broadcast, source: MACAddress(littleEndian: interface.mac), type: .ipv4)
            .emit(into: frame)
        packet.header.txInterface = adjacency.txInterface
        packet.header.flags.remove(.hasTable)
        return .to(.output)
    }

    private func refuse(_ packet: Packet, _ request: ICMPErrorRequest) -> Verdict<Next, Reason> {
        packet.requestICMPError(request)
        return .to(.icmpError)
    }
}
