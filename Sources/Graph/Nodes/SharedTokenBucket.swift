// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A token bucket that all workers take from, so that its rate holds however the packets are spread over them.
///
/// It is written to when a token is taken, never in vain: how often workers wait for each other is bounded by the rate.
public struct SharedTokenBucket: ~Copyable, Sendable {
    private let fullAt = Atomic<UInt64>(0)

    /// A full one.
    public init() {}

    /// Takes a token; false when there is none. Any thread.
    public borrowing func take(_ now: UInt64, _ rate: TokenRate) -> Bool {
        var current = fullAt.load(ordering: .relaxed)
        while current <= now &+ rate.tolerance {
            let (done, seen) = fullAt.compareExchange(
                expected: current, desired: max(current, now) &+ rate.interval, ordering: .relaxed)
            if done { return true }
            current = seen
        }
        return false
    }
}
