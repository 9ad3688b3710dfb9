// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What lookup nodes deal packets over paths with: the load-balances, the seed of the flow hash and the worker's counters.
struct Balancer: BitwiseCopyable, Sendable {
    let table: LoadBalanceTable
    let counters: TrafficCounters.Slot
    /// Other routers on the way hash otherwise, or all would send what they get to the same of their paths.
    let seed: UInt32

    /// Load-balances and tables that one packet goes through, at most.
    static var depth: Int { 8 }

    /// The result for the packet's flow, which is hashed if the load-balance has more than one bucket.
    /// - Parameter stage: Load-balances and tables that the packet has gone through before. Each hashes otherwise, or those
    ///   flows alone would come to the second that the first has chosen by the same hash.
    @inline(__always)
    func choose(
        _ index: UInt32, _ packet: Packet, stage: Int = 0, _ hash: (_ seed: UInt32) -> UInt32
    ) -> Forwarding {
        counters.add(index, bytes: packet.length)
        let range = table.range(of: index)
        guard range.mask != 0 else { return table.bucket(range, hash: 0) }
        let seed = Balancer.seed(seed, stage: stage)
        let hasInnerFlow = packet.header.flags.contains(.hasInnerFlow)
        return table.bucket(
            range, hash: hasInnerFlow ? FlowHash.inner(packet.header.flowHash, seed: seed) : hash(seed))
    }

    /// The seed with which the flow is hashed at that stage.
    @inline(__always)
    static func seed(_ seed: UInt32, stage: Int) -> UInt32 {
        seed &+ UInt32(truncatingIfNeeded: stage) &* 0x9e37_79b9
    }
}
