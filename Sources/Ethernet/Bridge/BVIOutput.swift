// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What the router sends by a BVI: enters the bridge domain as if it had come in by that member.
///
/// Expects: complete frames whose transmit interface is a BVI.
/// Emits: the frame as received by the BVI.
/// Drops: `truncated`.
struct BVIOutput: Node {
    static let name = "bvi-output"

    enum Next: UInt16, NextNode {
        case bridge

        var node: String { BridgeInput.name }
    }

    enum Reason: UInt16, DropReason {
        case truncated

        var text: String { "the frame is shorter than an Ethernet header" }
    }

    @inline(__always)
    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, Reason> {
        guard packet.length >= EthernetView.length else { return .drop(.truncated) }
        packet.header.rxInterface = packet.header.txInterface
        // Tags that it is given on its way out are the first it has.
        packet.header.flags = packet.header.flags.withTagPriority(0)
        return .to(.bridge)
    }
}
