// SPDX-License-Identifier: Apache-2.0
import Graph

/// Spreads packets evenly over time.
struct Pace {
    private let ticksPerPacket: Double
    private var start: UInt64 = 0
    private var sent: Double = 0

    init(packetsPerSecond: Double) { ticksPerPacket = Clock.frequency / max(packetsPerSecond, 1e-3) }

    /// How many packets may leave at `now`, at most `limit`. The first is due at the first call.
    mutating func allowance(_ now: UInt64, upTo limit: Int) -> Int {
        if start == 0 { start = now }
        var due = dueCount(now) - sent
        // Far behind, after a stall: go on from here instead of catching up with a burst.
        if due > 4 * Double(Frame.capacity) {
            sent += due - Double(Frame.capacity)
            due = Double(Frame.capacity)
        }
        return due < 1 ? 0 : min(limit, Int(due))
    }

    /// Notes that `count` packets have left.
    mutating func spend(_ count: Int) { sent += Double(count) }

    /// Nanoseconds from `now` until the next packet is due; 0 when one is.
    func nanosecondsUntilNext(_ now: UInt64) -> UInt64 {
        let ticks = sent * ticksPerPacket - Double(now &- start)
        return ticks <= 0 || start == 0 ? 0 : UInt64(ticks / Clock.frequency * 1e9)
    }

    private func dueCount(_ now: UInt64) -> Double { Double(now &- start) / ticksPerPacket + 1 }
}
