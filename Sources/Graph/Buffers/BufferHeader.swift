// SPDX-License-Identifier: Apache-2.0

/// What the engine and the nodes know about one buffer: exactly one cache line.
///
/// Headers stand in an array of their own, not at the head of the buffers' chunks. Chunks are a power of two apart, as
/// AF_XDP wants them, so headers inside them would all fall into the same few sets of the first-level cache: 256 packets
/// of a frame would evict each other.
///
/// Interfaces, adjacencies and features are indices, never references: a header is plain bytes.
@frozen
public struct BufferHeader: BitwiseCopyable {
    /// The current position: the first byte that the next node looks at.
    public var data: UnsafeMutableRawPointer
    /// The first byte of the frame as it was received.
    public var start: UnsafeMutableRawPointer
    /// Bytes from `data` to the packet's end.
    public var length: UInt32
    public var flags: BufferFlags
    /// Why the packet is dropped: an index into the engine's list of reasons. Written by the engine.
    public var reason: UInt16
    public var rxInterface: InterfaceIndex
    /// Where it leaves; until a rewrite node says so, and with `.hasTable`, the number of the table that it is routed by.
    public var txInterface: InterfaceIndex
    /// What lookup decided, for rewrite; its meaning belongs to the lookup and rewrite nodes.
    public var adjacency: UInt32
    public var flowHash: UInt32
    /// The position on a feature arc. Written by the engine.
    public var featureCursor: UInt32
    /// The packet's place in the trace, when `flags` has `.traced`.
    public var traceHandle: UInt32
    /// For one node to leave something to a later one on the same path; a pair of nodes agrees on what.
    public var scratch: (UInt64, UInt64)
}

/// An interface's place in the engine's tables; 0 is never an interface.
public typealias InterfaceIndex = UInt32

/// A buffer's number in the pool.
public typealias BufferIndex = UInt32

/// What nodes tell each other about a packet.
@frozen
public struct BufferFlags: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Every node that sees this packet writes a trace record.
    @inlinable public static var traced: BufferFlags { BufferFlags(rawValue: 1 << 0) }
    /// The frame came to a broadcast or multicast address, or to another station's (RFC 1812 section 5.3.4).
    @inlinable public static var notToThisStation: BufferFlags { BufferFlags(rawValue: 1 << 1) }
    /// The kernel or a NIC has the buffer at the moment: it waits to be filled, or to be sent.
    @inlinable public static var heldByDevice: BufferFlags { BufferFlags(rawValue: 1 << 3) }
    /// Goes to its adjacency's neighbour and no other, whatever is known to speak against it: what finds out whether the
    /// neighbour is back.
    @inlinable public static var pinned: BufferFlags { BufferFlags(rawValue: 1 << 4) }
    /// The router made this packet itself.
    @inlinable public static var locallyOriginated: BufferFlags { BufferFlags(rawValue: 1 << 2) }
    /// Came out of a tunnel that names the table (VRF) to route by; it stands in `txInterface`. Without this flag the
    /// table is that of the interface by which the packet came.
    @inlinable public static var hasTable: BufferFlags { BufferFlags(rawValue: 1 << 5) }
    /// A mirror's copy of another packet, or what became of one: it is never copied again, whatever it passes.
    @inlinable public static var mirrored: BufferFlags { BufferFlags(rawValue: 1 << 7) }
    /// Came in fragments, although nothing in it says so any more.
    @inlinable public static var reassembled: BufferFlags { BufferFlags(rawValue: 1 << 6) }
    /// Carries another packet, whose flow `flowHash` tells: among several paths that decides.
    @inlinable public static var hasInnerFlow: BufferFlags { BufferFlags(rawValue: 1 << 8) }

    /// The four highest bits: priority and drop eligibility of the tag that the frame had outermost when it came in by a
    /// sub-interface that takes tags off, where a tag's control information has them.
    @inlinable public static var tagPriorityMask: UInt16 { 0xf000 }
    @inlinable public var tagPriority: UInt16 {
        @inline(__always) get { rawValue & BufferFlags.tagPriorityMask }
    }

    /// These flags with another tag's priority and drop eligibility.
    @inlinable @inline(__always)
    public func withTagPriority(_ priority: UInt16) -> BufferFlags {
        BufferFlags(rawValue: rawValue & ~BufferFlags.tagPriorityMask | priority & BufferFlags.tagPriorityMask)
    }
}
