// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Sends a frame to all members of its domain but the one that it came by.
///
/// Summary: a copy for each member, the frame itself for the last.
/// Expects: whole frames to a group or to a station that is not known, `adjacency` the bridge port that they came by.
/// Emits: the copies, each as `bridge-input` would send a frame to that one member. The BVI gets frames to groups alone:
/// its own station is always known.
/// Drops: `noOtherMember`, `broadcastStorm`, `multicastStorm`, `unknownUnicastStorm`; copies as `noBuffer`.
/// Spec: IEEE 802.1Q clause 8.8.
struct BridgeFlood: ContextualNode {
    static let name = "bridge-flood"

    enum Next: UInt16, BridgeNext {
        case output, subinterface, bvi

        var node: String { exit! }
    }

    enum Reason: UInt16, DropReason {
        case noOtherMember, broadcastStorm, multicastStorm, unknownUnicastStorm, noBuffer

        init(_ kind: FloodKind) {
            switch kind {
            case .broadcast: self = .broadcastStorm
            case .multicast: self = .multicastStorm
            case .unknownUnicast: self = .unknownUnicastStorm
            }
        }

        var text: String {
            switch self {
            case .noOtherMember: "the domain has no other port that the frame may leave by"
            case .broadcastStorm: "more broadcasts than the port's storm control lets pass"
            case .multicastStorm: "more multicasts than the port's storm control lets pass"
            case .unknownUnicastStorm: "more frames to unknown stations than the port's storm control lets pass"
            case .noBuffer: "there was no buffer for a copy of a flooded frame"
            }
        }
    }

    struct Trace: TraceRecord {
        var port: UInt32 = 0
        var count: UInt32 = 0

        init() {}

        var description: String { "bridge port \(port), to \(count) others" }
    }

    private let table: BridgeTable
    private let received: InterfaceCounterSlot
    private let counts: PerWorker<BridgeCounts>.Slot

    init(_ seat: Seat, _ table: BridgeTable, _ counts: PerWorker<BridgeCounts>) {
        self.table = table
        received = seat.interfaceCounters
        self.counts = counts.slot(seat.worker)
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        let source = packet.header.adjacency
        let from = table[port: source]
        trace.port = source
        let kind = FloodKind(packet.destinationWord)
        if from.flags.contains(.limitsFloods), let storm = table[storm: source],
            !storm._withUnsafeGuaranteedRef({ $0.admits(kind, context.now) })
        {
            return .drop(Reason(kind))
        }
        guard let members = table[domain: from.domain].members else { return .drop(.noOtherMember) }
        let isGroup = kind != .unknownUnicast
        let length = UInt32(truncatingIfNeeded: packet.length)
        // The one before gets a copy as soon as there is another: the last has the frame itself.
        var last: UInt32 = 0
        for number in 0..<Int(members[0]) {
            let member = members[1 &+ number]
            guard member != source, takes(table[port: member], from, isGroup, length) else { continue }
            if last != 0 { copy(packet, to: last, context) }
            last = member
            trace.count &+= 1
        }
        guard last != 0 else { return .drop(.noOtherMember) }
        return .to(table.send(packet, to: last, received))
    }

    private func takes(_ to: BridgePortRecord, _ from: BridgePortRecord, _ isGroup: Bool, _ length: UInt32) -> Bool {
        guard to.flags.contains(.forwarding), to.group == 0 || to.group != from.group, length <= to.longest else {
            return false
        }
        return isGroup || !to.flags.contains(.bvi)
    }

    private func copy(_ packet: Packet, to member: UInt32, _ context: Context) {
        guard let copy = context.allocate() else {
            context.countDrops(1, Reason.noBuffer)
            return
        }
        copy.copy(packet.bytes, count: packet.length)
        copy.header.flags = packet.header.flags.subtracting(.traced)
        copy.header.rxInterface = packet.header.rxInterface
        counts.value.copies &+= 1
        let next: Next = table.send(copy, to: member, received)
        context.start(copy, on: next)
    }
}
