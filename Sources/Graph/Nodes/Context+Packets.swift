// SPDX-License-Identifier: Apache-2.0

// What a node may do beside deciding: take and free buffers, start packets of its own, count, punt.
extension Context {
    /// The worker's number, from 0.
    public var workerNumber: Int { worker._withUnsafeGuaranteedRef { $0.number } }

    /// An empty buffer with all its headroom, or nil when the pool has none.
    public func allocate() -> Packet? { worker._withUnsafeGuaranteedRef { $0.allocate() } }

    /// Takes up to `count` (at most 256) empty buffers into the frame's free places, and returns how many there were.
    public func allocate(_ count: Int, into frame: Frame) -> Int {
        let taken = allocate(min(count, frame.room), into: frame.indices + frame.count)
        frame.count &+= taken
        return taken
    }

    /// Takes up to `count` (at most 256) empty buffers with all their headroom, and returns how many there were.
    public func allocate(_ count: Int, into indices: UnsafeMutablePointer<BufferIndex>) -> Int {
        worker._withUnsafeGuaranteedRef { worker in
            let taken = worker.cache.take(count, into: indices)
            for position in 0..<taken { worker.reset(indices[position]) }
            return taken
        }
    }

    /// Takes up to `count` (at most 256) buffers as they are, for a device to fill, and returns how many there were.
    public func take(_ count: Int, into indices: UnsafeMutablePointer<BufferIndex>) -> Int {
        worker._withUnsafeGuaranteedRef { $0.cache.take(count, into: indices) }
    }

    /// Gives a packet's buffer back; the verdict about it is `.kept`.
    public func free(_ packet: Packet) { worker._withUnsafeGuaranteedRef { $0.free(index(of: packet)) } }

    /// Gives `count` (at most 256) buffers back.
    public func free(_ indices: UnsafePointer<BufferIndex>, count: Int) {
        worker._withUnsafeGuaranteedRef { $0.cache.give(indices, count: count) }
    }

    /// Sends a packet that this node started itself (not one of the frame) along one of the node's arcs.
    public func start<Next: NextNode>(_ packet: Packet, on next: Next) {
        worker._withUnsafeGuaranteedRef { worker in
            let node = Int(worker.runtimes[nodeIndex].arcs[Int(next.rawValue)])
            worker.append(index(of: packet), to: node, traced: packet.isTraced)
        }
    }

    /// The same with `count` packets, in their order, none of them traced.
    public func start<Next: NextNode>(_ indices: UnsafePointer<BufferIndex>, count: Int, on next: Next) {
        worker._withUnsafeGuaranteedRef { worker in
            let node = Int(worker.runtimes[nodeIndex].arcs[Int(next.rawValue)])
            for position in 0..<count { worker.append(indices[position], to: node, traced: false) }
        }
    }

    /// Counts packets that this node would have started and could not, as if they had been dropped.
    public func countDrops<Reason: DropReason>(_ count: Int, _ reason: Reason) {
        worker._withUnsafeGuaranteedRef { worker in
            worker.dropCounters[Int(worker.runtimes[nodeIndex].reasonBase &+ reason.rawValue)] &+= UInt64(count)
        }
    }

    /// Drops a packet that is not one of the frame: one that this node held or started itself.
    public func drop<Reason: DropReason>(_ packet: Packet, _ reason: Reason) {
        worker._withUnsafeGuaranteedRef { worker in
            packet.header.reason = worker.runtimes[nodeIndex].reasonBase &+ reason.rawValue
            worker.append(index(of: packet), to: worker.dropNode, traced: packet.isTraced)
        }
    }

    /// Copies a packet to a process on the control side; the packet stays the node's. False when the queue is full.
    /// - Parameter note: The node's own word to the process.
    public func punt(_ packet: Packet, to process: ProcessIndex, note: UInt32 = 0) -> Bool {
        worker._withUnsafeGuaranteedRef { $0.punt(packet, process: process.rawValue, note: note, now: now) }
    }

    /// Hands a packet to another worker, which goes on with it at the next feature of its arc. On true the packet is gone: the
    /// verdict is `.kept`, and `wake(workers:)` follows once per frame. False when that worker's queue is full.
    public func handOff(_ packet: Packet, to target: Int) -> Bool {
        worker._withUnsafeGuaranteedRef { worker in
            worker.handOff(packet, to: target, node: worker.nextFeature(packet.pointer))
        }
    }

    /// The same, but the other worker goes on at this very node: for devices whose queue belongs to one worker.
    public func handOffHere(_ packet: Packet, to target: Int) -> Bool {
        worker._withUnsafeGuaranteedRef { $0.handOff(packet, to: target, node: nodeIndex) }
    }

    /// Wakes those of the workers in the bit mask that sleep.
    public func wake(workers mask: UInt64) {
        guard mask != 0 else { return }
        worker._withUnsafeGuaranteedRef { worker in
            for ring in worker.handoffsOut where mask >> UInt64(ring.receiver.number) & 1 == 1 { ring.receiver.wake() }
        }
    }

    /// Counts frames that the device could not deliver, or did not take.
    public func countErrors(rx: Int = 0, tx: Int = 0, interface: InterfaceIndex) {
        worker._withUnsafeGuaranteedRef { worker in
            let counters = worker.interfaceCounters + (Int(interface) & (InterfaceTable.capacity &- 1))
            counters.pointee.rxErrors &+= UInt64(rx)
            counters.pointee.txErrors &+= UInt64(tx)
        }
    }

    /// Counts what a device delivered.
    public func countReceived(packets: Int, bytes: Int, interface: InterfaceIndex) {
        worker._withUnsafeGuaranteedRef { worker in
            let counters = worker.interfaceCounters + (Int(interface) & (InterfaceTable.capacity &- 1))
            counters.pointee.rxPackets &+= UInt64(packets)
            counters.pointee.rxBytes &+= UInt64(bytes)
        }
    }

    /// Counts what was handed to a device.
    public func countSent(packets: Int, bytes: Int, interface: InterfaceIndex) {
        worker._withUnsafeGuaranteedRef { worker in
            let counters = worker.interfaceCounters + (Int(interface) & (InterfaceTable.capacity &- 1))
            counters.pointee.txPackets &+= UInt64(packets)
            counters.pointee.txBytes &+= UInt64(bytes)
        }
    }
}

/// A control-side process, as nodes name it.
public struct ProcessIndex: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}
