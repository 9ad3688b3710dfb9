// SPDX-License-Identifier: Apache-2.0
import Wire

/// What a route leads to, as the 25 bits that the lookup table keeps: a kind and an adjacency's index.
///
/// The kind stands in the result itself, so that the lookup node needs no second memory access to know the next node.
@frozen
public struct Forwarding: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    public enum Kind: UInt32, Sendable, CaseIterable {
        /// No route, as an empty slot says it.
        case none
        /// To a neighbour, through the adjacency.
        case rewrite
        /// To one of many hosts on a connected network, which has no neighbour entry yet; the adjacency names the interface.
        case glean
        /// To the router itself.
        case local
        /// Silently discarded.
        case drop
        /// Discarded, with ICMP "host unreachable" to the sender.
        case unreachable
        /// Discarded, with ICMP "communication administratively prohibited".
        case prohibit
        /// The connected network's broadcast address (RFC 2644: not forwarded).
        case directedBroadcast
    }

    public let rawValue: UInt32

    @inlinable @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public init(_ kind: Kind, adjacency: AdjacencyIndex = 0) {
        precondition(adjacency < Forwarding.adjacencyCapacity)
        rawValue = kind.rawValue << Forwarding.kindShift | adjacency
    }

    @inlinable static var kindShift: UInt32 { 22 }
    @inlinable public static var adjacencyCapacity: UInt32 { 1 << 22 }

    public var kind: Kind { Kind(rawValue: kindNumber) ?? .none }

    var kindNumber: UInt32 { rawValue >> Forwarding.kindShift }

    @inlinable @inline(__always)
    public var adjacency: AdjacencyIndex { rawValue & (Forwarding.adjacencyCapacity - 1) }
}

/// An adjacency's place in the adjacency table; 0 is none.
public typealias AdjacencyIndex = UInt32
