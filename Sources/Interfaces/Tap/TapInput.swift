// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Graph

/// Reads what the kernel sends through a TAP device.
///
/// Summary: the receive side of a `tap` interface; one queue per worker.
/// Emits: frames as the kernel sent them, without FCS. Longer ones than a buffer holds are counted as receive errors.
/// Config: `interfaces.NAME` with `type: tap`.
public struct TapInput: InputNode {
    public static let name = "tap-rx"

    public enum Next: UInt16, NextNode {
        case ethernet

        public var node: String { "ethernet-input" }
    }

    private let queues: TapQueues
    private let descriptor: Int32
    private let interface: InterfaceIndex
    private let capacity: Int

    /// - Parameter capacity: Bytes that a buffer holds.
    init(_ queues: TapQueues, queue: Int, interface: InterfaceIndex, capacity: Int) {
        self.queues = queues
        descriptor = queues.descriptors[queue]
        self.interface = interface
        self.capacity = capacity
    }

    /// None while the device is gone: a dead descriptor is always ready and would keep the worker awake.
    public var descriptors: [Int32] { queues.isAttached ? [descriptor] : [] }

    public mutating func poll(_ frame: Frame, _ context: Context) -> Bool {
        guard queues.isAttached else { return false }
        var bytes = 0
        var oversize = 0
        // Without a buffer the frame stays in the kernel's queue: nothing is lost yet.
        while frame.room > 0, let packet = context.allocate() {
            let length = CMartletLinux_readTap(descriptor, packet.header.data, capacity)
            guard length > 0, length < capacity else {
                context.free(packet)
                if length <= 0 { break }
                // The kernel cuts what doesn't fit; as many bytes as there is room may be such a rest.
                oversize &+= 1
                continue
            }
            packet.header.length = UInt32(truncatingIfNeeded: length)
            packet.header.rxInterface = interface
            frame.append(context.index(of: packet))
            bytes &+= length
        }
        context.countReceived(packets: frame.count, bytes: bytes, interface: interface)
        if oversize > 0 { context.countErrors(rx: oversize, interface: interface) }
        return frame.count > 0
    }
}
