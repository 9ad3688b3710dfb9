// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Why an address is no next hop at the moment.
struct LostHop {
    /// Those who say so.
    var count: Int
    /// In words, as the first of them gave it.
    let reason: String
}

// Next hops that are lost although routes still lead to them: a BGP next hop, for one, whose router has died.
extension FIB {
    /// Says that an address is lost as a next hop that other routes lead to, or no longer is; each who has said the one says
    /// the other in time.
    ///
    /// Every path through it leaves its path-list, by one store for each list, whatever the number of prefixes. What is sent
    /// to the address itself goes on, and so does what is sent to a neighbour with it.
    public func setLost(_ address: IPAddress, in table: TableIndex, _ isLost: Bool, because reason: String = "") {
        let hop = PathList.Hop(address: address, table: table)
        let count = (lostHops[hop]?.count ?? 0) + (isLost ? 1 : -1)
        let isNews = (lostHops[hop] == nil) != (count <= 0)
        lostHops[hop] = count > 0 ? LostHop(count: count, reason: lostHops[hop]?.reason ?? reason) : nil
        guard isNews else { return }
        batch { for list in followers(of: hop) { pathLists.invalidate(list) } }
    }
}
