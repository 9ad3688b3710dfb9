// SPDX-License-Identifier: Apache-2.0
import Graph

/// The values that a header field takes from packet to packet: one, or those of some ranges, in order or at random.
struct FieldValues: Sendable, Equatable, ExpressibleByIntegerLiteral {
    /// Values from `first`, `step` apart.
    private struct Run: Equatable {
        let first: UInt128
        let step: UInt128
        let count: UInt128
    }

    private let runs: [Run]
    /// How many values there are before they repeat.
    let count: UInt128
    let isRandom: Bool

    init(_ value: UInt128) { self.init([value...value], step: 1, isRandom: false) }

    init(integerLiteral value: UInt64) { self.init(UInt128(value)) }

    /// - Parameters:
    ///   - ranges: At least one.
    ///   - step: From one value of a range to the next; at least 1.
    init(_ ranges: [ClosedRange<UInt128>], step: UInt128, isRandom: Bool) {
        runs = ranges.map { range in
            let steps = (range.upperBound - range.lowerBound) / step
            // All IPv6 addresses are one more than can be counted.
            return Run(first: range.lowerBound, step: step, count: steps == .max ? .max : steps + 1)
        }
        count = runs.reduce(0) { sum, run in
            let (next, isTooMany) = sum.addingReportingOverflow(run.count)
            return isTooMany ? .max : next
        }
        self.isRandom = isRandom
    }

    /// The largest value.
    var largest: UInt128 { runs.map { $0.first + ($0.count - 1) * $0.step }.max() ?? 0 }

    /// The value for the packet of that number, counted from 0.
    func value(_ number: Int, _ random: inout SplitMix64) -> UInt128 {
        if count == 1 { return runs[0].first }
        var position = isRandom ? draw(&random) : UInt128(number) % count
        for run in runs {
            if position < run.count { return run.first + position * run.step }
            position -= run.count
        }
        return runs[0].first
    }

    private func draw(_ random: inout SplitMix64) -> UInt128 {
        guard let few = UInt64(exactly: count) else { return UInt128.random(in: 0..<count, using: &random) }
        return UInt128(UInt64.random(in: 0..<few, using: &random))
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
