// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What is said about repeated measurements of one thing, as ministat(1) does.
public struct BenchSummary: Codable, Sendable, Equatable {
    public let count: Int
    public let min: Double
    public let max: Double
    public let median: Double
    public let mean: Double
    /// Of the sample (n - 1); 0 for a single value.
    public let stddev: Double

    /// - Parameter values: At least one.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "a summary needs values")
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.init(
            count: values.count, min: values.min() ?? mean, max: values.max() ?? mean, median: values.median,
            mean: mean,
            stddev: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0)
    }

    init(count: Int, min: Double, max: Double, median: Double, mean: Double, stddev: Double) {
        self.count = count
        self.min = min
        self.max = max
        self.median = median
        self.mean = mean
        self.stddev = stddev
    }
}

extension [Double] {
    /// The middle value, or the mean of the two in the middle; nan when there is none.
    var median: Double {
        guard !isEmpty else { return .nan }
        let ordered = sorted()
        let middle = count / 2
        return count % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2
    }
}

/// Whether two samples differ, by Student's t for equal variances at 95 % confidence, two-sided.
public enum BenchDifference: Codable, Sendable, Equatable {
    /// The change of the mean and of the mean in per cent of the old one, each with its margin.
    case proven(change: Double, margin: Double, percent: Double, percentMargin: Double)
    case notProven
    /// Student's t needs three values on each side, as in ministat(1).
    case tooFewRuns

    static let fewestRuns = 3

    public init(from old: BenchSummary, to new: BenchSummary) {
        guard min(old.count, new.count) >= BenchDifference.fewestRuns else {
            self = .tooFewRuns
            return
        }
        let (oldCount, newCount) = (Double(old.count), Double(new.count))
        let freedom = old.count + new.count - 2
        let squares = (oldCount - 1) * old.stddev * old.stddev + (newCount - 1) * new.stddev * new.stddev
        let pooled = (squares / Double(freedom)).squareRoot()
        let t = StudentT.critical(freedom: freedom)
        let change = new.mean - old.mean
        let margin = t * pooled * (1 / oldCount + 1 / newCount).squareRoot()
        guard abs(change) > margin else {
            self = .notProven
            return
        }
        // The ratio's margin: relative errors of both means add up in squares.
        let ratio = new.mean / old.mean
        func error(_ sample: BenchSummary) -> Double {
            sample.stddev * sample.stddev / (Double(sample.count) * sample.mean * sample.mean)
        }
        self = .proven(
            change: change, margin: margin, percent: (ratio - 1) * 100,
            percentMargin: t * abs(ratio) * (error(old) + error(new)).squareRoot() * 100)
    }

    /// In ministat's words; the change with and without the unit.
    public var text: [String] {
        switch self {
        case .proven(let change, let margin, let percent, let percentMargin):
            ["\(short(change)) +/- \(short(margin))", "\(short(percent))% +/- \(short(percentMargin))%"]
        case .notProven: ["No difference proven at 95.0% confidence"]
        case .tooFewRuns: ["Fewer than \(BenchDifference.fewestRuns) runs: nothing can be proven"]
        }
    }

    /// Six significant digits.
    private func short(_ value: Double) -> String { String(format: "%g", value) }
}

/// Critical values of Student's t distribution, 0.975 quantile: NIST/SEMATECH e-Handbook of Statistical Methods,
/// section 1.3.6.7.2.
enum StudentT {
    private static let upTo30 = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
        2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ]
    private static let beyond = [(40, 2.021), (50, 2.009), (60, 2.000), (80, 1.990), (100, 1.984)]

    /// - Parameter freedom: Degrees of freedom, at least 1. Between the table's rows the lower one holds, which proves less.
    static func critical(freedom: Int) -> Double {
        if freedom <= 30 { return upTo30[max(freedom, 1) - 1] }
        return beyond.last { $0.0 <= freedom }?.1 ?? upTo30[29]
    }
}
