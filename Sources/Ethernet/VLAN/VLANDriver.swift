// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `type: vlan`: a sub-interface, which has the frames of a port that carry its tags.
///
/// Its hardware address is its port's, and its link is up while the port can be used. Frames match by their tags, types
/// included, whatever their priorities.
enum VLANDriver {
    static let keys: [Schema.Key] = [
        .required("parent", .string, "The port whose frames these are"),
        .key(
            "dot1q", .vlans,
            "VLANs of the outer tag, an 802.1Q one: 100, 10-20, a list of such, or any; one of 'dot1q', 'dot1ad', "
                + "'untagged' and 'default'"),
        .key("dot1ad", .vlans, "VLANs of the outer tag, an 802.1ad one: a provider's; as 'dot1q'"),
        .key(
            "second-dot1q", .vlans,
            "VLANs of a second, inner 802.1Q tag (QinQ), as 'dot1q'; frames with one tag if absent"),
        .key(
            "untagged", .boolean,
            "Whether these are the port's frames without a tag (the native VLAN); false if absent"),
        .key(
            "default", .boolean,
            "Whether these are all frames that no other sub-interface of the port takes; false if absent"),
        .key("exact", .boolean, "Whether frames with further tags behind these are not taken; true if absent"),
        .key("rewrite", RewriteSetting.schema, "What becomes of the tags of bridged frames; they stay if absent"),
        .key(
            "priority", .either([.integer(0...7), .choice(["keep"])]),
            "Priority (PCP) of the tags that frames get: 0 to 7, or keep, with 'rewrite' only, for that of the frame's "
                + "outermost tag; keep if absent with 'rewrite', else 0"),
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
