// SPDX-License-Identifier: Apache-2.0
import Glibc
import Wire

// What a worker exchanges with other threads: punted and injected packets with the control side, handed-over ones with workers.

/// In front of a punted packet's bytes.
struct PuntHeader: BitwiseCopyable {
    var process: UInt32
    var rxInterface: InterfaceIndex
    var adjacency: UInt32
    var txInterface: InterfaceIndex
    /// The node's own word to the process.
    var note: UInt32
    var clock: UInt64
    /// From the frame's start to the position at which the node stood.
    var offset: UInt32
}

/// In front of an injected packet's bytes.
struct InjectHeader: BitwiseCopyable {
    var node: UInt32
    var rxInterface: InterfaceIndex
    var txInterface: InterfaceIndex
    var adjacency: UInt32
    var flags: BufferFlags
}

extension Worker {
    // MARK: - Punt

    /// Copies a packet to the control side's process. False when the queue is full.
    func punt(_ packet: Packet, process: UInt32, note: UInt32, now: UInt64) -> Bool {
        let bytes = packet.frameBytes
        var header = PuntHeader(
            process: process, rxInterface: packet.header.rxInterface, adjacency: packet.header.adjacency,
            txInterface: packet.header.txInterface, note: note, clock: now,
            offset: UInt32(truncatingIfNeeded: packet.header.data - bytes.start))
        return send(&header, UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
    }

    func send(_ header: inout PuntHeader, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let wasEmpty = punts.isEmpty
        let sent = withUnsafeBytes(of: &header) { punts.send($0, bytes) }
        if sent, wasEmpty { wakeControl() }
        return sent
    }

    private func wakeControl() {
        var one: UInt64 = 1
        write(controlDescriptor, &one, 8)
    }

    // MARK: - Inject

    func takeInjected() -> Int {
        guard !injects.isEmpty else { return 0 }
        var count = 0
        while count < Frame.capacity, injects.receive({ self.inject($0) }) { count &+= 1 }
        return count
    }

    private func inject(_ message: UnsafeRawBufferPointer) {
        let header = message.loadUnaligned(as: InjectHeader.self)
        let bytes = UnsafeRawBufferPointer(rebasing: message[MemoryLayout<InjectHeader>.size...])
        guard bytes.count <= pool.capacity else { return countDrop(.injectMalformed) }
        guard let packet = allocate() else { return countDrop(.noBuffer) }
        packet.header.data.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        packet.header.length = UInt32(truncatingIfNeeded: bytes.count)
        packet.header.flags = header.flags
        packet.header.rxInterface = header.rxInterface
        packet.header.txInterface = header.txInterface
        packet.header.adjacency = header.adjacency
        append(index(of: packet), to: Int(header.node), traced: false)
    }

    func countDrop(_ reason: EngineReason) { dropCounters[Int(reason.rawValue)] &+= 1 }

    // MARK: - Handoff

    func takeHandoffs() -> Int {
        var received = 0
        for ring in handoffsIn {
            received &+= ring.receive(limit: Frame.capacity) { entry in
                let traced = pool.headers[Int(entry.buffer)].flags.contains(.traced)
                append(entry.buffer, to: Int(entry.node), traced: traced)
            }
        }
        if received > 0 { counters.pointee.handoffsIn &+= UInt64(received) }
        return received
    }

    /// Hands a packet to another worker, which goes on with it at `node`. False when that worker's ring is full.
    /// The caller wakes the other worker once per frame.
    func handOff(_ packet: Packet, to worker: Int, node: Int) -> Bool {
        // The trace is this worker's: it ends here.
        packet.header.flags.remove(.traced)
        guard handoffsOut[worker].send(index(of: packet), node: node) else { return false }
        counters.pointee.handoffsOut &+= 1
        return true
    }

    // MARK: - Buffers

    func index(of packet: Packet) -> BufferIndex { BufferIndex(truncatingIfNeeded: packet.pointer - pool.headers) }

    /// A fresh, empty buffer with all headroom, or nil.
    func allocate() -> Packet? {
        var index: BufferIndex = 0
        guard cache.take(1, into: &index) == 1 else { return nil }
        reset(index)
        return Packet(pool.headers + Int(index))
    }

    @inline(__always)
    func reset(_ index: BufferIndex) {
        let header = pool.headers + Int(index)
        let start = pool.memory + Int(index) &* pool.chunkSize + BufferPool.headroom
        header.pointee.data = start
        header.pointee.start = start
        header.pointee.length = 0
        header.pointee.flags = []
    }

    func free(_ frame: Frame) { cache.give(frame.indices, count: frame.count) }
}
