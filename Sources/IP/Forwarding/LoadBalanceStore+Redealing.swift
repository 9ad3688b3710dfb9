// SPDX-License-Identifier: Apache-2.0

// Dealing buckets to other members than before, and with fewer buckets than it takes.
extension LoadBalanceStore {
    /// Deals the buckets anew so that whoever has some keeps them as far as its share goes.
    ///
    /// - Parameter holders: Who has each bucket now, a power of two of them; nil for those whose member is not there any more.
    /// - Returns: The buckets' owners while all members are there; nil when that is what weights alone come to.
    nonisolated static func redeal(weights: [Double], holders: [Int?]) -> [UInt8]? {
        let afresh = owners(weights: weights)
        let count = max(afresh.count, holders.count)
        var left = shares(of: weights, buckets: count)
        var owners = (0..<count).map { bucket -> Int? in
            guard let holder = holders[bucket & (holders.count - 1)], left[holder] > 0 else { return nil }
            left[holder] -= 1
            return holder
        }
        var next = 0
        for bucket in owners.indices where owners[bucket] == nil {
            while left[next] == 0 { next += 1 }
            owners[bucket] = next
            left[next] -= 1
        }
        // As few buckets as say the same.
        while owners.count > afresh.count, owners.prefix(owners.count / 2) == owners.suffix(owners.count / 2) {
            owners.removeLast(owners.count / 2)
        }
        let result = owners.map { UInt8($0 ?? 0) }
        return result == afresh.map { UInt8($0) } ? nil : result
    }

    /// What other than the wanted number of buckets can have. Each stands for several of those that are wanted, and has the
    /// result of one of them: what it has now if that is among them, else the one that fewest have.
    /// - Parameter current: The buckets that are there, a power of two.
    nonisolated static func fit(_ wanted: [Forwarding], into current: [Forwarding]) -> [Forwarding] {
        if wanted.count <= current.count { return current.indices.map { wanted[$0 & (wanted.count - 1)] } }
        let candidates = current.indices.map { bucket in
            stride(from: bucket, to: wanted.count, by: current.count).map { wanted[$0] }
        }
        var uses: [Forwarding: Int] = [:]
        for (result, candidates) in zip(current, candidates) where candidates.contains(result) {
            uses[result, default: 0] += 1
        }
        return zip(current, candidates).map { result, candidates in
            if candidates.contains(result) { return result }
            let choice = candidates.min { uses[$0, default: 0] < uses[$1, default: 0] } ?? .unreachable
            uses[choice, default: 0] += 1
            return choice
        }
    }
}
