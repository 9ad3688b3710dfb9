// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Sends a bridged frame out by a sub-interface: it has that one's tags, or it does not leave.
///
/// Summary: undoes the sub-interface's rewrite, looks whether the frame would come in by this sub-interface as it is now, counts it,
/// and passes it to the port.
/// Expects: whole frames, `adjacency` the bridge port that they leave by.
/// Emits: the frame with the sub-interface's port as its transmit interface.
/// Drops: `tagsDiffer`, `interfaceDown`, `tooLong`, `noHeadroom`.
/// Spec: IEEE 802.1Q clause 8.8.10.
struct BridgeOutput: Node {
    static let name = "bridge-output"

    enum Next: UInt16, NextNode {
        case output

        var node: String { InterfaceOutput.name }
    }

    enum Reason: UInt16, DropReason {
        case tagsDiffer, interfaceDown, tooLong, noHeadroom

        var text: String {
            switch self {
            case .tagsDiffer: "the frame does not have the tags of the sub-interface that it would leave by"
            case .interfaceDown: "the sub-interface is down"
            case .tooLong: "the frame with its tags is longer than the sub-interface's MTU"
            case .noHeadroom: "there is no room in front of the frame for the tags"
            }
        }
    }

    struct Trace: TraceRecord {
        var port: UInt32 = 0
        var interface: InterfaceIndex = 0
        var rewrite = TagRewrite()

        init() {}

        var description: String {
            let rewrite = rewrite.description
            return "bridge port \(port), interface \(interface)" + (rewrite.isEmpty ? "" : ", \(rewrite)")
        }
    }

    private let interfaces: InterfaceTable
    private let table: BridgeTable
    private let tags: TagTable
    private let sent: InterfaceCounterSlot

    init(_ seat: Seat, _ table: BridgeTable, _ tags: TagTable) {
        interfaces = seat.interfaces
        sent = seat.interfaceCounters
        self.table = table
        self.tags = tags
    }

    @inline(__always)
    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let port = table[port: packet.header.adjacency]
        trace.port = packet.header.adjacency
        trace.interface = port.interface
        let record = interfaces[port.interface]
        guard record.flags.isSuperset(of: .usable) else { return .drop(.interfaceDown) }
        if record.flags.contains(.rewritesTags) {
            let rewrite = tags.rewrites(of: port.interface).pointee.output
            trace.rewrite = rewrite
            switch rewrite.apply(to: packet) {
            case nil: break
            case .tagsDiffer: return .drop(.tagsDiffer)
            case .noHeadroom: return .drop(.noHeadroom)
            }
        }
        let found = tags.classify(packet.bytes, port: interfaces[port.transmit].tagTable)
        guard found.interface == port.interface else { return .drop(.tagsDiffer) }
        let spare = tags.subinterface(port.interface).pointee.spare
        guard packet.length <= found.limit(mtu: record.mtu, spare: spare) else { return .drop(.tooLong) }
        sent.countSent(bytes: packet.length, interface: port.interface)
        packet.header.txInterface = port.transmit
        return .to(.output)
    }
}
