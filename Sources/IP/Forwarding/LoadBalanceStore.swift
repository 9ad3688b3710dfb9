// SPDX-License-Identifier: Apache-2.0
import Graph

/// The control side of the load-balances: gives out their numbers and their buckets, and deals members over buckets.
@ControlPlane
public final class LoadBalanceStore {
    /// The table as workers read it.
    public nonisolated let table = LoadBalanceTable()
    /// Packets and bytes that were dealt by each load-balance.
    public nonisolated let counters: TrafficCounters
    private let engine: Engine
    private var next: UInt32 = 0
    private var free: [UInt32] = []
    private var nextBucket: UInt32 = 0
    /// Given back ranges of buckets, by the logarithm of their number.
    private var freeBuckets = [[UInt32]](repeating: [], count: LoadBalanceStore.maximumShift + 1)

    private nonisolated static let maximumShift = 8
    /// The most buckets of one load-balance, and so the finest share of traffic: 1 in 256.
    public nonisolated static let maximumBuckets = 1 << maximumShift

    init(engine: Engine) {
        self.engine = engine
        counters = TrafficCounters(capacity: LoadBalanceTable.capacity, workerCount: engine.workers.count)
    }

    isolated deinit { table.unmap() }

    /// Load-balances in use.
    public var count: Int { Int(next) - free.count }

    /// A load-balance that discards everything until it is published.
    func make() throws(RouteError) -> UInt32 {
        let range = try reserve(1)
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
        } else {
            guard next < LoadBalanceTable.capacity else { throw RouteError.tooManyPathLists }
            index = next
            next += 1
        }
        table.buckets[Int(range.first)] = Forwarding.unreachable.rawValue
        counters.reset(index)
        table.publish(index, range)
        return index
    }

    /// Puts `results`, a power of two of them, in force with one store.
    func publish(_ results: [Forwarding], in index: UInt32) throws(RouteError) {
        let old = table.range(of: index)
        let new = try reserve(results.count)
        for (position, result) in results.enumerated() {
            table.buckets[Int(new.first) + position] = result.rawValue
        }
        table.publish(index, new)
        engine.retire { [weak self] in self?.release(old) }
    }

    /// What is in force.
    public func results(of index: UInt32) -> [Forwarding] {
        let range = table.range(of: index)
        return (0..<range.count).map { Forwarding(rawValue: table.buckets[Int(range.first) + $0]) }
    }

    func remove(_ index: UInt32) {
        let range = table.range(of: index)
        engine.retire { [weak self] in
            self?.release(range)
            self?.free.append(index)
        }
    }

    private func reserve(_ count: Int) throws(RouteError) -> LoadBalanceTable.Range {
        precondition(count.nonzeroBitCount == 1 && count <= LoadBalanceStore.maximumBuckets)
        let mask = UInt32(count - 1)
        if let first = freeBuckets[count.trailingZeroBitCount].popLast() { return .init(first: first, mask: mask) }
        guard Int(nextBucket) + count <= LoadBalanceTable.bucketCapacity else { throw RouteError.tooManyBuckets }
        defer { nextBucket += UInt32(count) }
        return .init(first: nextBucket, mask: mask)
    }

    private func release(_ range: LoadBalanceTable.Range) {
        freeBuckets[range.count.trailingZeroBitCount].append(range.first)
    }

    // MARK: - Dealing

    /// Which member each bucket belongs to: shares by weight, and of members that cannot be used the shares of the others.
    ///
    /// A pure function: while a member is away, its buckets alone go to others, and come back with it. The flows of all
    /// other buckets keep their path.
    nonisolated static func deal(weights: [Double], usable: [Bool]) -> [Int] {
        let alive = usable.indices.filter { usable[$0] }
        guard let first = alive.first else { return [] }
        guard weights.count > 1 else { return [first] }
        var owners = owners(weights, isComplete: alive.count == weights.count)
        var turn = 0
        for bucket in owners.indices where !usable[owners[bucket]] {
            owners[bucket] = alive[turn % alive.count]
            turn += 1
        }
        return owners
    }

    /// The buckets' owners while all members are there. Even shares of a power of two take a bucket each; while one is
    /// missing, its bucket is cut into sixteen, which all others share. The flows of the other buckets don't notice.
    private nonisolated static func owners(_ weights: [Double], isComplete: Bool) -> [Int] {
        let isEven = weights.allSatisfy { abs($0 - weights[0]) < 1e-9 }
        if isEven, weights.count.nonzeroBitCount == 1 {
            let count = isComplete ? weights.count : min(weights.count * 16, maximumBuckets)
            return (0..<count).map { $0 % weights.count }
        }
        var count = 16
        while count < weights.count * 16, count < maximumBuckets { count *= 2 }
        return shares(of: weights, buckets: count).enumerated().flatMap { member, share in
            [Int](repeating: member, count: share)
        }
    }

    /// Largest remainders; a member with any weight has a bucket as long as there are enough.
    private nonisolated static func shares(of weights: [Double], buckets: Int) -> [Int] {
        let total = weights.reduce(0, +)
        let exact = weights.map { $0 / total * Double(buckets) }
        var shares = exact.map { Int($0) }
        let order = exact.indices.sorted { exact[$0] - Double(shares[$0]) > exact[$1] - Double(shares[$1]) }
        for member in order.prefix(buckets - shares.reduce(0, +)) { shares[member] += 1 }
        for member in shares.indices where shares[member] == 0 {
            guard let richest = shares.indices.max(by: { shares[$0] < shares[$1] }), shares[richest] > 1 else { break }
            shares[richest] -= 1
            shares[member] = 1
        }
        return shares
    }
}
