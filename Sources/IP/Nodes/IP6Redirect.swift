// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells hosts of a better first hop for what they sent, and sends the packet on.
///
/// Summary: makes a redirect, where that is allowed, about a packet that leaves by the link that it came by: to a router
/// whose link-local address is known, or to the destination itself.
/// Expects: the complete frame as `ip6-rewrite` has made it, with its adjacency.
/// Emits: the frame unchanged; the redirect, as the router's own packet, to `ip6-lookup`.
/// Config: `icmp.redirects`
/// Spec: RFC 4861 sections 4.5, 8.2; RFC 4443 section 2.4 e, f.
public struct IP6Redirect: ContextualNode {
    public static let name = "ip6-redirect"

    public enum Next: UInt16, NextNode {
        case output, lookup

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .lookup: "ip6-lookup"
            }
        }
    }

    public struct Trace: TraceRecord {
        var receiver = IPv6Address.any
        var target = IPv6Address.any

        public init() {}

        public var description: String {
            target.isUnspecified ? "no redirect" : "\(receiver): go by \(target)"
        }
    }

    /// Bytes of a redirect in front of the quoted packet: IPv6, ICMPv6 with both addresses, the target's station, and the
    /// head of the option that quotes.
    private static let headLength = IPv6View.length + 40 + 8 + 8

    private let tables: TableReaders
    private let policy: ICMPv6ErrorPolicy
    private let adjacencies: AdjacencyTable
    private let addresses: PrimaryAddressTable
    private var budget: ICMPErrorBudget

    init(
        tables: TableReaders, adjacencies: AdjacencyTable, addresses: PrimaryAddressTable,
        settings: Published<ICMPSettings>.Reader
    ) {
        self.tables = tables
        policy = ICMPv6ErrorPolicy(tables: tables)
        self.adjacencies = adjacencies
        self.addresses = addresses
        budget = ICMPErrorBudget(settings)
    }

    public mutating func decide(
        _ packet: Packet, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, NoReason> {
        let datagram = packet.bytes.dropping(first: EthernetView.length)
        guard let header = IPv6View(datagram), let target = target(packet, header) else { return .to(.output) }
        let source = addresses.linkLocal(packet.header.rxInterface)
        guard !source.isUnspecified,
            budget.take(header.source.high ^ header.source.low, context.now),
            let redirect = context.allocate()
        else { return .to(.output) }
        trace.receiver = header.source
        trace.target = target
        // The frame begins with the station of the next hop, which is the target's.
        let station = MACAddress(packet.bytes, at: 0)
        IP6Redirect.write(target, at: station, about: datagram, header, from: source, into: redirect)
        redirect.header.rxInterface = packet.header.rxInterface
        context.start(redirect, on: Next.lookup)
        return .to(.output)
    }

    /// The better first hop, if the sender can use it.
    private func target(_ packet: Packet, _ header: IPv6View) -> IPv6Address? {
        guard case .v6(let next)? = adjacencies[packet.header.adjacency].neighbor,
            next.isLinkLocal || next == header.destination,
            policy.objection(to: packet, header, .noRoute) == nil
        else { return nil }
        let back = tables.route(to: header.source, for: packet)
        let isNeighbor = adjacencies.leads(back, to: .v6(header.source), on: packet.header.rxInterface)
        return isNeighbor ? next : nil
    }

    private static func write(
        _ target: IPv6Address, at station: MACAddress, about datagram: Bytes, _ header: IPv6View,
        from source: IPv6Address, into redirect: Packet
    ) {
        // The option that quotes is a multiple of eight bytes long.
        let quoted = min(datagram.count, IP6ICMPError.longest - headLength) & ~7
        redirect.truncate(to: headLength + quoted)
        let bytes = redirect.bytes
        IPv6Header(
            source: source, destination: header.source, nextHeader: .icmp6,
            payloadLength: bytes.count - IPv6View.length, hopLimit: 255, trafficClass: IP6ICMPError.trafficClass
        ).emit(into: bytes)
        let message = bytes.dropping(first: IPv6View.length)
        target.emit(into: message, at: 8)
        header.destination.emit(into: message, at: 24)
        message.storeNetwork(UInt16(NDOptionKind.targetLinkLayerAddress.rawValue) << 8 | 1, at: 40)
        station.emit(into: message, at: 42)
        let units = UInt64(truncatingIfNeeded: quoted / 8 + 1)
        message.storeNetwork(UInt64(NDOptionKind.redirectedHeader.rawValue) << 56 | units << 48, at: 48)
        (message.start + 56).copyMemory(from: datagram.start, byteCount: quoted)
        ICMPv6Message(type: .redirect).emit(into: message, source: source, destination: header.source)
        redirect.header.flags.insert(.locallyOriginated)
    }
}
