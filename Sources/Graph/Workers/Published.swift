// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A value that the control side sets and every worker reads: a feature's settings, a short list.
///
/// A worker sees one version or the next, never a mixture of both: `set` writes a copy of its own and publishes it with
/// one store, and the old copy is freed once no worker can be reading it. A table that changes entry by entry is no
/// case for this: it has its own way.
///
///     let settings = Published(Settings())
///     registry.add(NodeDescriptor(MyNode.self) { [reader = settings.reader] _ in MyNode(reader) })
///     settings.set(Settings(limit: 1500), on: engine)
@ControlPlane
public final class Published<Value: BitwiseCopyable & Sendable> {
    /// What a node keeps. It is valid as long as its owner: a module keeps that until the router has stopped.
    public nonisolated let reader: Reader

    public nonisolated init(_ value: Value) {
        let slot = UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Value>>>.allocate(capacity: 1)
        slot.initialize(to: Atomic(Published.copy(value)))
        reader = Reader(slot: slot)
    }

    deinit {
        reader.slot.pointee.load(ordering: .relaxed).deallocate()
        reader.slot.deinitialize(count: 1)
        reader.slot.deallocate()
    }

    public var value: Value { reader.value }

    /// Workers use the new value from their next dispatch loop on.
    public func set(_ value: Value, on engine: Engine) {
        let old = reader.slot.pointee.exchange(Published.copy(value), ordering: .acquiringAndReleasing)
        engine.retire { old.deallocate() }
    }

    private nonisolated static func copy(_ value: Value) -> UnsafeMutablePointer<Value> {
        let copy = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        copy.initialize(to: value)
        return copy
    }

    /// One pointer wide and free to copy.
    @frozen
    public struct Reader: BitwiseCopyable, @unchecked Sendable {
        @usableFromInline let slot: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Value>>>

        init(slot: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Value>>>) { self.slot = slot }

        /// The version that holds at this moment, for code that looks at it more than once: all that it sees belongs
        /// together. Valid until the node returns; a node never keeps it.
        @inlinable
        public var current: Version {
            @inline(__always) get { Version(slot.pointee.load(ordering: .acquiring)) }
        }

        @inlinable
        public var value: Value {
            @inline(__always) unsafeAddress { current.pointer }
        }
    }

    /// One version of the value, where it stands in memory.
    @frozen
    public struct Version: BitwiseCopyable {
        @usableFromInline let pointer: UnsafePointer<Value>

        @inlinable @inline(__always)
        init(_ pointer: UnsafeMutablePointer<Value>) { self.pointer = UnsafePointer(pointer) }

        @inlinable
        public var value: Value {
            @inline(__always) unsafeAddress { pointer }
        }
    }
}
