// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// The processor's time stamp counter: what "clocks" means in every counter.
public enum Clock {
    /// Ticks since some moment in the past.
    @inlinable @inline(__always)
    public static var now: UInt64 { CMartletLinux_clock() }

    /// Ticks per second, measured once against the monotonic clock.
    public static let frequency: Double = {
        // Of several readings the one that took least: the kernel may step in between the two clocks.
        func sample() -> (ticks: UInt64, nanoseconds: UInt64) {
            var best = (ticks: UInt64(0), nanoseconds: UInt64(0), took: UInt64.max)
            for _ in 0..<8 {
                let before = now
                let nanoseconds = monotonicNanoseconds
                let took = now &- before
                if took < best.took { best = (before &+ took / 2, nanoseconds, took) }
            }
            return (best.ticks, best.nanoseconds)
        }
        let begin = sample()
        usleep(10_000)
        let end = sample()
        return Double(end.ticks &- begin.ticks) / Double(end.nanoseconds &- begin.nanoseconds) * 1e9
    }()

    /// Ticks in so many milliseconds, rounded down.
    public static func ticks(milliseconds: Double) -> UInt64 { UInt64(milliseconds * frequency / 1000) }
    /// So many ticks in seconds.
    public static func seconds(_ ticks: UInt64) -> Double { Double(ticks) / frequency }

    /// CLOCK_MONOTONIC in nanoseconds.
    public static var monotonicNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
