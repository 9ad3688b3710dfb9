// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// How features get packets that are addressed to the router, or to a group: they claim an IP protocol or a UDP port, of one
/// address family or of both.
///
/// The packet comes whole, checked, at its IP header; UDP with a right checksum and length. IPv6 extension headers in front
/// of what was claimed have been judged. Of groups those of a link come (224.0.0.0/24, ff00::/8).
@ControlPlane
public final class LocalDelivery {
    /// Who takes the packets.
    public enum Receiver: Sendable {
        /// A node; packets come at their IP header. It must have been added.
        case node(String)
        /// A process, which gets copies.
        case process(ProcessIndex)
    }

    /// A claim that cannot be had, in words for the operator.
    public struct Conflict: Error, CustomStringConvertible {
        public let description: String
    }

    let ip4 = LocalTable()
    let ip6 = LocalTable()
    private let engine: Engine
    /// Arcs to nodes that have claimed something: one for each node and family.
    private var arcs: [AddressFamily: [String: UInt16]] = [:]

    init(engine: Engine) { self.engine = engine }

    isolated deinit {
        ip4.unmap()
        ip6.unmap()
    }

    /// Takes all packets of a protocol, ICMP included; those of UDP without asking for their port.
    public func claim(
        _ protocol: IPProtocol, of families: [AddressFamily] = AddressFamily.allCases, for receiver: Receiver
    ) throws {
        guard families.allSatisfy({ table($0)[`protocol`].isNone }) else {
            throw Conflict(description: "\(`protocol`) is taken by another feature")
        }
        for family in families { table(family)[`protocol`] = try claim(receiver, family) }
    }

    /// Takes the datagrams to a UDP port, limited broadcasts and groups included.
    public func claim(
        udpPort port: UInt16, of families: [AddressFamily] = AddressFamily.allCases, for receiver: Receiver
    ) throws {
        guard families.allSatisfy({ table($0)[udpPort: port].isNone }) else {
            throw Conflict(description: "UDP port \(port) is taken by another feature")
        }
        for family in families { table(family)[udpPort: port] = try claim(receiver, family) }
    }

    /// Gives the protocol back: its packets are refused again.
    public func release(_ protocol: IPProtocol, of families: [AddressFamily] = AddressFamily.allCases) {
        for family in families { table(family)[`protocol`] = .none }
    }

    /// Gives the port back: its datagrams are refused again.
    public func release(udpPort port: UInt16, of families: [AddressFamily] = AddressFamily.allCases) {
        for family in families { table(family)[udpPort: port] = .none }
    }

    private func table(_ family: AddressFamily) -> LocalTable { family == .ipv4 ? ip4 : ip6 }

    private func claim(_ receiver: Receiver, _ family: AddressFamily) throws -> LocalClaim {
        switch receiver {
        case .process(let process): return .process(process)
        case .node(let name):
            if let arc = arcs[family]?[name] { return .arc(arc) }
            let arc = try engine.addArc(from: family == .ipv4 ? IP4Local.name : IP6Local.name, to: name)
            arcs[family, default: [:]][name] = arc
            return .arc(arc)
        }
    }
}
