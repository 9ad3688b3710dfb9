// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Ethernet

/// Which member takes which share of the flows.
@Suite struct BundleChoicesTests {
    private let table = BundleChoices.table()

    private func choices(_ mask: Int) -> [UInt8] {
        Array(table[mask * BundleChoices.bucketCount..<(mask + 1) * BundleChoices.bucketCount])
    }

    private func shares(_ mask: Int) -> [Int] {
        let chosen = choices(mask)
        return (0..<8).filter { mask >> $0 & 1 == 1 }.map { place in chosen.count { $0 == UInt8(place) } }
    }

    @Test func `there is a choice for each bucket and each set of members`() {
        #expect(table.count == 256 * BundleChoices.bucketCount)
        for mask in 1..<256 {
            let isAmong = choices(mask).allSatisfy { mask >> Int($0) & 1 == 1 }
            #expect(isAmong, "\(mask)")
        }
    }

    @Test func `members have equal shares, whichever they are`() {
        for mask in 1..<256 {
            let shares = shares(mask)
            let even = Double(BundleChoices.bucketCount) / Double(shares.count)
            if [4, 5].contains(shares.count) {
                #expect(shares.allSatisfy { abs(Double($0) - even) <= even * 0.1 }, "\(mask): \(shares)")
            } else {
                #expect(shares.allSatisfy { Double($0) == even }, "\(mask): \(shares)")
            }
        }
    }

    @Test func `the loss of a member moves its flows and no others, to all others alike`() {
        for mask in 1..<256 {
            let before = choices(mask)
            for place in 0..<8 where mask >> place & 1 == 1 && mask != 1 << place {
                let after = choices(mask & ~(1 << place))
                let stayed = zip(before, after).allSatisfy { $0 == UInt8(place) || $0 == $1 }
                #expect(stayed, "\(mask) without \(place)")
            }
        }
    }
}
