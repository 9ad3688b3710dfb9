// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Sends a bridged frame out by a sub-interface: it has that one's tags, or it does not leave.
///
/// Summary: compares the tags, counts the sub-interface, and passes the frame to its port. Tags are not changed: what
/// came in with them leaves with them.
/// Expects: whole frames, `adjacency` the bridge port that they leave by.
/// Emits: the frame with the sub-interface's port as its transmit interface.
/// Drops: `tagsDiffer`, `interfaceDown`.
/// Spec: IEEE 802.1Q clause 8.8.10.
struct BridgeOutput: Node {
    static let name = "bridge-output"

    enum Next: UInt16, NextNode {
        case output

        var node: String { InterfaceOutput.name }
    }

    enum Reason: UInt16, DropReason {
        case tagsDiffer, interfaceDown

        var text: String {
            switch self {
            case .tagsDiffer: "the frame does not have the tags of the sub-interface that it would leave by"
            case .interfaceDown: "the sub-interface is down"
            }
        }
    }

    struct Trace: TraceRecord {
        var port: UInt32 = 0
        var interface: InterfaceIndex = 0

        init() {}

        var description: String { "bridge port \(port), interface \(interface)" }
    }

    private let interfaces: InterfaceTable
    private let table: BridgeTable
    private let sent: InterfaceCounterSlot

    init(_ seat: Seat, _ table: BridgeTable) {
        interfaces = seat.interfaces
        sent = seat.interfaceCounters
        self.table = table
    }

    @inline(__always)
    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let port = table[port: packet.header.adjacency]
        trace.port = packet.header.adjacency
        trace.interface = port.interface
        guard interfaces[port.interface].flags.isSuperset(of: .usable) else { return .drop(.interfaceDown) }
        guard BridgeOutput.hasTags(packet.bytes, port) else { return .drop(.tagsDiffer) }
        sent.countSent(bytes: packet.length, interface: port.interface)
        packet.header.txInterface = port.transmit
        return .to(.output)
    }

    /// Whether the frame has these tags and no more, whatever their priorities.
    @inline(__always)
    private static func hasTags(_ bytes: Bytes, _ port: BridgePortRecord) -> Bool {
        guard bytes.count >= EthernetView.length &+ VLANView.length else { return false }
        guard bytes.load(at: 12, as: UInt32.self) & BridgePortRecord.tagMask == port.outerTag else { return false }
        guard port.innerTag != 0 else {
            return !EtherType(rawValue: bytes.network(at: 16)).isVLANTag
        }
        guard bytes.count >= EthernetView.length &+ 2 &* VLANView.length else { return false }
        return bytes.load(at: 16, as: UInt32.self) & BridgePortRecord.tagMask == port.innerTag
            && !EtherType(rawValue: bytes.network(at: 20)).isVLANTag
    }
}
