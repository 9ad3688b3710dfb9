// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What the rewrite nodes of both families note.
public struct RewriteTrace: TraceRecord {
    var adjacency: AdjacencyIndex = 0
    var interface: InterfaceIndex = 0
    var nextHop = (high: UInt64(0), low: UInt64(0))
    var family = AddressFamily.ipv4
    var timeToLive: UInt8 = 0

    public init() {}

    @inline(__always)
    mutating func note(_ index: AdjacencyIndex, _ record: AdjacencyRecord, timeToLive: UInt8) {
        adjacency = index
        interface = record.txInterface
        nextHop = record.nextHop
        family = record.family
        self.timeToLive = timeToLive
    }

    public var description: String {
        let hop: IPAddress =
            family == .ipv4
            ? .v4(IPv4Address(UInt32(truncatingIfNeeded: nextHop.low)))
            : .v6(IPv6Address(high: nextHop.high, low: nextHop.low))
        return "adjacency \(adjacency): next hop \(hop), interface \(interface), ttl was \(timeToLive)"
    }
}
