// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Control

@Suite("Bench: statistics")
struct BenchStatisticsTests {
    @Test func `a summary of five values`() {
        let summary = BenchSummary([3, 1, 4, 1, 5])
        #expect(summary.count == 5)
        #expect(summary.min == 1 && summary.max == 5)
        #expect(summary.median == 3)
        #expect(summary.mean == 2.8)
        #expect(abs(summary.stddev - 1.7888543819998317) < 1e-12)
    }

    @Test func `a single value deviates from nothing`() {
        #expect(BenchSummary([7]) == BenchSummary(count: 1, min: 7, max: 7, median: 7, mean: 7, stddev: 0))
    }

    @Test func `the median of an even number of values lies between two`() {
        #expect([4, 1, 3, 2].median == 2.5)
        #expect([Double]().median.isNaN)
    }

    /// What ministat(1) printed for five runs each: "Tuning FreeBSD for routing and firewalling", EuroBSDcon 2017.
    struct Published: Sendable {
        let old: (mean: Double, stddev: Double)
        let new: (mean: Double, stddev: Double)
        let text: [String]
    }

    @Test(arguments: [
        Published(
            old: (4648293.8, 94545.404), new: (5088362.1, 102920.87),
            text: ["440068 +/- 144126", "9.46731% +/- 3.23827%"]),
        Published(
            old: (4648293.8, 94545.404), new: (5785004.7, 13724.265),
            text: ["1.13671e+06 +/- 98524.2", "24.4544% +/- 2.62824%"]),
        Published(
            old: (10951860, 12056.937), new: (11146670, 12273.277),
            text: ["194810 +/- 17742.8", "1.77878% +/- 0.163429%"]),
        Published(
            old: (10946743, 22298.313), new: (9075563.7, 21531.387),
            text: ["-1.87118e+06 +/- 31966.4", "-17.0935% +/- 0.267353%"]),
    ])
    func `differences as ministat prints them`(_ example: Published) {
        func summary(_ sample: (mean: Double, stddev: Double)) -> BenchSummary {
            BenchSummary(count: 5, min: 0, max: 0, median: 0, mean: sample.mean, stddev: sample.stddev)
        }
        #expect(BenchDifference(from: summary(example.old), to: summary(example.new)).text == example.text)
    }

    @Test func `samples that overlap prove nothing`() {
        let (old, new) = (BenchSummary([10, 11, 12, 13]), BenchSummary([10.5, 11.5, 12.5, 13.5]))
        let difference = BenchDifference(from: old, to: new)
        #expect(difference == .notProven)
        #expect(difference.text == ["No difference proven at 95.0% confidence"])
    }

    @Test func `equal samples without deviation prove nothing, different ones do`() {
        let three = BenchSummary([3, 3, 3])
        #expect(BenchDifference(from: three, to: three) == .notProven)
        let four = BenchDifference(from: three, to: BenchSummary([4, 4, 4]))
        guard case .proven(let change, let margin, _, _) = four else {
            Issue.record("\(four)")
            return
        }
        #expect(change == 1 && margin == 0)
    }

    @Test func `two runs are too few`() {
        #expect(BenchDifference(from: BenchSummary([1, 2]), to: BenchSummary([8, 9, 10])) == .tooFewRuns)
    }

    @Test func `between the table's rows the lower one holds`() {
        #expect(StudentT.critical(freedom: 8) == 2.306)
        #expect(StudentT.critical(freedom: 35) == StudentT.critical(freedom: 30))
        #expect(StudentT.critical(freedom: 1_000_000) == 1.984)
        for freedom in 1..<200 {
            #expect(StudentT.critical(freedom: freedom) >= StudentT.critical(freedom: freedom + 1))
        }
    }
}
