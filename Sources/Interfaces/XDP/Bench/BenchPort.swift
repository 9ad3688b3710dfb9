// SPDX-License-Identifier: Apache-2.0
import CMartletLinux

/// One queue of a device as a bench uses it: our program (if it receives), the socket, and memory to work with. Hides
/// whether packets span several chunks.
struct BenchPort: ~Copyable {
    let socket: XSKSocket
    private let program: XDPProgram?
    private let rings: XSKRings
    private let isMultiBuffer: Bool
    private let spares: UnsafeMutableBufferPointer<UInt64>

    /// - Parameters:
    ///   - ring: Descriptors per ring.
    ///   - receives: false for a port that only sends, which needs no XDP program.
    init(_ device: String, queue: Int, _ umem: UMEM, ring: UInt32, receives: Bool = true) throws(XDPError) {
        var options = XSKSocket.Options()
        options.receiveRing = ring
        options.transmitRing = ring
        options.multiBuffer = umem.bufferSize > umem.chunkSize
        let program = receives ? try XDPProgram(device: device) { _ in } : nil
        let socket = try XSKSocket(device: device, queue: queue, umem: umem, options: options)
        try program?.insert(socket)
        self.rings = socket.rings
        self.program = program
        self.socket = socket
        isMultiBuffer = options.multiBuffer
        spares = .allocate(capacity: 256)
    }

    deinit { spares.deallocate() }

    /// Packets that the kernel has not taken yet.
    var pending: Int { rings.transmitPending }

    /// Takes what has come, at most 256 packets.
    func receive(into packets: UnsafeMutableBufferPointer<xdp_desc>, _ memory: inout BenchMemory) -> Int {
        guard isMultiBuffer else { return rings.receive(into: packets) }
        let gathered = rings.receiveWhole(into: packets, spares: spares)
        for position in 0..<gathered.spares { memory.give(spares[position]) }
        return gathered.packets
    }

    /// Gives the kernel free buffers to receive into.
    func refill(_ memory: inout BenchMemory) {
        let count = min(memory.freeCount, rings.refillRoom)
        guard count > 0 else { return }
        _ = rings.refill(memory.take(count))
        if rings.receiveNeedsWakeup { rings.wakeReceive() }
    }

    /// Sends; returns how many packets the ring took, from the first on.
    func send(_ packets: UnsafeBufferPointer<xdp_desc>) -> Int {
        let taken = isMultiBuffer ? rings.transmitWhole(packets) : rings.transmit(packets)
        rings.flush()
        return taken
    }

    /// Takes back what was sent.
    func reclaim(_ memory: inout BenchMemory) {
        let room = memory.room
        let count = isMultiBuffer ? rings.reclaimWhole(into: room) : rings.reclaim(into: room)
        for position in 0..<count { memory.give(room[position]) }
    }
}
