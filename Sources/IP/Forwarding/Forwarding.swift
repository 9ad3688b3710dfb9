// SPDX-License-Identifier: Apache-2.0
import Wire

/// What a route leads to, as the 25 bits that the lookup tables keep: a kind and an index.
///
/// The kind stands in the result itself, so that the lookup node needs no second memory access to know the next node.
/// The first kinds are where packets go, in the order of the lookup nodes' arcs; `loadBalance` and `table` are
/// followed by the lookup nodes themselves until one of the others is found.
@frozen
public struct Forwarding: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    public enum Kind: UInt32, Sendable, CaseIterable {
        /// Not forwarded. The index says why: one of the marks below 16, or a connected network's broadcast address,
        /// where it is the network's glean adjacency (RFC 2644). 0 is "no route", as an empty slot says it.
        case discard
        /// To a neighbour; the index is the adjacency.
        case rewrite
        /// To one of many hosts on a connected network, which has no neighbour entry yet; the adjacency names the interface.
        case glean
        /// To the router itself; the index is the glean adjacency of the interface that has the address, or a mark.
        case local
        /// To a neighbour with labels in front, or with a backup of the path's own; the index is a path in `PathTable`.
        case path
        /// To one of the buckets of a load-balance, by the packet's flow hash.
        case loadBalance
        /// What another table says about the destination; the index is that table's.
        case table
    }

    public let rawValue: UInt32

    @inlinable @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public init(_ kind: Kind, _ index: UInt32 = 0) {
        precondition(index < Forwarding.indexCapacity)
        rawValue = kind.rawValue << Forwarding.kindShift | index
    }

    @inlinable static var kindShift: UInt32 { 22 }
    @inlinable public static var indexCapacity: UInt32 { 1 << 22 }

    public var kind: Kind { Kind(rawValue: kindNumber) ?? .discard }

    @inlinable var kindNumber: UInt32 { @inline(__always) get { rawValue >> Forwarding.kindShift } }

    /// An adjacency, a path, a load-balance or a table, as the kind says.
    @inlinable public var index: UInt32 { @inline(__always) get { rawValue & (Forwarding.indexCapacity &- 1) } }

    /// Whether the lookup node has further to look.
    @inlinable var isIndirect: Bool { @inline(__always) get { rawValue >= 5 << Forwarding.kindShift } }
}

/// An adjacency's place in the adjacency table; those below `Forwarding.firstAdjacency` are none.
public typealias AdjacencyIndex = UInt32
