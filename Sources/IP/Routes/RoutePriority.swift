// SPDX-License-Identifier: Apache-2.0
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

    /// Whether a prefix may have this priority: others need no look for them.
    func mayBe(_ priority: RoutePriority) -> Bool { priority == .low || prefixes.values.contains(priority) }

    public func priority(of prefix: IPPrefix) -> RoutePriority {
        guard !prefixes.isEmpty else { return .low }
        for length in lengths where length <= prefix.length {
            if let priority = prefixes[IPPrefix(prefix.address, length: length)] { return priority }
        }
        return .low
    }
}
