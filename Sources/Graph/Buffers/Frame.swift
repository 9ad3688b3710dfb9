// SPDX-License-Identifier: Apache-2.0

/// A vector of up to 256 packets on their way to one node.
///
/// A handle on memory that a worker owns; a node has it for the length of one call.
@frozen
public struct Frame: BitwiseCopyable {
    /// The most packets that a frame holds.
    @inlinable public static var capacity: Int { 256 }

    /// Entries behind the last one that prefetching ahead may read; they name valid, if unrelated, buffers.
    @inlinable static var readAhead: Int { 16 }
    @inlinable static var indicesOffset: Int { 64 }
    static var byteSize: Int { indicesOffset + (capacity + readAhead) * MemoryLayout<BufferIndex>.stride }

    @usableFromInline let memory: UnsafeMutableRawPointer

    @inlinable @inline(__always)
    init(memory: UnsafeMutableRawPointer) { self.memory = memory }

    @inlinable
    public var count: Int {
        @inline(__always) get { Int(memory.load(as: UInt32.self)) }
        @inline(__always) nonmutating set {
            memory.storeBytes(of: UInt32(truncatingIfNeeded: newValue), as: UInt32.self)
        }
    }

    /// Whether one of the packets, at least, is traced. Tested once per frame, so that tracing costs nothing when it is off.
    @inlinable
    public var isTraced: Bool {
        @inline(__always) get { memory.load(fromByteOffset: 4, as: UInt8.self) != 0 }
        @inline(__always) nonmutating set { memory.storeBytes(of: newValue ? 1 : 0, toByteOffset: 4, as: UInt8.self) }
    }

    /// The node that this frame waits for.
    var node: Int {
        get { Int(memory.load(fromByteOffset: 8, as: UInt32.self)) }
        nonmutating set { memory.storeBytes(of: UInt32(newValue), toByteOffset: 8, as: UInt32.self) }
    }

    @inlinable @inline(__always)
    public var indices: UnsafeMutablePointer<BufferIndex> {
        (memory + Frame.indicesOffset).assumingMemoryBound(to: BufferIndex.self)
    }

    @inlinable
    public subscript(position: Int) -> BufferIndex {
        @inline(__always) get {
            assert(position < Frame.capacity + Frame.readAhead)
            return indices[position]
        }
        @inline(__always) nonmutating set {
            assert(position < Frame.capacity)
            indices[position] = newValue
        }
    }

    /// Adds one packet. The caller has seen that there is room.
    @inlinable @inline(__always)
    public func append(_ index: BufferIndex) {
        let count = self.count
        assert(count < Frame.capacity, "frame is full")
        indices[count] = index
        self.count = count &+ 1
    }

    @inlinable @inline(__always)
    public var room: Int { Frame.capacity &- count }
}
