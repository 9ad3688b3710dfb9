// SPDX-License-Identifier: Apache-2.0
import Graph

/// The values that a header field takes from packet to packet: one, or those of some ranges, in order or at random.
struct FieldValues: Sendable, Equatable, ExpressibleByIntegerLiteral {
    /// Values from `first`, `step` apart.
    private struct Run: Equatable {
        let first: UInt64
        let step: UInt64
        let count: UInt64
    }

    private let runs: [Run]
    /// How many values there are before they repeat.
    let count: UInt64
    let isRandom: Bool

    init(_ value: UInt64) { self.init([value...value], step: 1, isRandom: false) }

    init(integerLiteral value: UInt64) { self.init(value) }

    /// - Parameters:
    ///   - ranges: At least one.
    ///   - step: From one value of a range to the next; at least 1.
    init(_ ranges: [ClosedRange<UInt64>], step: UInt64, isRandom: Bool) {
        runs = ranges.map { Run(first: $0.lowerBound, step: step, count: ($0.upperBound - $0.lowerBound) / step + 1) }
        count = runs.reduce(0) { $0 + $1.count }
        self.isRandom = isRandom
    }

    /// The largest value.
    var largest: UInt64 { runs.map { $0.first + ($0.count - 1) * $0.step }.max() ?? 0 }

    /// The value for the packet of that number, counted from 0.
    func value(_ number: Int, _ random: inout SplitMix64) -> UInt64 {
        if count == 1 { return runs[0].first }
        var position = isRandom ? UInt64.random(in: 0..<count, using: &random) : UInt64(number) % count
        for run in runs {
            if position < run.count { return run.first + position * run.step }
            position -= run.count
        }
        return runs[0].first
    }
}

/// A small random generator that gives the same numbers on every machine (Steele, Lea and Flood, 2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
