// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Packet memory and the stack of its free buffers, for one thread of a bench.
struct BenchMemory: ~Copyable {
    let umem: UMEM
    /// Addresses of the free buffers; the first `freeCount` count.
    let free: UnsafeMutableBufferPointer<UInt64>
    private(set) var freeCount: Int

    /// - Parameter frameLength: The longest frame, which decides between 2, 4 and 16 KiB buffers.
    init(count: Int, frameLength: Int) throws(XDPError) {
        let size = [2048, 4096, 16384].first { $0 - UMEM.kernelHeadroom >= frameLength } ?? 16384
        guard let memory = CMartletLinux_mapAnonymous(count * size, 0) else {
            throw .noMemory(device: "bench", bytes: count * size)
        }
        umem = try UMEM(base: memory, byteCount: count * size, bufferSize: size)
        free = .allocate(capacity: count)
        for index in 0..<count { free[index] = UInt64(index * size) }
        freeCount = count
    }

    deinit {
        munmap(umem.base, umem.byteCount)
        free.deallocate()
    }

    /// Whether a frame may span several chunks.
    var isMultiBuffer: Bool { umem.bufferSize > umem.chunkSize }

    /// The next free buffer; only while `freeCount` is above zero.
    mutating func take() -> UInt64 {
        freeCount &-= 1
        return free[freeCount]
    }

    /// Gives a buffer back, by any address in it.
    mutating func give(_ address: UInt64) {
        free[freeCount] = address & ~UInt64(umem.bufferSize &- 1)
        freeCount &+= 1
    }

    /// Moves free buffers to the fill ring, as many as it takes.
    mutating func refill(_ rings: XSKRings) {
        let count = min(freeCount, rings.refillRoom)
        guard count > 0 else { return }
        let top = UnsafeBufferPointer(rebasing: free[(freeCount &- count)..<freeCount])
        freeCount &-= rings.refill(top)
    }

    /// Takes back what was sent.
    mutating func reclaim(_ rings: XSKRings) {
        let room = UnsafeMutableBufferPointer(rebasing: free[freeCount...])
        let count = isMultiBuffer ? rings.reclaimWhole(into: room) : rings.reclaim(into: room)
        for _ in 0..<count { give(free[freeCount]) }
    }
}
