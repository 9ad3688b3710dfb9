// SPDX-License-Identifier: Apache-2.0

/// How fast a token bucket fills and how much it holds.
@frozen
public struct TokenRate: BitwiseCopyable, Sendable {
    /// Ticks of `Clock` per token.
    @usableFromInline let interval: UInt64
    /// How far ahead of its rate a full bucket lets its users get, in ticks.
    @usableFromInline let tolerance: UInt64

    /// - Parameter burst: Tokens in a full bucket; at least one, so that a single packet always passes.
    public init(perSecond: Double, burst: Int) {
        interval = max(1, UInt64(Clock.frequency / max(perSecond, 0.001)))
        tolerance = interval * UInt64(max(1, burst) - 1)
    }
}

/// A token bucket in one word (the generic cell rate algorithm): the time at which it will be full again.
@frozen
public struct TokenBucket: BitwiseCopyable {
    @usableFromInline var fullAt: UInt64 = 0

    /// A full one.
    @inlinable
    public init() {}

    @inlinable @inline(__always)
    public func hasToken(_ now: UInt64, _ rate: TokenRate) -> Bool { fullAt <= now &+ rate.tolerance }

    /// Takes a token; false when there is none.
    @inlinable @inline(__always)
    public mutating func take(_ now: UInt64, _ rate: TokenRate) -> Bool {
        guard hasToken(now, rate) else { return false }
        fullAt = max(fullAt, now) &+ rate.interval
        return true
    }
}

/// Many token buckets of fixed total size, one for each hash of a key.
///
/// Two keys may share a bucket and then share its rate. The hash is seeded: who chooses keys cannot choose whose bucket
/// to empty.
@frozen
public struct TokenBuckets {
    @usableFromInline var buckets = InlineArray<1024, TokenBucket>(repeating: TokenBucket())
    @usableFromInline let seed = UInt64.random(in: .min ... .max)

    @inlinable
    public init() {}

    @inlinable @inline(__always)
    public mutating func take(_ key: UInt64, _ now: UInt64, _ rate: TokenRate) -> Bool {
        let hash = (key ^ seed) &* 0x9e37_79b9_7f4a_7c15
        return buckets[Int(truncatingIfNeeded: hash >> 54)].take(now, rate)
    }
}
