// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Spreads an interface's packets over the workers by flow, whatever the device's own queues do.
///
/// Summary: both directions of a flow go to the same worker; a packet whose worker this is goes on here.
/// Expects: frames as received, on the feature arc `device-input`.
/// Emits: packets of this worker's flows.
/// Drops: `queueFull` when the other worker does not keep up.
/// Config: `interfaces.NAME.handoff: true`.
public struct WorkerHandoff: Node {
    public static let name = "worker-handoff"

    public enum Reason: UInt16, DropReason {
        case queueFull

        public var text: String {
            switch self {
            case .queueFull: "the flow's worker is too slow for the packets handed to it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var hash: UInt32 = 0
        var worker: UInt32 = 0

        public init() {}

        public var description: String { "flow hash \(hash), worker \(worker)" }
    }

    private let worker: Int
    private let workerCount: Int

    public init(_ seat: Seat) {
        worker = seat.worker
        workerCount = seat.workerCount
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        var handedOver: UInt64 = 0
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            let hash = FlowHash.symmetric(packet.bytes)
            // The high bits choose, by multiplication: no division, no bias worth speaking of.
            let target = hash.map { Int((UInt64($0) &* UInt64(workerCount)) >> 32) } ?? worker
            if let hash { packet.header.flowHash = hash }
            if packet.isTraced {
                var trace = Trace()
                trace.hash = hash ?? 0
                trace.worker = UInt32(target)
                context.record(trace, Verdict<NoNext, Reason>.nextFeature, for: packet)
            }
            guard target != worker else {
                context.decide(position, Verdict<NoNext, Reason>.nextFeature)
                continue
            }
            if context.handOff(packet, to: target) {
                handedOver |= 1 << UInt64(target)
                context.decide(position, Verdict<NoNext, Reason>.kept)
            } else {
                context.decide(position, Verdict<NoNext, Reason>.drop(.queueFull))
            }
        }
        context.wake(workers: handedOver)
    }
}
