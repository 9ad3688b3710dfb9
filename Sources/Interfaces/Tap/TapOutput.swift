// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph

/// Hands packets to the kernel through a TAP device: it receives them as if from a wire.
///
/// Summary: the transmit side of a `tap` interface; one queue per worker.
/// Expects: complete frames.
/// Drops: `queueFull`, `deviceDown`, `deviceGone`, `refused`.
/// Config: `interfaces.NAME` with `type: tap`.
public struct TapOutput: OutputNode {
    public static let name = "tap-tx"

    public enum Reason: UInt16, DropReason {
        case queueFull, deviceDown, deviceGone, refused

        public var text: String {
            switch self {
            case .queueFull: "the kernel had no room for the packet"
            case .deviceDown: "the kernel's side of the TAP device is down"
            case .deviceGone: "the TAP device was deleted"
            case .refused: "the kernel refused the packet, as too short or too long"
            }
        }

        init(code: Int32) {
            switch code {
            case EAGAIN, ENOBUFS, ENOMEM: self = .queueFull
            case EIO, ENETDOWN: self = .deviceDown
            case EBADFD, EBADF, ENODEV: self = .deviceGone
            default: self = .refused
            }
        }
    }

    private let queues: TapQueues
    private let descriptor: Int32
    private let interface: InterfaceIndex

    init(_ queues: TapQueues, queue: Int, interface: InterfaceIndex) {
        self.queues = queues
        descriptor = queues.descriptors[queue]
        self.interface = interface
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        let count = frame.count
        var failures = 0
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let code = CMartletLinux_writeTap(descriptor, packet.header.data, packet.length)
            if code == 0 {
                context.decide(position, Verdict<NoNext, Reason>.kept)
                context.free(packet)
            } else {
                context.decide(position, Verdict<NoNext, Reason>.drop(Reason(code: code)))
                failures &+= 1
            }
        }
        if failures > 0 { context.countErrors(tx: failures, interface: interface) }
    }

    public mutating func flush(_ context: Context) -> Bool { true }
}
