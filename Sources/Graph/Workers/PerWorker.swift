// SPDX-License-Identifier: Apache-2.0

/// One value for each worker, on cache lines of its own: what a feature counts or remembers.
///
///     let counts = PerWorker(Counts(), workerCount: engine.workers.count)
///     registry.add(NodeDescriptor(MyNode.self) { [counts] seat in MyNode(counts.slot(seat.worker)) })
///     let dropped = counts.values.reduce(0) { $0 &+ $1.dropped }
public final class PerWorker<Value: BitwiseCopyable>: @unchecked Sendable {
    /// Two lines: processors fetch them in pairs.
    private static var alignment: Int { 128 }

    private let memory: UnsafeMutableRawPointer
    private let stride: Int
    private let workerCount: Int

    public init(_ initial: Value, workerCount: Int) {
        precondition(workerCount > 0, "there is at least one worker")
        self.workerCount = workerCount
        stride = (MemoryLayout<Value>.size + PerWorker.alignment - 1) / PerWorker.alignment * PerWorker.alignment
        memory = .allocate(byteCount: stride * workerCount, alignment: PerWorker.alignment)
        for worker in 0..<workerCount { (memory + worker * stride).initializeMemory(as: Value.self, to: initial) }
    }

    deinit { memory.deallocate() }

    /// The worker's own value. It is valid as long as its owner: a module keeps that until the router has stopped.
    public func slot(_ worker: Int) -> Slot {
        precondition((0..<workerCount).contains(worker), "there is no worker \(worker)")
        return Slot(pointer: (memory + worker * stride).assumingMemoryBound(to: Value.self))
    }

    /// Every worker's value, as it stands at this moment. Each word of a value is whole; two of them may be a packet
    /// apart.
    public var values: [Value] { (0..<workerCount).map { slot($0).value } }

    /// What a node keeps: one pointer. Only its worker writes.
    @frozen
    public struct Slot: BitwiseCopyable, @unchecked Sendable {
        @usableFromInline let pointer: UnsafeMutablePointer<Value>

        init(pointer: UnsafeMutablePointer<Value>) { self.pointer = pointer }

        @inlinable
        public var value: Value {
            @inline(__always) unsafeAddress { UnsafePointer(pointer) }
            @inline(__always) nonmutating unsafeMutableAddress { pointer }
        }
    }
}
