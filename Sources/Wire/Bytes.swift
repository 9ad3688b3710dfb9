// SPDX-License-Identifier: Apache-2.0

/// A window on packet memory: where a header starts and how many bytes follow.
///
/// Wire formats are read and written through a window. It owns nothing and stays valid as long as the packet does: a
/// node may use it until it returns its verdict, never store it.
///
/// Contract: `load` and `store` do not check bounds in release builds. A *view* (`EthernetView`, `IPv4View`, ...) is made
/// from a window by a failable initialiser that compares `count` with the header's length once; after that its fixed-offset
/// accessors cannot leave the window. Code that reads at computed offsets compares them with `count` first.
@frozen
public struct Bytes: BitwiseCopyable {
    public let start: UnsafeMutableRawPointer
    /// Bytes that may be read and written from `start`.
    public let count: Int

    @inlinable @inline(__always)
    public init(start: UnsafeMutableRawPointer, count: Int) {
        self.start = start
        self.count = count
    }

    /// The window without its first `length` bytes; empty when it is shorter than that.
    @inlinable @inline(__always)
    public func dropping(first length: Int) -> Bytes {
        let dropped = min(length, count)
        return Bytes(start: start + dropped, count: count &- dropped)
    }

    /// The window's first `length` bytes; the whole window when it is shorter.
    @inlinable @inline(__always)
    public func prefix(_ length: Int) -> Bytes {
        Bytes(start: start, count: min(length, count))
    }

    /// Reads a value in the machine's own byte order; unaligned addresses are fine.
    @inlinable @inline(__always)
    public func load<Value: BitwiseCopyable>(at offset: Int, as type: Value.Type = Value.self) -> Value {
        assert(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "read outside the packet")
        return start.loadUnaligned(fromByteOffset: offset, as: type)
    }

    /// Writes a value in the machine's own byte order; unaligned addresses are fine.
    @inlinable @inline(__always)
    public func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
        assert(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "write outside the packet")
        start.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    /// Reads an integer in network byte order.
    @inlinable @inline(__always)
    public func network<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type = Value.self)
        -> Value
    {
        Value(bigEndian: load(at: offset, as: type))
    }

    /// Writes an integer in network byte order.
    @inlinable @inline(__always)
    public func storeNetwork<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        store(value.bigEndian, at: offset)
    }
}
