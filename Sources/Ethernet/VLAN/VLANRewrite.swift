// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes tags off frames that come in by a bridged sub-interface, and puts others on, as its `rewrite:` says.
///
/// Summary: pop and push of up to two tags; `bridge-output` does the inverse.
/// Expects: whole frames at their destination address, received by a sub-interface with a rewrite, with the tags by which that is
/// told.
/// Emits: the frame with its new tags, to the bridge or the cross-connect.
/// Drops: `tagsDiffer`, `noHeadroom`.
/// Config: `interfaces.NAME.rewrite`.
/// Spec: IEEE 802.1Q clauses 6.9, 6.13, 9.
struct VLANRewrite: Node {
    static let name = "vlan-rewrite"

    enum Next: UInt16, NextNode {
        case bridge, crossConnect

        var node: String {
            switch self {
            case .bridge: BridgeInput.name
            case .crossConnect: CrossConnect.name
            }
        }
    }

    enum Reason: UInt16, DropReason {
        case tagsDiffer, noHeadroom

        var text: String {
            switch self {
            case .tagsDiffer: "the frame does not have the tags that are to be taken off"
            case .noHeadroom: "there is no room in front of the frame for the tags"
            }
        }
    }

    struct Trace: TraceRecord {
        var interface: InterfaceIndex = 0
        var rewrite = TagRewrite()

        init() {}

        var description: String { "interface \(interface), \(rewrite)" }
    }

    private let interfaces: InterfaceTable
    private let tags: TagTable

    init(interfaces: InterfaceTable, tags: TagTable) {
        self.interfaces = interfaces
        self.tags = tags
    }

    @inline(__always)
    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let interface = packet.header.rxInterface
        let rewrite = tags.rewrites(of: interface).pointee.input
        trace.interface = interface
        trace.rewrite = rewrite
        switch rewrite.apply(to: packet) {
        case nil: return .to(interfaces[interface].flags.contains(.crossConnected) ? .crossConnect : .bridge)
        case .tagsDiffer: return .drop(.tagsDiffer)
        case .noHeadroom: return .drop(.noHeadroom)
        }
    }
}

extension TagRewrite: CustomStringConvertible {
    /// "pop 1, push dot1ad 200".
    var description: String {
        var parts: [String] = []
        if pop > 0 { parts.append("pop \(Int(pop) / VLANView.length)") }
        if push > 0 {
            let words = [outer, inner].filter { $0 != 0 }.map(\.bigEndian)
            let tags = words.enumerated().map { number, word in
                let type = EtherType(rawValue: UInt16(word >> 16)).tagName
                let tag = VLANTag(rawValue: UInt16(truncatingIfNeeded: word))
                let priority = keepsPriority ? "" : " priority \(tag.priority)"
                return "\(number == 0 ? type : "second-dot1q") \(tag.identifier)\(priority)"
            }
            parts.append("push \(tags.joined(separator: " "))")
        }
        return parts.joined(separator: ", ")
    }
}
