// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `type: vlan`: a sub-interface, which has the frames of a port that carry its tags.
///
/// Its hardware address is its port's, and its link is up while the port can be used. Frames match by their whole stack of
/// tags, types included, whatever their priorities.
enum VLANDriver {
    private static let vlan = Schema.integer(1...4094)

    static let keys: [Schema.Key] = [
        .required("parent", .string, "The port whose frames these are"),
        .key("dot1q", vlan, "VLAN of the outer tag, an 802.1Q one; this or 'dot1ad'"),
        .key("dot1ad", vlan, "VLAN of the outer tag, an 802.1ad one: a provider's; this or 'dot1q'"),
        .key("second-dot1q", vlan, "VLAN of a second, inner 802.1Q tag (QinQ); frames with one tag if absent"),
        .key("priority", .integer(0...7), "Priority (PCP) of the frames that leave; 0 if absent"),
        .key(
            "mtu", .integer(68...16_000),
            "Longest network-layer packet, bytes; the port's, less 4 for a second tag, if absent"),
    ]

    @ControlPlane
    static func driver(_ engine: Engine, _ store: TagStore) -> InterfaceDriver {
        InterfaceDriver(
            "vlan", "A sub-interface: frames of a port with certain VLAN tags", keys: keys,
            lower: { [$0["parent"]].compactMap(\.self) }
        ) { (name, setting) throws(ConfigurationErrors) in
            let entry = try ConfigurationErrors.collecting { _ throws(ConfigurationError) in
                try VLANEntry(name, setting, store)
            }
            return { try entry.create(engine, store) }
        }
    }
}

/// One `vlan` interface as it stands in the file, checked.
struct VLANEntry {
    let name: String
    let parent: Setting
    let tags: TagStack
    let priority: UInt8
    let mtu: Setting?

    @ControlPlane
    init(_ name: String, _ setting: Setting, _ store: TagStore) throws(ConfigurationError) {
        guard let parent = setting["parent"] else {
            throw setting.error("a sub-interface needs a port", "name it with 'parent:'")
        }
        self.name = name
        self.parent = parent
        let customer = try setting["dot1q"]?.integer(in: 1...4094)
        let service = try setting["dot1ad"]?.integer(in: 1...4094)
        guard (customer == nil) != (service == nil), let outer = customer ?? service else {
            throw setting.error(
                customer == nil ? "'\(name)' has no tag" : "'\(name)' has two outer tags",
                "give it 'dot1q:' or 'dot1ad:', and an inner tag with 'second-dot1q:'")
        }
        let inner = try setting["second-dot1q"]?.integer(in: 1...4094)
        tags = TagStack(
            UInt16(outer), type: service == nil ? .vlan : .serviceVLAN, inner: inner.map { UInt16($0) })
        priority = UInt8(try setting["priority"]?.integer(in: 0...7) ?? 0)
        mtu = setting["mtu"]
        _ = try mtu?.integer(in: 68...16_000)
        let port = try parent.string
        if let other = store.claim(tags, of: port, for: name) {
            throw setting.error("\(port)'s frames with \(tags) are \(other)'s already", "give one of them other tags")
        }
    }

    @ControlPlane
    func create(_ engine: Engine, _ store: TagStore) throws -> Interface {
        let portName = try parent.string
        guard let port = engine.interface(named: portName) else {
            throw parent.error("there is no interface '\(portName)'", "name a port")
        }
        guard engine.interfaceTable[port.index].parent == port.index else {
            throw parent.error(
                "\(portName) is a sub-interface itself", "name its port, and the second tag with 'second-dot1q:'")
        }
        guard engine.interface(named: name) == nil else {
            throw ConfigurationError(at: nil, path: "interfaces.\(name)", "there is an interface of this name already")
        }
        guard engine.interfaces.count < InterfaceTable.capacity - 1 else {
            throw parent.error(
                "there are \(engine.interfaces.count) interfaces, the most that there may be", "have fewer")
        }
        let wanted = try mtu?.integer(in: 68...16_000)
        let most = port.mtu - spare
        if let wanted, wanted > most, let mtu {
            throw mtu.error(
                "\(wanted) bytes do not fit: \(portName) takes \(most) with these tags", "give \(most) or less")
        }
        let interface = engine.createInterface(name, kind: "vlan")
        try engine.attach(interface, to: VLANOutput.name)
        engine.interfaceTable[interface.index].parent = port.index
        interface.details = [("port", portName), ("tags", tags.description)]
        follow(port, interface, wanted)
        engine.linkAlarm.extend(port.index, to: interface.index)
        port.onChange { [weak interface] port in
            guard let interface else { return }
            follow(port, interface, wanted)
        }
        try store.add(interface.index, tags, of: port.index, priority: priority)
        return interface
    }

    /// What a second tag takes from the packet. A first one does not: frames may be longer by one tag (802.3 clause 3.2.7).
    private var spare: Int { tags.length - VLANView.length }

    /// Takes the port's address, state and length over.
    @ControlPlane
    private func follow(_ port: Interface, _ interface: Interface, _ wanted: Int?) {
        if interface.mac != port.mac { interface.mac = port.mac }
        let most = port.mtu - spare
        let mtu = min(wanted ?? most, most)
        if interface.mtu != mtu { interface.mtu = mtu }
        interface.speed = port.speed
        interface.setFlag(.absent, port.flags.contains(.absent))
        interface.isLinkUp = port.flags.isSuperset(of: .usable)
    }
}
