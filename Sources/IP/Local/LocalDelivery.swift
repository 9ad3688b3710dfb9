// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// How features get packets that are addressed to the router: they claim an IP protocol or a UDP port.
///
/// The packet comes whole, checked, at its IPv4 header; UDP with a right checksum and length. Multicast is not delivered.
@ControlPlane
public final class LocalDelivery {
    /// Who takes the packets.
    public enum Receiver: Sendable {
        /// A node; packets come at their IPv4 header. It must have been added.
        case node(String)
        /// A process, which gets copies.
        case process(ProcessIndex)
    }

    /// A claim that cannot be had, in words for the operator.
    public struct Conflict: Error, CustomStringConvertible {
        public let description: String
    }

    let table = LocalTable()
    private let engine: Engine

    init(engine: Engine) { self.engine = engine }

    isolated deinit { table.unmap() }

    /// Takes all packets of a protocol, ICMP included; those of UDP without asking for their port.
    public func claim(_ protocol: IPProtocol, for receiver: Receiver) throws {
        guard table[`protocol`].isNone else { throw Conflict(description: "\(`protocol`) is taken by another feature") }
        table[`protocol`] = try claim(receiver)
    }

    /// Takes the datagrams to a UDP port, limited broadcasts included.
    public func claim(udpPort port: UInt16, for receiver: Receiver) throws {
        guard table[udpPort: port].isNone else {
            throw Conflict(description: "UDP port \(port) is taken by another feature")
        }
        table[udpPort: port] = try claim(receiver)
    }

    public func release(_ protocol: IPProtocol) { table[`protocol`] = .none }

    public func release(udpPort port: UInt16) { table[udpPort: port] = .none }

    private func claim(_ receiver: Receiver) throws -> LocalClaim {
        switch receiver {
        case .process(let process): return .process(process)
        case .node(let name): return .arc(try engine.addArc(from: IP4Local.name, to: name))
        }
    }
}
