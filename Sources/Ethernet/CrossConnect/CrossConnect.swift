// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Passes frames from one end of a cross-connect to the other, whatever they are: control frames, too.
///
/// Expects: whole frames, at least an Ethernet header long, received by an interface that is cross-connected.
/// Emits: the frame unchanged by the other interface.
/// Drops: `tooLong`.
struct CrossConnect: Node {
    static let name = "cross-connect"

    enum Next: UInt16, BridgeNext {
        case output, subinterface, bvi

        var node: String { exit! }
    }

    enum Reason: UInt16, DropReason {
        case tooLong

        var text: String { "the frame is longer than the MTU of the other end of the cross-connect" }
    }

    struct Trace: TraceRecord {
        var from: UInt32 = 0
        var to: UInt32 = 0

        init() {}

        var description: String { "bridge port \(from) to \(to)" }
    }

    private let interfaces: InterfaceTable
    private let table: BridgeTable
    private let received: InterfaceCounterSlot

    init(_ seat: Seat, _ table: BridgeTable) {
        interfaces = seat.interfaces
        received = seat.interfaceCounters
        self.table = table
    }

    @inline(__always)
    mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let number = interfaces[packet.header.rxInterface].bridgePort
        let peer = table[port: number].peer
        trace.from = number
        trace.to = peer
        guard UInt32(truncatingIfNeeded: packet.length) <= table[port: peer].longest else { return .drop(.tooLong) }
        return .to(table.send(packet, to: peer, received))
    }
}
