// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// The rings of an `XSKSocket`, for the one thread that drives its queue. Valid as long as the socket.
///
/// Buffers go round: `refill` gives empty ones to the kernel, `receive` takes them back full; `transmit` gives full
/// ones, `reclaim` takes them back sent. Addresses are offsets from the UMEM's base. Nothing here allocates, and only
/// `wake...` and `flush` enter the kernel.
///
/// In copy mode a received packet starts at the address that was given to `refill`, rounded down to its chunk, plus 256
/// (`UMEM.kernelHeadroom`) plus the UMEM's headroom; what was given to `transmit` comes back from `reclaim` unchanged.
public struct XSKRings: @unchecked Sendable {
    /// libxdp's bookkeeping, in one place that does not move: the library remembers where it is.
    struct Storage {
        var fill = xsk_ring_prod()
        var completion = xsk_ring_cons()
        var receive = xsk_ring_cons()
        var transmit = xsk_ring_prod()
    }

    @usableFromInline let fill: UnsafeMutablePointer<xsk_ring_prod>
    @usableFromInline let completion: UnsafeMutablePointer<xsk_ring_cons>
    @usableFromInline let received: UnsafeMutablePointer<xsk_ring_cons>
    @usableFromInline let outgoing: UnsafeMutablePointer<xsk_ring_prod>
    @usableFromInline let file: Int32
    public let umem: UMEM

    init(_ storage: UnsafeMutablePointer<Storage>, file: Int32, umem: UMEM) {
        self.fill = storage.pointer(to: \.fill)!
        self.completion = storage.pointer(to: \.completion)!
        self.received = storage.pointer(to: \.receive)!
        self.outgoing = storage.pointer(to: \.transmit)!
        self.file = file
        self.umem = umem
    }

    // MARK: Reception

    /// Takes the packets that have come, at most as many as fit, and returns how many.
    @inlinable
    public func receive(into packets: UnsafeMutableBufferPointer<xdp_desc>) -> Int {
        var index: UInt32 = 0
        let count = xsk_ring_cons__peek(received, UInt32(truncatingIfNeeded: packets.count), &index)
        guard count > 0, let first = packets.baseAddress else { return 0 }
        for offset in 0..<count {
            first[Int(offset)] = xsk_ring_cons__rx_desc(received, index &+ offset).pointee
        }
        xsk_ring_cons__release(received, count)
        return Int(count)
    }

    /// Gives empty buffers to the kernel to receive into; returns how many of them it took, from the first on.
    @inlinable
    public func refill(_ addresses: UnsafeBufferPointer<UInt64>) -> Int {
        guard let first = addresses.baseAddress else { return 0 }
        let wanted = UInt32(truncatingIfNeeded: addresses.count)
        let count = min(xsk_prod_nb_free(fill, wanted), wanted)
        var index: UInt32 = 0
        guard count > 0, xsk_ring_prod__reserve(fill, count, &index) == count else { return 0 }
        for offset in 0..<count {
            xsk_ring_prod__fill_addr(fill, index &+ offset).pointee = first[Int(offset)]
        }
        xsk_ring_prod__submit(fill, count)
        return Int(count)
    }

    /// How many buffers the kernel would take now.
    @inlinable
    public var refillRoom: Int { Int(xsk_prod_nb_free(fill, fill.pointee.size)) }

    /// Whether the driver sleeps and wants `wakeReceive` after a refill. Never in copy mode.
    @inlinable
    public var receiveNeedsWakeup: Bool { xsk_ring_prod__needs_wakeup(fill) != 0 }

    /// Tells a sleeping driver that there are buffers again. Returns 0, or the error number.
    @inlinable @discardableResult
    public func wakeReceive() -> Int32 { CMartletLinux_kickReceive(file) }

    // MARK: Transmission

    /// Puts packets on the transmit ring; returns how many it took, from the first on. The kernel sends them when it is
    /// told to: see `flush`.
    @inlinable
    public func transmit(_ packets: UnsafeBufferPointer<xdp_desc>) -> Int {
        guard let first = packets.baseAddress else { return 0 }
        let wanted = UInt32(truncatingIfNeeded: packets.count)
        let count = min(xsk_prod_nb_free(outgoing, wanted), wanted)
        var index: UInt32 = 0
        guard count > 0, xsk_ring_prod__reserve(outgoing, count, &index) == count else { return 0 }
        for offset in 0..<count {
            xsk_ring_prod__tx_desc(outgoing, index &+ offset).pointee = first[Int(offset)]
        }
        xsk_ring_prod__submit(outgoing, count)
        return Int(count)
    }

    /// Takes back the addresses of packets that were sent, at most as many as fit, and returns how many.
    @inlinable
    public func reclaim(into addresses: UnsafeMutableBufferPointer<UInt64>) -> Int {
        var index: UInt32 = 0
        let count = xsk_ring_cons__peek(completion, UInt32(truncatingIfNeeded: addresses.count), &index)
        guard count > 0, let first = addresses.baseAddress else { return 0 }
        for offset in 0..<count {
            first[Int(offset)] = xsk_ring_cons__comp_addr(completion, index &+ offset).pointee
        }
        xsk_ring_cons__release(completion, count)
        return Int(count)
    }

    /// Packets on the transmit ring that the kernel has not taken yet.
    @inlinable
    public var transmitPending: Int {
        let ring = outgoing.pointee
        // The kernel moves the consumer; a stale value only means one call more.
        return Int(ring.cached_prod &- ring.consumer.pointee)
    }

    /// Whether the kernel waits to be told to send: always in copy mode.
    @inlinable
    public var transmitNeedsWakeup: Bool { xsk_ring_prod__needs_wakeup(outgoing) != 0 }

    /// Tells the kernel to send, once. Returns 0, or the error number: EAGAIN when packets remain, EBUSY when the
    /// device dropped one, ENOBUFS when the kernel had no memory, ENETDOWN or ENXIO when the device is down or gone.
    @inlinable @discardableResult
    public func wakeTransmit() -> Int32 { CMartletLinux_kick(file) }

    /// Tells the kernel to send, until it has taken all or makes no progress; call it once per batch, after `transmit`.
    ///
    /// - Returns: 0 when nothing is left to do, or why packets wait on the ring: EAGAIN when the kernel is busy or the
    ///   completion ring is full (`reclaim`, then call again), another error number when the device is down or gone.
    @inlinable @discardableResult
    public func flush() -> Int32 {
        guard transmitNeedsWakeup else { return 0 }
        var pending = transmitPending
        while pending > 0 {
            let error = wakeTransmit()
            let rest = transmitPending
            if rest == 0 { return 0 }
            switch error {
            case 0, EAGAIN, EBUSY, ENOBUFS: if rest == pending { return EAGAIN }
            default: return error
            }
            pending = rest
        }
        return 0
    }
}
