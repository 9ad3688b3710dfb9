// SPDX-License-Identifier: Apache-2.0

/// Where every dropped packet ends: counts it per (node, reason), remembers it for `show drops`, and frees its buffer.
public struct DropNode: Node {
    public typealias Reason = EngineReason
    public static let name = "drop"

    public struct Trace: TraceRecord {
        var reason: UInt16 = 0
        public init() {}
        public var description: String { "reason \(reason)" }
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        context.worker._withUnsafeGuaranteedRef { worker in
            for position in 0..<frame.count {
                let packet = context.packet(frame[position])
                let reason = Int(packet.header.reason)
                worker.dropCounters[reason & (Worker.reasonCapacity &- 1)] &+= 1
                worker.interfaceCounters[Int(packet.header.rxInterface) & (InterfaceTable.capacity &- 1)].drops &+= 1
                worker.lastDrops.record(packet, now: context.now)
                if frame.isTraced, packet.isTraced {
                    var trace = Trace()
                    trace.reason = packet.header.reason
                    context.record(trace, .kept, for: packet)
                }
                // What comes next in this buffer may get here along an arc, without a reason of its own.
                packet.header.reason = EngineReason.graph.rawValue
                context.decide(position, Verdict<NoNext, EngineReason>.kept)
            }
            worker.free(frame)
        }
    }
}

/// Drops that the engine itself decides about.
public enum EngineReason: UInt16, DropReason {
    case graph, noFrame, graphLoop, noBuffer, injectMalformed

    public var text: String {
        switch self {
        case .graph: "an arc of the graph leads here"
        case .noFrame: "too many frames wait in the graph: is there a loop in it?"
        case .graphLoop: "the packet went round in the graph: an arc leads back to where it came from"
        case .noBuffer: "no free buffer; raise `buffers: count`"
        case .injectMalformed: "a packet from the control side is longer than a buffer"
        }
    }
}
