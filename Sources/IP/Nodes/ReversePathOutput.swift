// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Why `ip4-tx-urpf` and `ip6-tx-urpf` drop a packet.
public enum ReversePathOutputReason: UInt16, DropReason {
    case noRoute, sameInterface, ownSource

    public var text: String {
        switch self {
        case .noRoute: "there is no route to the source, by the table of the interface it leaves by"
        case .sameInterface: "the route to the source leads through the interface it leaves by"
        case .ownSource: "the source address is the router's own, and the router did not send it"
        }
    }
}

/// Judges the route to the source of a packet that is about to leave, by the table in which an answer would be looked up.
struct ReversePathOutputCheck: BitwiseCopyable, Sendable {
    let exits: RouteExits
    let modes: ReversePathModes

    /// The table of the interface by which the packet leaves.
    func table(for packet: Packet) -> UInt32 { exits.tables.interfaces[packet.header.txInterface].table }

    /// Whether the packet leaves by the link that it came by.
    func isTurning(_ packet: Packet) -> Bool { packet.header.txInterface == packet.header.rxInterface }

    /// What speaks against a packet from a source with this route, other tables followed; nil when nothing does.
    ///
    /// What leads to the source through this interface only while a next hop is down does not count: until then the packet came
    /// by another.
    /// - Parameter lookUp: Looks the source up in another table.
    func objection(
        _ result: Forwarding, _ packet: Packet, _ lookUp: (_ table: UInt32) -> Forwarding
    ) -> ReversePathOutputReason? {
        let interface = packet.header.txInterface
        switch result.kind {
        case .discard: return .noRoute
        case .local: return .ownSource
        case .rewrite, .glean, .path, .loadBalance, .table:
            guard modes.isStrict(interface) else { return nil }
            return exits.lead(result, through: interface, withBackups: false, lookUp) ? .sameInterface : nil
        }
    }
}
