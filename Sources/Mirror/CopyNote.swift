// SPDX-License-Identifier: Apache-2.0
import Graph

/// What a mirror's copy carries with it to the destination: whose it is, and what was copied.
///
/// A copy is a packet of its own, in a buffer of its own. It goes to `interface-output` as any complete frame does:
///
/// - its current position is the destination address of an Ethernet frame, byte for byte as on the wire, VLAN tags
///   included, without the frame check sequence; cut behind its first bytes when the source says so (`isTruncated`);
/// - `txInterface` is the session's destination, `rxInterface` is 0, since the copy came from no wire: a node that routes it
///   on, as a tunnel does, names the table with `BufferFlags.hasTable`;
/// - `flags` are `.mirrored` alone. What a destination makes of the copy keeps that flag, so that the outer packet of a
///   tunnel is not mirrored where it leaves;
/// - `BufferHeader.scratch` holds this note until the copy is at its destination's transmit node, which reads it with
///   `Packet.copyNote`, if it wants it. Nobody else on that way uses the scratch.
///
/// Only packets with `.mirrored` have a note.
@frozen
public struct CopyNote: BitwiseCopyable, Hashable, Sendable {
    /// Whether the original came in by the source interface or left by it.
    @frozen
    public enum Direction: UInt8, Sendable {
        case rx, tx
    }

    /// Interface in bits 0 to 23, session 24 to 39, length 40 to 59, direction 60, truncation 61.
    @usableFromInline var word: UInt64
    /// `Clock.now` when the copy was made.
    public var clock: UInt64

    /// - Parameters:
    ///   - session: The monitor session's number, from 1.
    ///   - source: The interface that the session watches: the sub-interface, if that is the source, not its port.
    ///   - originalLength: Bytes of the frame that was copied, without frame check sequence; below 2^20.
    ///   - isTruncated: Whether the copy is shorter than that.
    @inlinable @inline(__always)
    public init(
        session: UInt16, source: InterfaceIndex, direction: Direction, originalLength: Int, isTruncated: Bool,
        clock: UInt64
    ) {
        word =
            UInt64(source) & 0xff_ffff | UInt64(session) << 24
            | (UInt64(truncatingIfNeeded: originalLength) & 0xf_ffff) << 40 | UInt64(direction.rawValue) << 60
            | (isTruncated ? 1 << 61 : 0)
        self.clock = clock
    }

    @inlinable @inline(__always)
    init(word: UInt64, clock: UInt64) {
        self.word = word
        self.clock = clock
    }

    /// The monitor session's number, from 1. It stays the session's own as long as that exists.
    @inlinable
    public var session: UInt16 { @inline(__always) get { UInt16(truncatingIfNeeded: word >> 24) } }

    /// The interface that the session watches.
    @inlinable
    public var source: InterfaceIndex {
        @inline(__always) get { InterfaceIndex(truncatingIfNeeded: word & 0xff_ffff) }
    }

    @inlinable
    public var direction: Direction { @inline(__always) get { word >> 60 & 1 == 0 ? .rx : .tx } }

    /// Bytes of the frame that was copied, which the copy has fewer of when it is truncated.
    @inlinable
    public var originalLength: Int { @inline(__always) get { Int(truncatingIfNeeded: word >> 40 & 0xf_ffff) } }

    @inlinable
    public var isTruncated: Bool { @inline(__always) get { word >> 61 & 1 != 0 } }
}

extension Packet {
    /// The note of a packet with `BufferFlags.mirrored`, while it is on its way to the destination.
    @inlinable
    public var copyNote: CopyNote {
        @inline(__always) get { CopyNote(word: header.scratch.0, clock: header.scratch.1) }
        @inline(__always) nonmutating set { header.scratch = (newValue.word, newValue.clock) }
    }
}
