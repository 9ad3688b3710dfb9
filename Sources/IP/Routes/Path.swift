// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// One way to what a route is for, as a source of routes gives it; not yet resolved.
public struct Path: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
        /// A neighbour on an interface's link.
        case neighbor(IPAddress, InterfaceIndex)
        /// Wherever another route of `table` leads for this address; followed as that route changes.
        case recursive(IPAddress, table: TableIndex)
        /// The hosts of a connected network.
        case glean(InterfaceIndex)
        /// The router itself, at an address of the interface; 0 for none in particular.
        case receive(InterfaceIndex)
        /// The broadcast address of a connected IPv4 network.
        case broadcast(InterfaceIndex)
        /// What that table says about the destination.
        case table(TableIndex)
        /// Discarded: `blackhole`, `unreachable` or `prohibit`.
        case discard(Forwarding)
    }

    public var target: Target
    /// Shares the traffic of paths of one preference, 1 to 255.
    public var weight = 1
    /// Paths with the least number are used; others only while all of a lesser number are unusable.
    public var preference = 0
    /// Pushed from the last to the first: the first is outermost. 0 to 1,048,575.
    public var labels: [UInt32] = []
    public var mode = TTLMode.pipe
    /// Taken while this path's neighbour is down: at most one, itself without backup.
    public var backup: [Path] = []
    /// A recursive path that follows host routes alone (/32, /128), so that the loss of the host is noticed although a
    /// shorter prefix covers it.
    public var viaHost = false
    /// How BFD watches the next hop; nil where it is not asked to. Of a neighbour over a single hop, of an address that routes
    /// lead to over several.
    public var bfd: BFDWatch?

    public init(_ target: Target) { self.target = target }

    public static func neighbor(_ address: IPAddress, on interface: Interface) -> Path {
        Path(.neighbor(address, interface.index))
    }

    public static func recursive(_ address: IPAddress, in table: TableIndex = .main) -> Path {
        Path(.recursive(address, table: table))
    }
}

/// What a route asks of BFD about a next hop.
public struct BFDWatch: Hashable, Sendable {
    /// Whose parameters the session gets if it is not there yet.
    public var profile: String
    /// The router's own address; needed over several hops.
    public var local: IPAddress?

    public init(profile: String = "default", local: IPAddress? = nil) {
        self.profile = profile
        self.local = local
    }
}

/// A forwarding table (VRF) by number; 0 is the main one.
public struct TableIndex: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let main = TableIndex(rawValue: 0)
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
