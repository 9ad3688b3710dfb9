// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show mpls fib`: labels, and what they lead to.
struct LabelReport: Report {
    /// One way that packets with the label may go.
    struct Way: Encodable, Sendable {
        /// What stands in place of the label, the outermost first; none: the label is taken off.
        let labels: [UInt32]
        /// "pipe" or "uniform": how pushed labels get TTL and traffic class.
        let ttl: String
        let nextHop: IPAddress?
        let interface: String?
        let adjacency: UInt32?
        /// "up", "down" or "not resolved"; nil for a way that leads to no neighbour and should not.
        let state: String?
        /// In words, where packets go while the neighbour is down.
        let backup: String?
        /// For a way without a neighbour, what it is: "blackhole", for instance.
        let result: String?
    }

    struct Row: Encodable, Sendable {
        let label: UInt32
        /// Whether this is for the last label of a stack.
        let isBottom: Bool
        let owner: String
        /// "swap", "pop", "ip", "label" or "node".
        let action: String
        /// The table for "ip", the node for "node".
        let target: String?
        let ttl: String
        let ways: [Way]
        let loadBalance: UInt32?
        let buckets: Int?
        let packets: UInt64?
        let bytes: UInt64?
    }

    let labels: [Row]
    /// All entries that there are, shown or not.
    let total: Int
    /// The chain in full, for one label.
    var isDetailed = false
    /// Where no way can be used: what the paths are, and why not.
    var pathLists: [PathListDetail] = []

    var body: [TextBlock] {
        if isDetailed { return labels.flatMap(detail) + pathLists.flatMap(\.blocks) }
        let table = TextBlock.table(
            [.right("Label"), "Bottom", "Owner", "Action", "Next hop", "Interface", "State", .right("Packets")],
            labels.flatMap(lines))
        return total > labels.count
            ? [table, .line("\(total - labels.count) more of \(total) entries; --limit shows more")] : [table]
    }

    private func lines(_ row: Row) -> [[String]] {
        let head = ["\(row.label)", row.isBottom ? "yes" : "no", row.owner]
        guard !row.ways.isEmpty else { return [head + [LabelReport.action(row, nil)]] }
        return row.ways.enumerated().map { number, way in
            (number == 0 ? head : ["", "", ""]) + [
                LabelReport.action(row, way), way.nextHop.map { "\($0)" } ?? "", way.interface ?? "", way.state ?? "",
                number == 0 ? row.packets.map { "\($0)" } ?? "" : "",
            ]
        }
    }

    private static func action(_ row: Row, _ way: Way?) -> String {
        guard let way else { return row.target.map { "\(row.action) \($0)" } ?? row.action }
        if let result = way.result { return result }
        guard let innermost = way.labels.last else { return "pop" }
        let pushed = way.labels.dropLast().map { "\($0)" }.joined(separator: " ")
        return "swap \(innermost)" + (pushed.isEmpty ? "" : ", push \(pushed)")
    }

    private func detail(_ row: Row) -> [TextBlock] {
        let place = row.isBottom ? "at the bottom of the stack" : "above other labels"
        var lines = ["label \(row.label) \(place), of \(row.owner), ttl \(row.ttl)"]
        if row.ways.isEmpty { lines.append("  \(LabelReport.action(row, nil))") }
        if let loadBalance = row.loadBalance {
            lines.append(
                "  load-balance \(loadBalance): \(row.buckets ?? 0) \(row.buckets == 1 ? "bucket" : "buckets"), "
                    + "\(row.packets ?? 0) packets, "
                    + "\(row.bytes ?? 0) bytes")
        }
        for way in row.ways {
            var text = "    \(LabelReport.action(row, way))"
            if way.labels.count > 1 { text += ", ttl \(way.ttl)" }
            if let hop = way.nextHop { text += " via \(hop)" }
            if let interface = way.interface { text += " on \(interface)" }
            if let adjacency = way.adjacency { text += ", adjacency \(adjacency) \(way.state ?? "")" }
            lines.append(text)
            if let backup = way.backup { lines.append("      backup: \(backup)") }
        }
        return [.lines(lines)]
    }
}

@ControlPlane
struct LabelReporter {
    let ip: IPModule

