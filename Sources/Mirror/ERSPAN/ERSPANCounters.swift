// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import IP

/// What came in by each session, counted by each worker in memory of its own.
final class ERSPANCounters: @unchecked Sendable {
    struct Counts: BitwiseCopyable {
        var frames: UInt64 = 0
        /// Sequence numbers that were passed over. What is overtaken is among them, and late.
        var lost: UInt64 = 0
        var late: UInt64 = 0
        /// How often the sender has begun anew.
        var restarts: UInt64 = 0
        var truncated: UInt64 = 0

        static func + (a: Counts, b: Counts) -> Counts {
            Counts(
                frames: a.frames &+ b.frames, lost: a.lost &+ b.lost, late: a.late &+ b.late,
                restarts: a.restarts &+ b.restarts, truncated: a.truncated &+ b.truncated)
        }
    }

    private let memory: [UnsafeMutablePointer<Counts>]
    private static let byteCount = EndpointTable.capacity * MemoryLayout<Counts>.stride

    init(workerCount: Int) {
        memory = (0..<workerCount).map { _ in
            guard let memory = CMartletLinux_mapAnonymous(ERSPANCounters.byteCount, 0) else {
                fatalError("no address space for the counters of ERSPAN")
            }
            return memory.bindMemory(to: Counts.self, capacity: EndpointTable.capacity)
        }
    }

    deinit { for pointer in memory { munmap(pointer, ERSPANCounters.byteCount) } }

    /// What a worker's node keeps.
    func seat(_ worker: Int) -> Seat { Seat(counts: memory[worker]) }

    /// What all workers have counted. Control side only.
    func total(_ number: UInt32) -> Counts { memory.reduce(Counts()) { $0 + $1[Int(number)] } }

    struct Seat: BitwiseCopyable, @unchecked Sendable {
        fileprivate let counts: UnsafeMutablePointer<Counts>

        @inline(__always)
        subscript(number: UInt32) -> UnsafeMutablePointer<Counts> {
            counts + Int(number & UInt32(EndpointTable.capacity &- 1))
        }
    }
}
