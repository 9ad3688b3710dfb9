// SPDX-License-Identifier: Apache-2.0
import Graph

/// `cross-connects:` pairs of interfaces, by name.
struct CrossConnectsSection {
    static let key = "cross-connects"

    static let schema = Schema.map(
        of: .list(of: .string),
        doc:
            "Pairs of ports or sub-interfaces: what comes in by one leaves by the other, whatever it is. The name, then the two"
    )

    struct Entry {
        let name: String
        let ends: [BridgeMemberEntry]
    }

    let entries: [Entry]

    init(_ setting: Setting) throws(ConfigurationErrors) {
        var errors = ConfigurationErrors()
        var owners: [String: String] = [:]
        var entries: [Entry] = []
        let map = errors.collect { () throws(ConfigurationError) in try setting.map }
        for pair in map ?? [] {
            let ends = errors.collect { () throws(ConfigurationError) in
                let list = try pair.value.list
                guard list.count == 2 else {
                    throw pair.value.error(
                        "a cross-connect has \(list.count) ends", "name two interfaces: [port1, port2]")
                }
                var ends: [BridgeMemberEntry] = []
                for end in list { ends.append(try BridgeMemberEntry(end)) }
                return ends
            }
            for end in ends ?? [] {
                if let owner = owners[end.name] {
                    errors.append(
                        end.setting.error("\(end.name) is an end of \(owner) already", "connect it to one interface"))
                }
                owners[end.name] = pair.key
            }
            if let ends { entries.append(Entry(name: pair.key, ends: ends)) }
        }
        self.entries = entries
        try errors.throwIfAny()
    }

    /// Names in this section that no interface has, and interfaces that cannot be ends.
    func objections(to file: Setting, members: [BridgeMemberEntry]) -> [ConfigurationError] {
        let ends = entries.flatMap(\.ends)
        let bridged = Set(members.map(\.name))
        let types = (try? file["interfaces"]?.map) ?? []
        let routed = Set(types.filter { (try? $0.value["type"]?.string) == BVIDriver.kind }.map(\.key))
        return BridgeMemberEntry.objections(ends, to: file) { _ in "another port, or with 'type: bvi' in a bridge" }
            + ends.compactMap { end in
                if bridged.contains(end.name) {
                    return end.setting.error(
                        "\(end.name) is a member of a bridge as well", "leave it in one of the two")
                }
                guard routed.contains(end.name) else { return nil }
                return end.setting.error("\(end.name) is a member of bridges only", "connect a port or a sub-interface")
            }
    }

    /// Connects the interfaces.
    @ControlPlane
    func apply(to store: BridgeStore) {
        for entry in entries {
            guard let one = store.engine.interface(named: entry.ends[0].name),
                let other = store.engine.interface(named: entry.ends[1].name)
            else { continue }
            store.connect(one, other)
            store.connections.append(BridgeStore.Connection(name: entry.name, ends: [one, other]))
        }
    }
}
