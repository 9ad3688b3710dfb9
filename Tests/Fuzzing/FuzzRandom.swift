// SPDX-License-Identifier: Apache-2.0

/// SplitMix64 (Steele, Lea, Flood 2014): fast, and seeded anew for each input, so that an input can be made again from
/// its number alone.
@frozen
public struct FuzzRandom: RandomNumberGenerator {
    private var state: UInt64

    /// - Parameters:
    ///   - seed: Names the run.
    ///   - number: The input's number in it.
    @inline(__always)
    public init(seed: UInt64, number: UInt64) {
        state = seed ^ number &* 0xd1b5_4a32_d192_ed03
        _ = next()
    }

    @inline(__always)
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    /// A number below `bound`, which is not 0; by multiplication, hardly biased.
    @inline(__always)
    public mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(truncatingIfNeeded: bound)) >> 32)
    }

    /// True once in `count` times.
    @inline(__always)
    public mutating func once(in count: Int) -> Bool { below(count) == 0 }
}
