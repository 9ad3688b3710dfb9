// SPDX-License-Identifier: Apache-2.0

/// Which member a flow takes, for every set of members that can be used: a table that never changes, the same for all
/// bundles.
///
/// Each of the 336 buckets of flows has its own order of the eight places that members may have; its flows take the first one
/// in that order that can be used. So the loss of a member moves its flows alone, to all others alike, and its return
/// brings them back. The orders are those of the projective group PGL(2, 7), the maps x -> (ax + b) / (cx + d) of the seven
/// remainders and infinity: it carries any three places to any three others in exactly one way, which makes the shares of
/// the members exactly equal with one, two, three, six, seven or eight of them, and all but equal with four or five.
enum BundleChoices {
    /// Buckets: the group's order.
    static let bucketCount = 336
    static let places = 8

    /// For each set of usable members (a bit for each place), the place for each bucket; of the empty set 0.
    static func table() -> [UInt8] {
        let orders = orders()
        return (0..<1 << places).flatMap { mask in
            orders.map { order in order.first { mask >> Int($0) & 1 == 1 } ?? 0 }
        }
    }

    /// The place where the map takes each place, for each map; 7 stands for infinity.
    private static func orders() -> [[UInt8]] {
        var orders: [[UInt8]] = []
        for (c, d) in [(0, 1)] + (0..<7).map({ (1, $0) }) {
            for a in 0..<7 {
                for b in 0..<7 where (a * d - b * c) % 7 != 0 { orders.append(order(a, b, c, d)) }
            }
        }
        return orders
    }

    private static func order(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> [UInt8] {
        (0..<places).map { place in
            let (top, bottom) = place == 7 ? (a % 7, c % 7) : ((a * place + b) % 7, (c * place + d) % 7)
            guard bottom != 0 else { return 7 }
            // Inverses of 1 to 6 modulo 7.
            return UInt8(top * [0, 1, 4, 5, 2, 3, 6][bottom] % 7)
        }
    }
}
