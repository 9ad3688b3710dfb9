// SPDX-License-Identifier: Apache-2.0
import CMartletLinux

/// Packets longer than a chunk (`XSKSocket.Options.multiBuffer`). The caller sees whole packets, each in one buffer.
extension XSKRings {
    /// What `receiveWhole` did.
    public struct Gathered: Sendable {
        /// Packets taken.
        public var packets = 0
        /// Buffers that are empty again: they held the later parts of packets, or packets that were dropped.
        public var spares = 0
        /// Packets that were longer than a buffer, dropped.
        public var oversized = 0
    }

    /// Takes the packets that have come, each in one piece: what lies in further chunks is copied behind the first.
    ///
    /// - Parameters:
    ///   - packets: Room for packets; at least 18, which is the longest chain that the kernel makes.
    ///   - spares: Room for as many addresses, of buffers that are empty again.
    public func receiveWhole(
        into packets: UnsafeMutableBufferPointer<xdp_desc>, spares: UnsafeMutableBufferPointer<UInt64>
    ) -> Gathered {
        var result = Gathered()
        var index: UInt32 = 0
        let room = UInt32(truncatingIfNeeded: min(packets.count, spares.count))
        let count = xsk_ring_cons__peek(received, room, &index)
        var taken: UInt32 = 0
        while taken < count {
            var parts: UInt32 = 1
            while taken &+ parts <= count, continues(index &+ taken &+ parts &- 1) { parts &+= 1 }
            // The rest of the packet comes with the next call.
            guard taken &+ parts <= count else { break }
            gather(index &+ taken, parts, packets, spares, &result)
            taken &+= parts
        }
        if taken < count { xsk_ring_cons__cancel(received, count &- taken) }
        xsk_ring_cons__release(received, taken)
        return result
    }

    private func continues(_ index: UInt32) -> Bool {
        xsk_ring_cons__rx_desc(received, index).pointee.options & UInt32(CMartletLinux_packetContinues) != 0
    }

    private func gather(
        _ index: UInt32, _ parts: UInt32, _ packets: UnsafeMutableBufferPointer<xdp_desc>,
        _ spares: UnsafeMutableBufferPointer<UInt64>, _ result: inout Gathered
    ) {
        var packet = xsk_ring_cons__rx_desc(received, index).pointee
        packet.options = 0
        let end = (packet.addr | UInt64(umem.bufferSize &- 1)) &+ 1
        var fits = true
        for part in 1..<max(parts, 1) {
            let next = xsk_ring_cons__rx_desc(received, index &+ part).pointee
            let tail = packet.addr &+ UInt64(packet.len)
            fits = fits && tail &+ UInt64(next.len) <= end
            if fits {
                (umem.base + Int(tail)).copyMemory(from: umem.base + Int(next.addr), byteCount: Int(next.len))
                packet.len &+= next.len
            }
            spares[result.spares] = next.addr
            result.spares &+= 1
        }
        guard fits else {
            spares[result.spares] = packet.addr
            result.spares &+= 1
            result.oversized &+= 1
            return
        }
        packets[result.packets] = packet
        result.packets &+= 1
    }

    /// Puts packets on the transmit ring, each cut at the borders of chunks; returns how many it took, from the first
    /// on. A packet starts in the first chunk of its buffer.
    public func transmitWhole(_ packets: UnsafeBufferPointer<xdp_desc>) -> Int {
        let chunk = UInt64(umem.chunkSize)
        for (taken, packet) in packets.enumerated() {
            let start = packet.addr & (chunk &- 1)
            let parts = UInt32(truncatingIfNeeded: (start &+ UInt64(max(packet.len, 1)) &- 1) / chunk &+ 1)
            var index: UInt32 = 0
            guard xsk_ring_prod__reserve(outgoing, parts, &index) == parts else { return taken }
            var rest = packet
            for part in 0..<parts {
                let room = chunk &- (rest.addr & (chunk &- 1))
                let length = UInt32(truncatingIfNeeded: min(UInt64(rest.len), room))
                let more = part &+ 1 < parts ? UInt32(CMartletLinux_packetContinues) : 0
                xsk_ring_prod__tx_desc(outgoing, index &+ part).pointee = xdp_desc(
                    addr: rest.addr, len: length, options: more)
                rest.addr &+= UInt64(length)
                rest.len &-= length
            }
            xsk_ring_prod__submit(outgoing, parts)
        }
        return packets.count
    }

    /// Takes back the addresses of packets that `transmitWhole` sent, one per packet; the kernel returns a packet's
    /// chunks together, and this skips all but the first.
    public func reclaimWhole(into addresses: UnsafeMutableBufferPointer<UInt64>) -> Int {
        let count = reclaim(into: addresses)
        let chunk = UInt64(umem.chunkSize)
        let mask = UInt64(umem.bufferSize &- 1)
        var kept = 0
        for position in 0..<count where addresses[position] & mask < chunk {
            addresses[kept] = addresses[position]
            kept &+= 1
        }
        return kept
    }
}
