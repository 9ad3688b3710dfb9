// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// One `vlan` interface as it stands in the file, checked.
struct VLANEntry {
    let name: String
    let parent: Setting
    let match: TagMatch
    let rewrite: RewriteSetting?
    /// Nil for that of the frame's own tag.
    let priority: UInt8?
    let mtu: Setting?

    @ControlPlane
    init(_ name: String, _ setting: Setting, _ store: TagStore) throws(ConfigurationError) {
        guard let parent = setting["parent"] else {
            throw setting.error("a sub-interface needs a port", "name it with 'parent:'")
        }
        self.name = name
        self.parent = parent
        match = try VLANEntry.match(name, setting)
        let match = match
        rewrite = try setting["rewrite"].map { (rewrite) throws(ConfigurationError) in
            try RewriteSetting(rewrite, match, of: name)
        }
        priority = try VLANEntry.priority(setting, hasRewrite: rewrite != nil)
        mtu = setting["mtu"]
        _ = try mtu?.integer(in: 68...16_000)
        try checkAddresses(setting)
        try claim(setting, store)
    }

    private static func match(_ name: String, _ setting: Setting) throws(ConfigurationError) -> TagMatch {
        var ways: [TagMatch.Outer] = []
        if let vlans = try setting["dot1q"]?.vlans { ways.append(.tag(.vlan, vlans)) }
        if let vlans = try setting["dot1ad"]?.vlans { ways.append(.tag(.serviceVLAN, vlans)) }
        if try setting["untagged"]?.boolean == true { ways.append(.untagged) }
        if try setting["default"]?.boolean == true { ways.append(.others) }
        guard ways.count == 1 else {
            throw setting.error(
                ways.isEmpty ? "'\(name)' has no tag" : "'\(name)' says twice which outer tags its frames have",
                "give it one of 'dot1q:', 'dot1ad:', 'untagged: true' and 'default: true'")
        }
        let second = setting["second-dot1q"]
        let takesDeeper = try setting["exact"]?.boolean == false
        if case .tag = ways[0] {
            return TagMatch(ways[0], inner: try second?.vlans, takesDeeper: takesDeeper)
        }
        if let second {
            throw second.error(
                "'\(name)' is told by no first tag, so there is no second one",
                "give the first with 'dot1q:' or 'dot1ad:'")
        }
        guard !takesDeeper || ways[0] == .others else {
            throw setting.error("'\(name)' is untagged, and 'exact: false' is for tags", "leave 'exact' out")
        }
        return TagMatch(ways[0])
    }

    private static func priority(_ setting: Setting, hasRewrite: Bool) throws(ConfigurationError) -> UInt8? {
        guard let priority = setting["priority"] else { return hasRewrite ? nil : 0 }
        guard case .scalar("keep") = priority.value else { return UInt8(try priority.integer(in: 0...7)) }
        guard hasRewrite else {
            throw priority.error("without 'rewrite' there is no tag whose priority could be kept", "give 0 to 7")
        }
        return nil
    }

    /// What is routed out of an interface gets tags: they have to be clear.
    private func checkAddresses(_ setting: Setting) throws(ConfigurationError) {
        guard let addresses = setting["addresses"] else { return }
        guard match.isUniform else {
            throw addresses.error(
                "'\(name)' has addresses, but its frames (\(match)) do not all have the same tags: it is not clear which "
                    + "the router's own would get",
                "match one stack of tags exactly, or make it a member of a bridge whose 'type: bvi' has the addresses")
        }
        guard rewrite == nil else {
            throw addresses.error(
                "'\(name)' has addresses and a rewrite: tags of routed packets are taken off and put on without it",
                "leave 'rewrite' out, or make it a member of a bridge whose 'type: bvi' has the addresses")
        }
    }

    @ControlPlane
    private func claim(_ setting: Setting, _ store: TagStore) throws(ConfigurationError) {
        let port = try parent.string
        if match.tagCount == 0, let borrowing = setting["untagged"] ?? setting["default"] {
            store.noteBorrower(name, of: port, borrowing)
        }
        let conflict: TagStore.Conflict?
        do {
            conflict = try store.claim(match, of: port, for: name)
        } catch {
            throw setting.error("\(error)", "have fewer")
        }
        guard let conflict else { return }
        throw setting.error(
            "\(port)'s frames with \(conflict.frames) are \(conflict.owner)'s already", "give one of them other tags")
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
        if match.isUniform || match.tags != nil { try engine.attach(interface, to: VLANOutput.name) }
        engine.interfaceTable[interface.index].parent = port.index
        interface.details = [("port", portName), ("tags", match.description)]
        if let rewrite {
            interface.details.append(("rewrite", rewrite.description))
            interface.setFlag(.rewritesTags, true)
        }
        follow(port, interface, wanted)
        engine.linkAlarm.extend(port.index, to: interface.index)
        port.onChange { [weak interface] port in
            guard let interface else { return }
            follow(port, interface, wanted)
        }
        try store.add(
            interface.index, match, of: port.index, priority: priority ?? 0,
            rewrites: rewrite?.rewrites(priority: priority))
        if match.tagCount == 0 { port.setFlag(.lendsUntagged, true) }
        return interface
    }

    /// What a second tag takes from the packet. A first one does not: frames may be longer by one tag (802.3 clause 3.2.7).
    private var spare: Int { max(0, match.tagCount - 1) * VLANView.length }

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
