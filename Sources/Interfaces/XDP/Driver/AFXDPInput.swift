// SPDX-License-Identifier: Apache-2.0
import Graph

/// Receives from the queues of one device that belong to this worker.
///
/// Summary: packets stay in the buffers into which the kernel, or the NIC itself, wrote them.
/// Emits: frames as received.
/// Config: `interfaces.NAME` with `type: af-xdp`.
struct AFXDPInput: InputNode {
    static let name = "af-xdp-input"

    enum Next: UInt16, NextNode {
        case ethernet

        var node: String { "ethernet-input" }
    }

    let queues: [AFXDPQueue]

    mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        for queue in queues where frame.room > 0 { queue.receive(frame, context) }
        return frame.count > 0
    }

    var descriptors: [Int32] { queues.filter(\.isOpen).map(\.fileDescriptor) }
}

/// Sends through the queue of one device that belongs to this worker; a worker without one hands its packets to one that has.
///
/// Summary: packets go on the transmit ring at once, to the kernel once per dispatch loop.
/// Drops: `ringFull` when the device does not keep up, `deviceGone`, `queueFull` when the other worker does not keep up.
struct AFXDPOutput: OutputNode {
    static let name = "af-xdp-tx"

    enum Reason: UInt16, DropReason {
        case ringFull, deviceGone, queueFull

        var text: String {
            switch self {
            case .ringFull: "the device does not send as fast as packets come: its transmit ring is full"
            case .deviceGone: "the device is gone"
            case .queueFull: "the worker that has the device's queue is too slow"
            }
        }
    }

    enum Way {
        case queue(AFXDPQueue)
        case worker(Int)
    }

    let way: Way

    mutating func process(_ frame: Frame, _ context: Context) {
        switch way {
        case .queue(let queue): transmit(frame, queue, context)
        case .worker(let worker): handOff(frame, to: worker, context)
        }
    }

    private func transmit(_ frame: Frame, _ queue: AFXDPQueue, _ context: Context) {
        let sent = queue.transmit(frame, context)
        for position in 0..<sent { context.decide(position, Verdict<NoNext, Reason>.kept) }
        guard sent < frame.count else { return }
        context.countErrors(tx: frame.count &- sent, interface: queue.interface)
        let reason = queue.isOpen ? Reason.ringFull : .deviceGone
        for position in sent..<frame.count { context.decide(position, Verdict<NoNext, Reason>.drop(reason)) }
    }

    private func handOff(_ frame: Frame, to worker: Int, _ context: Context) {
        for position in 0..<frame.count {
            let isHandedOver = context.handOffHere(context.packet(frame[position]), to: worker)
            context.decide(position, isHandedOver ? Verdict<NoNext, Reason>.kept : .drop(.queueFull))
        }
        context.wake(workers: 1 << UInt64(worker))
    }

    mutating func flush(_ context: Context) -> Bool {
        guard case .queue(let queue) = way else { return true }
        return queue.flush(context)
    }
}
