// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Chooses the member by which a bundle's frame leaves.
///
/// Summary: by the flow's hash among the members that can be used at this moment, so that a flow's frames keep their order.
/// Expects: complete frames whose transmit interface is a bundle.
/// Emits: the same frames, whose transmit interface is the member, to `interface-output` once more: the member counts them,
/// and its features see them, as any others.
/// Drops: `noMember`, `truncated`.
/// Spec: IEEE 802.1AX-2014 clauses 6.2.4, 6.6.
struct BundleOutput: Node {
    static let name = "bundle-output"

    enum Next: UInt16, NextNode {
        case output

        var node: String { InterfaceOutput.name }
    }

    enum Reason: UInt16, DropReason {
        case truncated, noMember

        var text: String {
            switch self {
            case .truncated: "the frame is shorter than an Ethernet header"
            case .noMember: "no member of the bundle can be used"
            }
        }
    }

    struct Trace: TraceRecord {
        var hash: UInt32 = 0
        var member: InterfaceIndex = 0

        init() {}

        var description: String { "flow hash \(hash), member \(member)" }
    }

    private let table: BundleTable

    init(_ table: BundleTable) { self.table = table }

    @inline(__always)
    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let bytes = packet.bytes
        guard bytes.count >= EthernetView.length else { return .drop(.truncated) }
        let number = table[place: packet.header.txInterface].bundle
        let sending = table[number].status.sending
        guard sending != 0 else { return .drop(.noMember) }
        let hash = table[number].hash.value(of: bytes, seed: table[number].seed)
        let member = table[number].members[table.choice(hash, among: sending) & 7]
        trace.hash = hash
        trace.member = member
        packet.header.txInterface = member
        return .to(.output)
    }
}
