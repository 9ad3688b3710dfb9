// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization

/// Carries the time of a packet's record from the capture that it came from to the one that it is written to, so that
/// outputs depend on inputs alone.
///
/// A packet which came from no capture has the time of the latest record that was read; where nothing was read at all,
/// packets are a microsecond apart, from 1970 on.
///
/// Threading: any worker; a packet's time travels with the packet.
final class CaptureClock: Sendable {
    /// Nanoseconds since 1970 by buffer; 0: the packet came from no capture.
    nonisolated(unsafe) private let times: UnsafeMutablePointer<UInt64>
    private let latest = Atomic<UInt64>(0)

    init(pool: BufferPool) {
        times = .allocate(capacity: pool.count)
        times.initialize(repeating: 0, count: pool.count)
    }

    deinit { times.deallocate() }

    func set(_ nanoseconds: UInt64, for buffer: BufferIndex) {
        times[Int(buffer)] = nanoseconds
        latest.store(nanoseconds, ordering: .relaxed)
    }

    /// The time to write for a packet that leaves, the `number`th of its capture.
    func take(_ packet: Packet, _ buffer: BufferIndex, number: Int) -> UInt64 {
        let time = times[Int(buffer)]
        // The buffer's next packet may come from elsewhere.
        times[Int(buffer)] = 0
        if time != 0, !packet.header.flags.contains(.locallyOriginated) { return time }
        let latest = latest.load(ordering: .relaxed)
        return latest != 0 ? latest : UInt64(truncatingIfNeeded: number) &* 1000
    }
}
