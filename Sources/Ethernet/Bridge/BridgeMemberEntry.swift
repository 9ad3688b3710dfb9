// SPDX-License-Identifier: Apache-2.0
import Graph

/// One member of a bridge domain as it stands in the file, checked.
struct BridgeMemberEntry {
    let name: String
    let setting: Setting
    /// The split-horizon group, 0 for none.
    var group: UInt16 = 0
    /// Stations at most; nil when the domain's limit is the only one.
    var limit: Int?
    var control = BridgeControlActions.standard
    /// Frames per second, by ``FloodKind``; nil without storm control.
    var storm: [Int?]?

    private static let action = Schema.choice(of: BridgeControlAction.self)
    private static let controls: [(key: String, control: BridgeControlProtocol, doc: String)] = [
        ("bpdu", .bpdu, "BPDUs of spanning trees; tunnel if absent"),
        ("slow-protocols", .slowProtocols, "LACP, marker and OAM frames; drop if absent"),
        ("lldp", .lldp, "LLDP frames to the nearest bridge; drop if absent"),
        ("other", .other, "All others to 01:80:c2:00:00:00 to 0f; drop if absent"),
    ]
    private static let storms: [(key: String, kind: FloodKind, doc: String)] = [
        ("broadcast", .broadcast, "Broadcasts"), ("multicast", .multicast, "Multicasts"),
        ("unknown-unicast", .unknownUnicast, "Frames to stations that nobody has heard of"),
    ]
    private static let rate = 1...100_000_000

    static let schema = Schema.object([
        .required("interface", .string, "A port, a sub-interface (`type: vlan`) or a `type: bvi`"),
        .key(
            "split-horizon-group", .integer(1...65_535),
            "Members of the same group exchange no frames; none if absent"),
        .key("mac-limit", .integer(1...BridgeStore.capacity), "\(BridgesSection.limitDoc); the domain's if absent"),
        .key(
            "control-frames", .object(controls.map { .key($0.key, action, $0.doc) }),
            "What becomes of frames that bridges keep to themselves: drop, tunnel (to all other members) or punt (to the "
                + "feature that speaks the protocol)"),
        .key(
            "storm-control",
            .object(storms.map { .key($0.key, .integer(rate), "\($0.doc), frames per second; any number if absent") }),
            "How much of what comes in by it may be flooded; the rest is dropped"),
    ])

    init(_ element: Setting) throws(ConfigurationError) {
        guard case .map = element.value else {
            name = try element.string
            setting = element
            return
        }
        setting = try element.required("interface")
        name = try setting.string
        group = UInt16(try element["split-horizon-group"]?.integer(in: 1...65_535) ?? 0)
        limit = try element["mac-limit"]?.integer(in: 1...BridgeStore.capacity)
        if let actions = element["control-frames"] {
            for (key, control, _) in BridgeMemberEntry.controls {
                if let action = actions[key] { self.control[control] = try action.choice(of: BridgeControlAction.self) }
            }
        }
        if let storm = element["storm-control"] {
            var rates: [Int?] = []
            for (key, _, _) in BridgeMemberEntry.storms {
                rates.append(try storm[key]?.integer(in: BridgeMemberEntry.rate))
            }
            self.storm = rates
        }
    }
}
