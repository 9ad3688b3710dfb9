// SPDX-License-Identifier: Apache-2.0
import Wire

/// A next hop as a file or a command gives it; what it comes to is known when the interfaces and tables are there.
public struct NextHop: Hashable, Sendable {
    public var address: IPAddress
    /// The interface on whose networks the neighbour must be; any of the table if nil.
    public var interface: String?
    /// 1 to 255.
    public var weight = 1
    /// Next hops of the least preference that works are used.
    public var preference = 0
    /// The first is outermost.
    public var labels: [UInt32] = []
    public var mode = TTLMode.pipe
    /// Taken while the neighbour is down; at most one, itself without.
    public var backup: [NextHop] = []
    /// The table that leads to it; the route's own if nil.
    public var table: String?
    /// Whether no shorter prefix than the host's own route leads to it.
    public var viaHost = false
    /// How BFD watches it, if it does.
    public var bfd: BFDWatch?

    public init(_ address: IPAddress) { self.address = address }
}
