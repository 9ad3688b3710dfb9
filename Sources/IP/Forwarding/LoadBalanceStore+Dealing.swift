// SPDX-License-Identifier: Apache-2.0

// Which member of a load-balance each of its buckets leads to.
extension LoadBalanceStore {
    /// Which member each bucket belongs to: shares by weight, and of members that cannot be used the shares of the others.
    ///
    /// A pure function: while a member is away, its buckets alone go to others, in proportion to their weights, and come
    /// back with it. The flows of all other buckets keep their path, however many members are away.
    /// - Parameter complete: The buckets' owners while all members are there, if that is not what weights alone come to.
    /// - Returns: A power of two of members' positions; none when no member can be used.
    nonisolated static func deal(weights: [Double], usable: [Bool], owners complete: [Int]? = nil) -> [Int] {
        let alive = usable.indices.filter { usable[$0] }
        guard let first = alive.first else { return [] }
        guard weights.count > 1, alive.count > 1 else { return [first] }
        var owners = complete ?? owners(weights: weights)
        guard alive.count < weights.count else { return owners }
        while owners.count < weights.count * 16, owners.count < maximumBuckets { owners += owners }
        inherit(&owners, weights, usable)
        return owners
    }

    /// The buckets' owners while all members are there. Even shares of a power of two take a bucket each; while one is
    /// missing, its bucket is cut into sixteen, which all others share. The flows of the other buckets don't notice.
    nonisolated static func owners(weights: [Double]) -> [Int] {
        let isEven = weights.allSatisfy { abs($0 - weights[0]) < 1e-9 }
        if isEven, weights.count.nonzeroBitCount == 1 { return Array(weights.indices) }
        var count = 16
        while count < weights.count * 16, count < maximumBuckets { count *= 2 }
        return shares(of: weights, buckets: count).enumerated().flatMap { member, share in
            [Int](repeating: member, count: share)
        }
    }

    /// Deals the buckets of each member that is away over the others as if it alone were away; those that fall to another
    /// one that is away are dealt on in the same way. So whoever else goes or comes, a bucket with an heir keeps it.
    private nonisolated static func inherit(_ owners: inout [Int], _ weights: [Double], _ usable: [Bool]) {
        var estates: [(buckets: [Int], others: [Int])] = usable.indices.filter { !usable[$0] }.map { member in
            (owners.indices.filter { owners[$0] == member }, usable.indices.filter { $0 != member })
        }
        while let (buckets, others) = estates.popLast() {
            guard !buckets.isEmpty else { continue }
            let heirs = heirs(to: buckets.count, among: others, weights)
            for (bucket, heir) in zip(buckets, heirs) { owners[bucket] = heir }
            for member in others where !usable[member] {
                let further = zip(buckets, heirs).filter { $0.1 == member }.map(\.0)
                estates.append((further, others.filter { $0 != member }))
            }
        }
    }

    /// Members in proportion to their weights, each for buckets in a row.
    private nonisolated static func heirs(to count: Int, among others: [Int], _ weights: [Double]) -> [Int] {
        let shares = shares(of: others.map { weights[$0] }, buckets: count)
        return zip(others, shares).flatMap { member, share in [Int](repeating: member, count: share) }
    }

    /// Largest remainders; a member with any weight has a bucket as long as there are enough.
    nonisolated static func shares(of weights: [Double], buckets: Int) -> [Int] {
        let total = weights.reduce(0, +)
        let exact = weights.map { $0 / total * Double(buckets) }
        var shares = exact.map { Int($0) }
        // Of equal remainders the first member's comes first, so that the outcome depends on the weights alone.
        let order = exact.indices.sorted {
            let (a, b) = (exact[$0] - Double(shares[$0]), exact[$1] - Double(shares[$1]))
            return a != b ? a > b : $0 < $1
        }
        for member in order.prefix(buckets - shares.reduce(0, +)) { shares[member] += 1 }
        for member in shares.indices where shares[member] == 0 {
            guard let richest = shares.indices.max(by: { shares[$0] < shares[$1] }), shares[richest] > 1 else { break }
            shares[richest] -= 1
            shares[member] = 1
        }
        return shares
    }
}
