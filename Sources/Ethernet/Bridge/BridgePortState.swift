// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The state of a port in one instance of a spanning tree (802.1Q clause 8.4).
public enum BridgePortState: String, Encodable, Sendable {
    /// Frames neither pass nor teach where stations are.
    case blocking
    /// Stations are learned, frames do not pass.
    case learning
    case forwarding

    var flags: BridgePortFlags {
        switch self {
        case .blocking: []
        case .learning: .learning
        case .forwarding: .active
        }
    }
}

/// What spanning trees say of ports; those of which nobody says anything forward.
struct BridgePortStates {
    /// Of a whole port.
    private struct Port {
        /// The instance of each VLAN, by its outer tag; 0 for those that are not among them, and for frames without tags.
        var instances: [UInt16: Int] = [:]
        var states: [Int: BridgePortState] = [:]
    }

    private var ports: [InterfaceIndex: Port] = [:]

    mutating func setInstances(_ instances: [UInt16: Int], of port: InterfaceIndex) {
        ports[port, default: Port()].instances = instances
    }

    mutating func setState(_ state: BridgePortState, of port: InterfaceIndex, instance: Int) {
        ports[port, default: Port()].states[instance] = state
    }

    /// - Parameter vlan: Of the outer tag; nil for a whole port, and for frames without tags.
    func instance(of vlan: UInt16?, on port: InterfaceIndex) -> Int {
        vlan.flatMap { ports[port]?.instances[$0] } ?? 0
    }

    func state(of vlan: UInt16?, on port: InterfaceIndex) -> BridgePortState {
        ports[port]?.states[instance(of: vlan, on: port)] ?? .forwarding
    }
}

extension BridgeStore {
    // MARK: - What plugins do with bridges

    /// Says which spanning-tree instance each VLAN of a port belongs to; those that are not named, and frames without
    /// tags, belong to instance 0.
    /// - Parameters:
    ///   - instances: By VLAN, 1 to 4,094.
    ///   - port: A whole port, whose sub-interfaces or which itself are members.
    public func setInstances(_ instances: [UInt16: Int], of port: Interface) {
        states.setInstances(instances, of: port.index)
        applyStates(of: port)
    }

    /// Sets the state of a port in an instance, for all members that belong to it: one store each. What was learned
    /// stays; ``flush(_:instance:)`` forgets it.
    public func setState(_ state: BridgePortState, of port: Interface, instance: Int = 0) {
        states.setState(state, of: port.index, instance: instance)
        applyStates(of: port)
    }

    /// Forgets the stations learned by a port: all of them, or those of one instance's VLANs.
    /// - Returns: How many those were.
    @discardableResult
    public func flush(_ port: Interface, instance: Int? = nil) -> Int {
        members(of: port).reduce(0) { sum, member in
            let isMeant = instance == nil || instance == states.instance(of: vlan(of: member), on: port.index)
            return isMeant ? sum + flush(member) : sum
        }
    }

    /// Forgets the stations learned in the bridge domain of this name.
    /// - Returns: How many those were; nil when there is no such domain.
    @discardableResult
    public func flush(domain name: String) -> Int? { self[name].map { flush($0) } }

    /// How many stations were learned in the bridge domain of this name; nil when there is no such domain.
    public func stationCount(domain name: String) -> Int? { self[name].map { tally.count(ofDomain: $0.number) } }

    /// From here on a port's frames of a protocol are dropped, tunnelled, or passed to those who listen to it.
    public func setAction(_ action: BridgeControlAction, for control: BridgeControlProtocol, of port: Interface) {
        for member in members(of: port) { table[port: member.port].control[control] = action }
    }

    /// Calls `body` with each frame of a protocol that a member has punted, from its destination address on, tags and all, and
    /// the member that it came by.
    public func listen(
        to control: BridgeControlProtocol,
        _ body: @escaping @ControlPlane (_ member: Interface, _ frame: [UInt8]) -> Void
    ) {
        listeners.add(control, on: engine, body)
    }

    /// The state of a member, as the spanning tree of its port has it.
    func state(of member: BridgeMember) -> BridgePortState {
        states.state(of: vlan(of: member), on: engine.interfaceTable[member.interface.index].parent)
    }

    private func applyStates(of port: Interface) {
        for member in members(of: port) where !member.isBVI {
            let others = table[port: member.port].flags.subtracting(.active)
            table[port: member.port].flags = others.union(state(of: member).flags)
        }
    }

    /// The members that are this port, or sub-interfaces of it.
    private func members(of port: Interface) -> [BridgeMember] {
        ports.map(\.member).filter { engine.interfaceTable[$0.interface.index].parent == port.index }
    }

    private func vlan(of member: BridgeMember) -> UInt16? {
        let vlan = table[port: member.port].vlan
        return vlan == 0 ? nil : vlan
    }
}