    func report(limit: Int) -> LabelReport {
        let all = ip.labels.all
        return LabelReport(labels: all.prefix(limit).map(row), total: all.count)
    }

    func report(of label: MPLSLabel) -> LabelReport {
        let entries = [true, false].compactMap { ip.labels.entry(label, isBottom: $0) }
        let lists = Set(entries.compactMap(\.list)).sorted().compactMap { ip.fib.pathLists[$0] }
        let explainer = FIBExplainer(fib: ip.fib)
        return LabelReport(
            labels: entries.map(row), total: entries.count, isDetailed: true,
            pathLists: lists.filter { $0.state != .usable }.flatMap { explainer.chain(from: $0) })
    }

    private func row(_ entry: LabelFIB.Entry) -> LabelReport.Row {
        let list = entry.list.flatMap { ip.fib.pathLists[$0] }
        let ways = list.map(ways) ?? []
        let count = list?.loadBalance.map { ip.fib.pathLists.loadBalances.counters.count(of: $0) }
        var (action, target): (String, String?)
        switch entry.action {
        case .paths: (action, target) = (ways.first.map { $0.labels.isEmpty } ?? true ? "pop" : "swap", nil)
        case .lookupIP(let index): (action, target) = ("ip", ip.fib.table(index)?.name)
        case .lookupLabel: (action, target) = ("label", nil)
        case .node(let name): (action, target) = ("node", name)
        }
        return LabelReport.Row(
            label: entry.label.rawValue, isBottom: entry.isBottom, owner: entry.owner, action: action, target: target,
            ttl: "\(entry.mode)", ways: ways, loadBalance: list?.loadBalance,
            buckets: list?.loadBalance.map { ip.fib.pathLists.loadBalances.table.range(of: $0).count },
            packets: count?.packets, bytes: count?.bytes)
    }

    private func ways(_ list: PathList) -> [LabelReport.Way] { list.results.map { way($0) } }

    private func way(_ forwarding: Forwarding) -> LabelReport.Way {
        switch forwarding.kind {
        case .path:
            let record = ip.fib.paths.table[forwarding.index]
            let own = record.backup == .noRoute ? nil : record.backup
            return way(
                (0..<Int(record.labelCount)).map { ip.fib.paths.table.label($0, of: forwarding.index) },
                "\(record.mode)", record.adjacency, own)
        case .rewrite: return way([], "\(TTLMode.pipe)", forwarding.index, nil)
        default:
            return LabelReport.Way(
                labels: [], ttl: "\(TTLMode.pipe)", nextHop: nil, interface: nil, adjacency: nil,
                state: forwarding == .noRoute ? "no usable next hop" : nil, backup: nil, result: forwarding.word)
        }
    }

    private func way(_ labels: [UInt32], _ ttl: String, _ index: AdjacencyIndex, _ backup: Forwarding?)
        -> LabelReport.Way
    {
        let record = ip.fib.adjacencies.table[index]
        let state = record.status.isDown ? "down" : record.status.isResolved ? "up" : "not resolved"
        let other = backup ?? (record.backup == .noRoute ? nil : record.backup)
        let kind = backup == nil ? " (of the neighbour)" : ""
        return LabelReport.Way(
            labels: labels, ttl: ttl, nextHop: record.neighbor,
            interface: ip.interfaces.interface(record.txInterface)?.name,
            adjacency: index, state: state, backup: other.map { text($0) + kind }, result: nil)
    }

    private func text(_ forwarding: Forwarding) -> String {
        let way = way(forwarding)
        let labels = way.labels.isEmpty ? "" : "labels \(way.labels.map { "\($0)" }.joined(separator: " ")) "
        return way.result ?? "\(labels)via \(way.nextHop.map { "\($0)" } ?? "?") on \(way.interface ?? "?")"
    }
}

extension Forwarding {
    /// What it means for a label, in traces.
    var labelWord: String {
        switch (self, kind) {
        case (.nextLabel, _): "pop, next label"
        case (.ingressTable, _): "pop, IP"
        case (_, .table): "pop, IP in table \(index)"
        case (_, .rewrite): "pop, adjacency \(index)"
        case (_, .local): "arc \(index)"
        case (_, .discard): "nothing"
        default: "\(word) \(index)"
        }
    }
}
