// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph

/// Packets and bytes per adjacency, load-balance or label, counted by each worker in memory of its own.
///
/// The memory is reserved for all indices and taken page by page as they are used.
public final class TrafficCounters: @unchecked Sendable {
    /// Packets first, bytes second: one vector add a packet.
    public typealias Count = SIMD2<UInt64>

    private let memory: [UnsafeMutablePointer<Count>]
    private let capacity: Int
    /// What earlier users of an index had counted. Control side only.
    private var baselines: [UInt32: Count] = [:]

    init(capacity: Int, workerCount: Int) {
        precondition(capacity.nonzeroBitCount == 1, "a power of two, for the mask")
        self.capacity = capacity
        memory = (0..<workerCount).map { _ in
            guard let memory = CMartletLinux_mapAnonymous(capacity * MemoryLayout<Count>.stride, 0) else {
                fatalError("no address space for counters")
            }
            return memory.bindMemory(to: Count.self, capacity: capacity)
        }
    }

    deinit { for pointer in memory { munmap(pointer, capacity * MemoryLayout<Count>.stride) } }

    /// What a worker's node keeps.
    func slot(_ worker: Int) -> Slot { Slot(counts: memory[worker], mask: UInt32(capacity - 1)) }

    /// What all workers counted since the index was taken into use. Control side only.
    public func count(of index: UInt32) -> (packets: UInt64, bytes: UInt64) {
        let sum = total(index) &- (baselines[index] ?? Count())
        return (sum[0], sum[1])
    }

    /// Counts from here on. Control side only.
    func reset(_ index: UInt32) {
        let sum = total(index)
        baselines[index] = sum == Count() ? nil : sum
    }

    private func total(_ index: UInt32) -> Count { memory.reduce(Count()) { $0 &+ $1[Int(index) & (capacity - 1)] } }

    struct Slot: BitwiseCopyable, @unchecked Sendable {
        let counts: UnsafeMutablePointer<Count>
        let mask: UInt32

        @inline(__always)
        func add(_ index: UInt32, bytes: Int) {
            counts[Int(index & mask)] &+= Count(1, UInt64(truncatingIfNeeded: bytes))
        }
    }
}
