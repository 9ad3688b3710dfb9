// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// Packet memory and the stack of its free buffers, for one thread of a bench.
struct BenchMemory: ~Copyable {
    let umem: UMEM
    /// Addresses of the free buffers; the first `freeCount` count.
    private let free: UnsafeMutableBufferPointer<UInt64>
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

    /// The next `count` free buffers, of at most `freeCount`; read them before anything is given back.
    mutating func take(_ count: Int) -> UnsafeBufferPointer<UInt64> {
        freeCount &-= count
        return UnsafeBufferPointer(rebasing: free[freeCount..<freeCount &+ count])
    }

    /// Where addresses of returning buffers may be put before `give`: the one that is given never overtakes.
    var room: UnsafeMutableBufferPointer<UInt64> { UnsafeMutableBufferPointer(rebasing: free[freeCount...]) }
}
