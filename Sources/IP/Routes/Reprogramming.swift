// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// How soon a prefix is brought up to date when many have to be.
public enum RoutePriority: Int, Sendable, CaseIterable, Codable, Comparable {
    case critical, high, medium, low
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
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
    private var queues = RoutePriority.allCases.map { _ in [Work]() }
    private var next = RoutePriority.allCases.map { _ in 0 }
    private var isScheduled = false
    /// The longest listed prefix that contains a prefix gives its priority; none: `low`.
    var priorities = RoutePriorities()
    /// Prefixes brought up to date so far, by priority, and the clock when each queue was last empty.
    private(set) var done = RoutePriority.allCases.map { _ in 0 }
    private(set) var finished: [UInt64] = RoutePriority.allCases.map { _ in 0 }

    init(engine: Engine) { self.engine = engine }

    var waiting: Int { zip(queues, next).reduce(0) { $0 + $1.0.count - $1.1 } }

    func add(_ lists: Set<PathListIndex>, in table: VRF) {
        for prefix in table.ip4.prefixes(using: lists) {
            queues[priorities.priority(of: .v4(prefix)).rawValue].append(.v4(prefix, table.ip4))
        }
        for prefix in table.ip6.prefixes(using: lists) {
            queues[priorities.priority(of: .v6(prefix)).rawValue].append(.v6(prefix, table.ip6))
        }
        if waiting > 0 { run() }
    }

    private func run() {
        isScheduled = false
        var budget = Reprogramming.slice
        for priority in RoutePriority.allCases {
            let index = priority.rawValue
            while budget > 0, next[index] < queues[index].count {
                let work = queues[index][next[index]]
                next[index] += 1
                budget -= 1
                done[index] += 1
                switch work {
                case .v4(let prefix, let rib): rib.reselect(prefix)
                case .v6(let prefix, let rib): rib.reselect(prefix)
                }
            }
            if next[index] == queues[index].count, next[index] > 0 {
                queues[index] = []
                next[index] = 0
                finished[index] = Clock.now
            }
        }
        guard waiting > 0, !isScheduled else { return }
        isScheduled = true
        engine.timers.after(milliseconds: 0) { [weak self] in self?.run() }
    }
}

/// Lists of prefixes by priority.
public struct RoutePriorities: Sendable {
    private var prefixes: [IPPrefix: RoutePriority] = [:]
    private var lengths: Set<Int> = []

    public init() {}

    public mutating func set(_ prefix: IPPrefix, _ priority: RoutePriority) {
        prefixes[prefix] = priority
        lengths.insert(prefix.length)
    }

    public func priority(of prefix: IPPrefix) -> RoutePriority {
        guard !prefixes.isEmpty else { return .low }
        for length in lengths.sorted(by: >) where length <= prefix.length {
            if let priority = prefixes[IPPrefix(prefix.address, length: length)] { return priority }
        }
        return .low
    }
}
