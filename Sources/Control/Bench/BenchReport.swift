// SPDX-License-Identifier: Apache-2.0
import Graph

/// What `martlet bench` answers, and what `--compare` reads again.
public struct BenchReport: Report, Codable {
    public let machine: BenchMachine
    public var cases: [BenchCaseReport]
    /// What the cases are compared with.
    public var baseline: Baseline?

    /// An earlier report.
    public struct Baseline: Codable, Sendable {
        public let file: String
        public let commit: String?
        /// Whether it is of a machine like this one; else the differences are not the program's alone.
        public let isSameMachine: Bool
    }

    public init(machine: BenchMachine, cases: [BenchCaseReport]) {
        self.machine = machine
        self.cases = cases
    }

    public var body: [TextBlock] {
        var blocks = machine.body
        if let baseline {
            let commit = baseline.commit.map { ", commit \($0)" } ?? ""
            blocks.append(.facts([.init("Compared with", baseline.file + commit)]))
            if !baseline.isSameMachine { blocks.append(.line("\(baseline.file) is from another kind of machine.")) }
        }
        return blocks + cases.flatMap(\.body)
    }

    /// Sets the figures against those of an earlier report, from `file`.
    public mutating func compare(with old: BenchReport, file: String) {
        let isSame = old.machine.processor == machine.processor && old.machine.isOptimized == machine.isOptimized
        baseline = Baseline(file: file, commit: old.machine.commit, isSameMachine: isSame)
        for index in cases.indices {
            let before = old.cases.first { $0.name == cases[index].name }
            cases[index].compare(with: before?.rows ?? [])
        }
    }
}

/// All runs of one case.
public struct BenchCaseReport: Codable, Sendable {
    public let name: String
    public let summary: String
    public var rows: [BenchRow]
    public let goals: [BenchGoal]
    public let notes: [String]

    /// - Parameter runs: At least one. A figure that is not in every run is left out.
    init(_ definition: BenchCase, _ runs: [BenchRun]) {
        name = definition.name
        summary = definition.summary
        rows = (runs.first?.figures ?? []).compactMap { figure in
            let found = runs.compactMap { run in
                run.figures.first { $0.name == figure.name && $0.unit == figure.unit }
            }
            guard found.count == runs.count else { return nil }
            return BenchRow(
                name: figure.name, unit: figure.unit, packetsPerCall: figure.packetsPerCall, values: found.map(\.value))
        }
        goals = definition.goals
        var notes: [String] = []
        for note in runs.flatMap(\.notes) where !notes.contains(note) { notes.append(note) }
        self.notes = notes
    }

    mutating func compare(with old: [BenchRow]) {
        for index in rows.indices {
            let row = rows[index]
            guard let before = old.first(where: { $0.name == row.name && $0.unit == row.unit }) else { continue }
            rows[index].before = before.statistics
            rows[index].difference = BenchDifference(from: before.statistics, to: row.statistics)
        }
    }

    var body: [TextBlock] {
        let runs = rows.first?.statistics.count ?? 0
        let heading = TextBlock.heading("\(name): \(summary); \(runs) \(runs == 1 ? "run" : "runs")")
        let goalLines = goals.compactMap { goal in
            rows.first { $0.name == goal.figure }.map { row in
                TextBlock.line(goal.text(median: row.statistics.median, row.unit))
            }
        }
        return [heading, table] + goalLines + notes.map { .line($0) } + comparison
    }

    private var table: TextBlock {
        let hasCalls = rows.contains { $0.packetsPerCall != nil }
        let columns = ["Min", "Max", "Median", "Mean", "Stddev"].map { TextBlock.Column.right($0) }
        return .table(
            ["", ""] + (hasCalls ? [.right("Packets/call")] : []) + columns,
            rows.map { row in
                let calls = hasCalls ? [row.packetsPerCall.map { $0.fixed(1) } ?? ""] : []
                let all = row.statistics
                let values = [all.min, all.max, all.median, all.mean, all.stddev]
                return [row.name, row.unit.rawValue] + calls + values.map { $0.fixed(row.unit.places) }
            })
    }

    private var comparison: [TextBlock] {
        let cells: [[String]] = rows.compactMap { row in
            guard let before = row.before, let difference = row.difference else { return nil }
            let means = [before.mean, row.statistics.mean].map { $0.fixed(row.unit.places) }
            return [row.name, row.unit.rawValue] + means + difference.text
        }
        if cells.isEmpty { return [] }
        return [.table(["", "", .right("Old"), .right("New"), "Difference at 95.0% confidence", ""], cells)]
    }
}

/// One figure over all runs.
public struct BenchRow: Codable, Sendable {
    public let name: String
    public let unit: BenchFigure.Unit
    public let packetsPerCall: Double?
    /// One per run.
    public let values: [Double]
    public let statistics: BenchSummary
    /// What an earlier report has, and how sure the difference is.
    public var before: BenchSummary?
    public var difference: BenchDifference?

    init(name: String, unit: BenchFigure.Unit, packetsPerCall: Double? = nil, values: [Double]) {
        self.name = name
        self.unit = unit
        self.packetsPerCall = packetsPerCall
        self.values = values
        statistics = BenchSummary(values)
    }
}

/// What a figure should be, and what another router gives.
public struct BenchGoal: Codable, Sendable {
    public let figure: String
    public let limit: Double
    /// Whether less than the limit is wanted, or more.
    public let wantsLess: Bool
    /// The figure of another router, and which.
    public let reference: Double?
    public let referenceSource: String?

    init(_ figure: String, atMost limit: Double, reference: Double? = nil, from source: String? = nil) {
        self.init(figure: figure, limit: limit, wantsLess: true, reference: reference, source: source)
    }

    init(_ figure: String, atLeast limit: Double) {
        self.init(figure: figure, limit: limit, wantsLess: false, reference: nil, source: nil)
    }

    private init(figure: String, limit: Double, wantsLess: Bool, reference: Double?, source: String?) {
        self.figure = figure
        self.limit = limit
        self.wantsLess = wantsLess
        self.reference = reference
        referenceSource = source
    }

    func text(median: Double, _ unit: BenchFigure.Unit) -> String {
        let isMet = wantsLess ? median <= limit : median >= limit
        var text = "\(figure): \(median.fixed(unit.places)) \(unit.rawValue), goal \(wantsLess ? "<=" : ">=") "
        text += "\(short(limit)): \(isMet ? "met" : "missed")"
        guard let reference, let referenceSource else { return text }
        return text + "; \(short(reference)) is the figure of \(referenceSource)"
    }

    private func short(_ value: Double) -> String { value.fixed(value == value.rounded() ? 0 : 2) }
}
