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

    /// Called when buckets have been given back.
    var onRoom: (@ControlPlane () -> Void)?
    /// The most load-balances and buckets there may be.
    var limit = LoadBalanceTable.capacity
    var bucketLimit = LoadBalanceTable.bucketCapacity
    /// Buckets of load-balances, and those that workers may still be reading.
    public private(set) var bucketCount = 0

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
        guard count < limit else { throw .tooManyLoadBalances(limit) }
        let range = try reserve(1)
        let index = free.popLast() ?? next
        if index == next { next += 1 }
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

    /// Puts as many results as there are buckets into those of before, one after the other: for when there are no others.
    func overwrite(_ results: [Forwarding], in index: UInt32) {
        let range = table.range(of: index)
        precondition(results.count == range.count)
        for (position, result) in results.enumerated() {
            table.buckets[Int(range.first) + position] = result.rawValue
        }
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
        if let first = freeBuckets[count.trailingZeroBitCount].popLast() {
            bucketCount += count
            return .init(first: first, mask: mask)
        }
        guard Int(nextBucket) + count <= bucketLimit else {
            throw .noBuckets(count, used: bucketCount, of: bucketLimit)
        }
        bucketCount += count
        defer { nextBucket += UInt32(count) }
        return .init(first: nextBucket, mask: mask)
    }

    private func release(_ range: LoadBalanceTable.Range) {
        bucketCount -= range.count
        freeBuckets[range.count.trailingZeroBitCount].append(range.first)
        onRoom?()
    }
}
