// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells hosts of a better first hop for what they sent, and sends the packet on.
///
/// Summary: makes an ICMP redirect, where that is allowed, about a packet that leaves by the link that it came by, to a next
/// hop in the sender's own subnet; it comes from the router's address there. Packets with source routes, about which none may be
/// sent, do not come so far (`ip4-options`).
/// Expects: the complete frame as `ip4-rewrite` has made it, with its adjacency.
/// Emits: the frame unchanged; the redirect, as the router's own packet, to `ip4-lookup`.
/// Config: `icmp.redirects`
/// Spec: RFC 792; RFC 1812 section 5.2.7.2; RFC 1122 section 3.2.2.2 for what hosts take.
public struct IP4Redirect: ContextualNode {
    public static let name = "ip4-redirect"

    public enum Next: UInt16, NextNode {
        case output, lookup

        public var node: String {
            switch self {
            case .output: "interface-output"
            case .lookup: "ip4-lookup"
            }
        }
    }

    public struct Trace: TraceRecord {
        var receiver: UInt32 = 0
        var gateway: UInt32 = 0

        public init() {}

        public var description: String {
            gateway == 0 ? "no redirect" : "\(IPv4Address(receiver)): go by \(IPv4Address(gateway))"
        }
    }

    private let tables: TableReaders
    private let policy: ICMPErrorPolicy
    private let adjacencies: AdjacencyTable
    private let networks: IPv4NetworkTable
    private var budget: ICMPErrorBudget

    init(
        tables: TableReaders, adjacencies: AdjacencyTable, networks: IPv4NetworkTable,
        settings: Published<ICMPSettings>.Reader
    ) {
        self.tables = tables
        policy = ICMPErrorPolicy(tables: tables)
        self.adjacencies = adjacencies
        self.networks = networks
        budget = ICMPErrorBudget(settings)
    }

    public mutating func decide(
        _ packet: Packet, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, NoReason> {
        let datagram = packet.bytes.dropping(first: EthernetView.length)
        guard let header = IPv4View(datagram), let gateway = gateway(packet, header) else { return .to(.output) }
        // Hosts of other subnets on the link would not find the gateway, and take no word of a router that is not in theirs.
        let interface = packet.header.rxInterface
        guard let source = networks.address(on: interface, amid: header.source, gateway),
            budget.take(UInt64(header.source.value), context.now), let redirect = context.allocate()
        else { return .to(.output) }
        trace.receiver = header.source.value
        trace.gateway = gateway.value
        IP4ICMPError.write(
            .redirect(to: gateway), about: datagram, from: source, to: header.source, into: redirect)
        redirect.header.rxInterface = packet.header.rxInterface
        context.start(redirect, on: Next.lookup)
        return .to(.output)
    }

    /// The next hop, if the sender can use it as well.
    private func gateway(_ packet: Packet, _ header: IPv4View) -> IPv4Address? {
        guard case .v4(let gateway)? = adjacencies[packet.header.adjacency].neighbor,
            policy.objection(to: packet, header) == nil
        else { return nil }
        // Whoever is a neighbour on this link itself: others would not find the gateway there.
        let back = tables.route(to: header.source, for: packet)
        let isNeighbor = adjacencies.leads(
            back, to: .v4(header.source), on: packet.header.rxInterface)
        return isNeighbor ? gateway : nil
    }
}

extension AdjacencyTable {
    /// Whether a lookup's result says that the address is a neighbour's on that interface.
    func leads(_ result: Forwarding, to address: IPAddress, on interface: InterfaceIndex) -> Bool {
        switch result.kind {
        case .glean: self[result.index].txInterface == interface
        case .rewrite: self[result.index].txInterface == interface && self[result.index].neighbor == address
        default: false
        }
    }
}
