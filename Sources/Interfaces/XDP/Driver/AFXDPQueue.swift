// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Graph

/// One queue of one device as its worker drives it: buffers go to the kernel empty or full, and come back.
///
/// Belongs to the worker's thread, and to the control side while no worker runs. Each buffer that the kernel holds is marked in its
/// header, so that none is lost when the device goes away with them.
final class AFXDPQueue: @unchecked Sendable {
    let number: Int
    let interface: InterfaceIndex
    private let pool: BufferPool
    /// Buffers to keep on the fill ring.
    private let fillTarget: Int
    private let isMultiBuffer: Bool
    private var rings: XSKRings?
    private(set) var fileDescriptor: Int32 = -1
    private var filled = 0

    private let descriptors: UnsafeMutableBufferPointer<xdp_desc>
    private let addresses: UnsafeMutableBufferPointer<UInt64>
    private let indices: UnsafeMutableBufferPointer<BufferIndex>

    init(number: Int, interface: InterfaceIndex, pool: BufferPool, fillTarget: Int, isMultiBuffer: Bool) {
        self.number = number
        self.interface = interface
        self.pool = pool
        self.fillTarget = fillTarget
        self.isMultiBuffer = isMultiBuffer
        descriptors = .allocate(capacity: Frame.capacity)
        addresses = .allocate(capacity: Frame.capacity)
        indices = .allocate(capacity: Frame.capacity)
    }

    deinit {
        descriptors.deallocate()
        addresses.deallocate()
        indices.deallocate()
    }

    var isOpen: Bool { rings != nil }

    // MARK: - Opening and closing

    func open(_ rings: XSKRings, fileDescriptor: Int32) {
        self.rings = rings
        self.fileDescriptor = fileDescriptor
        filled = 0
    }

    /// No more packets from now on; the socket may be closed when the worker has passed a quiescent point.
    func close() {
        rings = nil
        fileDescriptor = -1
    }

    /// Frees the buffers that a closed socket held.
    func recover(_ context: Context) {
        for index in 0..<pool.count where pool.headers[index].flags.contains(.heldByDevice) {
            guard pool.headers[index].txInterface == interface, pool.headers[index].scratch.0 == UInt64(number) else {
                continue
            }
            let packet = context.packet(BufferIndex(index))
            packet.header.flags = []
            context.free(packet)
        }
        filled = 0
    }

    @inline(__always)
    private func hold(_ packet: Packet) {
        packet.header.flags = .heldByDevice
        packet.header.txInterface = interface
        packet.header.scratch.0 = UInt64(number)
    }

    @inline(__always)
    private func index(of address: UInt64) -> BufferIndex {
        BufferIndex(truncatingIfNeeded: address >> UInt64(pool.chunkSize.trailingZeroBitCount))
    }

    // MARK: - Reception

    /// Adds the packets that have come to `frame`.
    func receive(_ frame: Frame, _ context: Context) {
        guard let rings else { return }
        let room = UnsafeMutableBufferPointer(rebasing: descriptors[..<frame.room])
        let count = isMultiBuffer ? receiveWhole(rings, room, context) : rings.receive(into: room)
        if !isMultiBuffer { filled &-= count }
        var bytes = 0
        for position in 0..<count {
            let descriptor = room[position]
            let index = index(of: descriptor.addr)
            let packet = context.packet(index)
            let start = pool.memory + Int(descriptor.addr)
            packet.header.data = start
            packet.header.start = start
            packet.header.length = descriptor.len
            packet.header.flags = []
            packet.header.rxInterface = interface
            bytes &+= Int(descriptor.len)
            frame.append(index)
        }
        if count > 0 { context.countReceived(packets: count, bytes: bytes, interface: interface) }
        // In halves: one look at the ring serves many packets.
        if filled < fillTarget &- Frame.capacity / 2 { refill(rings, context) }
    }

    private func receiveWhole(
        _ rings: XSKRings, _ room: UnsafeMutableBufferPointer<xdp_desc>, _ context: Context
    ) -> Int {
        guard room.count >= 18 else { return 0 }
        let gathered = rings.receiveWhole(
            into: room, spares: UnsafeMutableBufferPointer(rebasing: addresses[..<room.count]))
        release(gathered.spares, context)
        filled &-= gathered.packets &+ gathered.spares
        if gathered.oversized > 0 { context.countErrors(rx: gathered.oversized, interface: interface) }
        return gathered.packets
    }

    private func refill(_ rings: XSKRings, _ context: Context) {
        while filled < fillTarget {
            let wanted = min(fillTarget &- filled, Frame.capacity, rings.refillRoom)
            guard wanted > 0 else { break }
            let taken = context.take(wanted, into: indices.baseAddress!)
            for position in 0..<taken {
                hold(context.packet(indices[position]))
                addresses[position] = UInt64(Int(indices[position]) &* pool.chunkSize)
            }
            let given = rings.refill(UnsafeBufferPointer(rebasing: addresses[..<taken]))
            filled &+= given
            for position in given..<taken { context.free(context.packet(indices[position])) }
            guard given == wanted else { break }
        }
        if rings.receiveNeedsWakeup { rings.wakeReceive() }
    }

    // MARK: - Transmission

    /// Puts a frame's packets on the ring; returns how many, from the first on.
    func transmit(_ frame: Frame, _ context: Context) -> Int {
        guard let rings else { return 0 }
        reclaim(rings, context)
        let count = frame.count
        for position in 0..<count {
            let packet = context.packet(frame[position])
            descriptors[position] = xdp_desc(
                addr: UInt64(packet.header.data - pool.memory), len: packet.header.length, options: 0)
            hold(packet)
        }
        var sent = put(rings, from: 0, count)
        if sent < count {
            // Full: let the kernel take what is there, and try once more.
            rings.flush()
            reclaim(rings, context)
            sent &+= put(rings, from: sent, count)
        }
        for position in sent..<count { context.packet(frame[position]).header.flags = [] }
        return sent
    }

    private func put(_ rings: XSKRings, from first: Int, _ count: Int) -> Int {
        let packets = UnsafeBufferPointer(rebasing: descriptors[first..<count])
        return isMultiBuffer ? rings.transmitWhole(packets) : rings.transmit(packets)
    }

    /// Has the kernel send what is on the ring. False: it could not take all now; call again.
    func flush(_ context: Context) -> Bool {
        guard let rings else { return true }
        let problem = rings.flush()
        reclaim(rings, context)
        return problem != EAGAIN
    }

    private func reclaim(_ rings: XSKRings, _ context: Context) {
        while true {
            let count = isMultiBuffer ? rings.reclaimWhole(into: addresses) : rings.reclaim(into: addresses)
            release(count, context)
            if count < addresses.count { return }
        }
    }

    /// Frees the buffers at the first `count` addresses.
    private func release(_ count: Int, _ context: Context) {
        for position in 0..<count {
            indices[position] = index(of: addresses[position])
            context.packet(indices[position]).header.flags = []
        }
        if count > 0 { context.free(indices.baseAddress!, count: count) }
    }
}
