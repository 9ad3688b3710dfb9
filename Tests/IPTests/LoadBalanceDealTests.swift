// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import IP

/// How buckets are dealt: by weight, and so that who stays keeps its flows.
@Suite struct LoadBalanceDealTests {
    private static let weights: [[Double]] = [
        [1, 1], [1, 1, 1], [1, 1, 1, 1], [1, 2], [1, 3, 5], [255, 1], [1, 1, 1, 1, 1, 1, 1],
        [Double](repeating: 1, count: 64),
        [0.5, 0.5, 1], [7, 3, 3, 3, 1],
    ]

    /// The member for each of 65,536 flows.
    private func flows(_ weights: [Double], _ usable: [Bool]) -> [Int] {
        let owners = LoadBalanceStore.deal(weights: weights, usable: usable)
        return (0..<65536).map { owners[$0 & (owners.count - 1)] }
    }

    @Test(arguments: weights)
    func powerOfTwoAndByWeight(weights: [Double]) {
        let owners = LoadBalanceStore.deal(weights: weights, usable: weights.map { _ in true })
        #expect(owners.count.nonzeroBitCount == 1)
        #expect(owners.count <= LoadBalanceStore.maximumBuckets)
        let total = weights.reduce(0, +)
        for member in weights.indices {
            let share = owners.count { $0 == member }
            #expect(share >= 1)
            #expect(abs(Double(share) - weights[member] / total * Double(owners.count)) <= 1)
        }
    }

    /// Members go and come in any order: nobody else's flows move, and all is as before when all are back.
    @Test(arguments: weights)
    func onlyTheLostMembersFlowsMove(weights: [Double]) {
        var random = SystemRandomNumberGenerator()
        var usable = weights.map { _ in true }
        let complete = flows(weights, usable)
        var before = complete
        for _ in 0..<40 {
            let member = Int.random(in: weights.indices, using: &random)
            if usable[member], usable.count(where: { $0 }) == 1 { continue }
            usable[member].toggle()
            let now = flows(weights, usable)
            let moved = now.indices.filter { now[$0] != before[$0] }
            if usable[member] {
                // Its own flows come home, and with them its part of what others left.
                #expect(moved.allSatisfy { now[$0] == member })
                #expect(complete.indices.allSatisfy { complete[$0] != member || now[$0] == member })
            } else {
                #expect(moved.allSatisfy { before[$0] == member })
                #expect(!now.contains(member))
            }
            before = now
        }
        #expect(flows(weights, weights.map { _ in true }) == complete)
    }

    /// The others share what a lost member leaves, in proportion to their weights.
    @Test func inheritanceByWeight() {
        let now = flows([4, 2, 1, 1], [false, true, true, true])
        let counts = (0..<4).map { member in now.count { $0 == member } }
        #expect(counts[0] == 0)
        #expect(abs(counts[1] - 2 * counts[2]) * 16 <= 65536)
        #expect(abs(counts[2] - counts[3]) * 16 <= 65536)
        let even = flows([1, 1, 1, 1], [true, false, true, true])
        let shares = [0, 2, 3].map { member in even.count { $0 == member } }
        #expect(shares.max()! - shares.min()! <= 65536 / 64)
    }

    /// Members leave for good, join and change their weights: whoever stays keeps its buckets up to its new share.
    @Test(arguments: 0..<30) func redealing(seed: Int) {
        var random = SystemRandomNumberGenerator()
        var members = Array(0..<Int.random(in: 2...9, using: &random))
        var weights = members.map { _ in Double(Int.random(in: 1...4, using: &random)) }
        var owners: [UInt8]?
        for _ in 0..<20 {
            let former = owners?.map(Int.init) ?? LoadBalanceStore.owners(weights: weights)
            let holders = former.map { members[$0] }
            let isLeaving = members.count > 2 && Bool.random(using: &random)
            var (next, shares) = (members, weights)
            if isLeaving {
                let place = members.indices.randomElement(using: &random)!
                next.remove(at: place)
                shares.remove(at: place)
            } else {
                next.insert((members.max() ?? 0) + 1, at: members.indices.randomElement(using: &random)!)
                shares = next.map { _ in Double(Int.random(in: 1...4, using: &random)) }
            }
            owners = LoadBalanceStore.redeal(weights: shares, holders: holders.map { next.firstIndex(of: $0) })
            let now = owners?.map(Int.init) ?? LoadBalanceStore.owners(weights: shares)
            #expect(now.count.nonzeroBitCount == 1 && now.count <= LoadBalanceStore.maximumBuckets)
            let total = shares.reduce(0, +)
            for place in next.indices {
                let share = now.count { $0 == place }
                #expect(abs(Double(share) - shares[place] / total * Double(now.count)) <= 1 && share > 0)
            }
            // Of 256 flows a member loses no more than its share has shrunk by.
            for (place, member) in next.enumerated() where members.contains(member) {
                let (had, has) = (
                    (0..<256).filter { holders[$0 & (holders.count - 1)] == member },
                    Set((0..<256).filter { now[$0 & (now.count - 1)] == place })
                )
                let kept = had.count { has.contains($0) }
                #expect(kept == min(had.count, has.count))
            }
            (members, weights) = (next, shares)
        }
    }

    /// Nobody is left of those who were there: dealt afresh, and so is what comes to the same.
    @Test func redealingForNobody() {
        #expect(LoadBalanceStore.redeal(weights: [1, 1, 1], holders: [nil, nil]) == nil)
        #expect(LoadBalanceStore.redeal(weights: [1, 1], holders: [0, 1, 0, 1, 0, 1, 0, 1]) == nil)
        #expect(LoadBalanceStore.redeal(weights: [1, 1], holders: [1, 0]) == [1, 0])
    }

    @Test func noneUsable() {
        #expect(LoadBalanceStore.deal(weights: [1, 1], usable: [false, false]) == [])
        #expect(LoadBalanceStore.deal(weights: [1, 1], usable: [false, true]) == [1])
        #expect(LoadBalanceStore.deal(weights: [1], usable: [true]) == [0])
    }
}
