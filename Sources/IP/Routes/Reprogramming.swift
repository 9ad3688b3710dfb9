// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// How soon a prefix is brought up to date when many have to be.
public enum RoutePriority: String, Sendable, CaseIterable, Codable {
    case critical, high, medium, low

    /// 0 for the first.
    var place: Int {
        switch self {
        case .critical: 0
        case .high: 1
        case .medium: 2
        case .low: 3
        }
    }
}

/// Chooses again, prefix by prefix, where paths have become usable or unusable: what takes time in proportion to the
/// number of prefixes, and what therefore is not what repairs a failure. Goes by priority, in slices, so that the control side
/// stays responsive.
@ControlPlane
final class Reprogramming {
    private enum Work {
        case v4(IPv4Prefix, RIB<IPv4Prefix>)
        case v6(IPv6Prefix, RIB<IPv6Prefix>)
    }

    /// Prefixes that one turn of the control loop brings up to date.
    private static let slice = 10_000

    private let engine: Engine
    private var queues = RoutePriority.allCases.map { _ in Queue() }
    private var isRunning = false
    private var isScheduled = false
    /// The longest listed prefix that contains a prefix gives its priority; none: `low`.
    var priorities = RoutePriorities()

    /// What waits at one priority, and what was done.
    private struct Queue {
        var work: [Work] = []
        var next = 0
        var done = 0
        /// `Clock.now` when it was last empty after work; 0 for never.
        var finished: UInt64 = 0

        var waiting: Int { work.count - next }
    }

    init(engine: Engine) { self.engine = engine }

    /// Prefixes that wait to be brought up to date.
    var waiting: Int { queues.reduce(0) { $0 + $1.waiting } }

    /// By priority: prefixes brought up to date so far, and the clock when there was last no more to do.
    var done: [Int] { queues.map(\.done) }
    var finished: [UInt64] { queues.map(\.finished) }

    /// Has every route that uses one of `lists` chosen again.
    func add(_ lists: Set<PathListIndex>, in fib: FIB) {
        // Each use that is not a route's makes the search go on to the end; there are few.
        var uses = lists.reduce(0) { $0 + (fib.pathLists[$1]?.references ?? 0) }
        for table in fib.tables where uses > 0 {
            let ip4 = table.ip4.prefixes(using: lists, atMost: uses)
            let ip6 = table.ip6.prefixes(using: lists, atMost: uses - ip4.count)
            uses -= ip4.count + ip6.count
            for prefix in ip4 { append(.v4(prefix, table.ip4), .v4(prefix)) }
            for prefix in ip6 { append(.v6(prefix, table.ip6), .v6(prefix)) }
        }
        if !isRunning { run() }
    }

    private func append(_ work: Work, _ prefix: IPPrefix) {
        queues[priorities.priority(of: prefix).place].work.append(work)
    }

    /// Does a slice, by priority, and leaves the rest to later turns.
    private func run() {
        isRunning = true
        var budget = Reprogramming.slice
        while budget > 0, let index = queues.firstIndex(where: { $0.waiting > 0 }) {
            let work = queues[index].work[queues[index].next]
            queues[index].next += 1
            queues[index].done += 1
            budget -= 1
            switch work {
            case .v4(let prefix, let rib): rib.reselect(prefix)
            case .v6(let prefix, let rib): rib.reselect(prefix)
            }
            guard queues[index].waiting == 0 else { continue }
            queues[index].work = []
            queues[index].next = 0
            queues[index].finished = Clock.now
        }
        isRunning = false
        guard waiting > 0, !isScheduled else { return }
        isScheduled = true
        engine.timers.after(milliseconds: 0) { [weak self] in
            self?.isScheduled = false
            self?.run()
        }
    }
}

/// Lists of prefixes by priority.
public struct RoutePriorities: Sendable {
    private var prefixes: [IPPrefix: RoutePriority] = [:]
    /// Of the listed prefixes, the longest first.
    private var lengths: [Int] = []

    public init() {}

    /// The listed prefixes, in order.
    public var all: [(prefix: IPPrefix, priority: RoutePriority)] {
        prefixes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    public mutating func set(_ prefix: IPPrefix, _ priority: RoutePriority) {
        prefixes[prefix] = priority
        guard !lengths.contains(prefix.length) else { return }
        lengths.insert(prefix.length, at: lengths.firstIndex { $0 < prefix.length } ?? lengths.endIndex)
    }

    public func priority(of prefix: IPPrefix) -> RoutePriority {
        guard !prefixes.isEmpty else { return .low }
        for length in lengths where length <= prefix.length {
            if let priority = prefixes[IPPrefix(prefix.address, length: length)] { return priority }
        }
        return .low
    }
}
