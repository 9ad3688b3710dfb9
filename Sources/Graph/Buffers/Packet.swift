// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Wire

/// A packet as a node sees it: its header, and through that its bytes.
///
/// One pointer wide and free to copy; valid until the node returns its verdict.
@frozen
public struct Packet: BitwiseCopyable {
    @usableFromInline let pointer: UnsafeMutablePointer<BufferHeader>

    @inlinable @inline(__always)
    public init(_ pointer: UnsafeMutablePointer<BufferHeader>) { self.pointer = pointer }

    @inlinable
    public var header: BufferHeader {
        @inline(__always) unsafeAddress { UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { pointer }
    }

    /// The bytes from the current position to the packet's end.
    @inlinable @inline(__always)
    public var bytes: Bytes { Bytes(start: header.data, count: Int(header.length)) }

    /// The whole frame from the link header as received, whatever the current position; from that one, if headers were put
    /// in front of what was received.
    @inlinable @inline(__always)
    public var frameBytes: Bytes {
        let behind = max(0, header.data - header.start)
        return Bytes(start: header.data - behind, count: Int(header.length) &+ behind)
    }

    /// Bytes from the current position to the packet's end.
    @inlinable @inline(__always)
    public var length: Int { Int(header.length) }

    /// Moves the current position behind `count` bytes. The caller has checked that the packet has them.
    @inlinable @inline(__always)
    public func advance(_ count: Int) {
        header.data += count
        header.length &-= UInt32(truncatingIfNeeded: count)
    }

    /// Moves the current position back over `count` bytes, which the caller then writes: a header pushed or restored.
    /// - Returns: The bytes from there on.
    @discardableResult
    @inlinable @inline(__always)
    public func rewind(_ count: Int) -> Bytes {
        let data = header.data - count
        let length = header.length &+ UInt32(truncatingIfNeeded: count)
        header.data = data
        header.length = length
        return Bytes(start: data, count: Int(length))
    }

    /// Cuts what stands behind `length` bytes from the current position, such as link padding.
    @inlinable @inline(__always)
    public func truncate(to length: Int) { header.length = UInt32(truncatingIfNeeded: length) }

    @inlinable @inline(__always)
    public var isTraced: Bool { header.flags.contains(.traced) }

    /// Brings the cache line at the current position towards the core.
    @inlinable @inline(__always)
    public func prefetchData() { CMartletLinux_prefetchForWrite(header.data) }
}
