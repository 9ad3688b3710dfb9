// SPDX-License-Identifier: Apache-2.0

/// One node on one worker: the instance and what the dispatcher needs to run it.
///
/// Exactly one of `node`, `input` and `output` is set: an existential is mutated in place, never cast, on each call.
struct NodeRuntime {
    var node: (any Node)?
    var input: (any InputNode)?
    var output: (any OutputNode)?
    /// Arc number to node index; shared by all workers, re-pointed in place by the control side.
    let arcs: UnsafeMutablePointer<UInt16>
    let counters: UnsafeMutablePointer<NodeCounters>
    /// This node's first reason in the engine's list.
    let reasonBase: UInt16
    /// The feature arcs that start on this node's arcs; shared by all workers, fixed after the graph is built.
    let featureStarts: UnsafeBufferPointer<FeatureStart>
    /// The pending frame that still has room, if any.
    var open: Frame?
    /// How many packets more are to be traced from here on.
    var traceBudget: UInt32 = 0
    /// An output node that packets went to in this loop.
    var isTouched = false
}

/// A feature arc starts where a node's arc leads away: packets that take it visit their interface's features first.
struct FeatureStart: Sendable, BitwiseCopyable {
    /// The arc number that it replaces, or `everySlot`.
    let slot: UInt16
    let arc: Int
    let byTransmitInterface: Bool

    static let everySlot = UInt16.max
}

/// A node that brings packets in: a device's queue, a generator.
public protocol InputNode: Node {
    /// Fills `frame` (empty, at most 256 packets), which then takes arc 0. Returns false when nothing came.
    mutating func poll(_ frame: Frame, _ context: Context) -> Bool
    /// File descriptors that become readable when there is something to poll.
    var descriptors: [Int32] { get }
    /// Arms what wakes the worker. False: packets are waiting, do not sleep.
    mutating func prepareToSleep() -> Bool
    /// No packet will ever come again: a capture that was read to its end.
    var isFinished: Bool { get }
}

extension InputNode {
    /// An input node is polled; no arc leads to it.
    public mutating func process(_ frame: Frame, _ context: Context) {}

    public var descriptors: [Int32] { [] }
    public mutating func prepareToSleep() -> Bool { true }
    public var isFinished: Bool { false }
}

/// A node that hands packets to a device, once per dispatch loop in one go.
public protocol OutputNode: Node {
    /// Called at the end of each loop in which packets came, and again until it returns true: all that was accepted is under way.
    mutating func flush(_ context: Context) -> Bool
}

/// A worker's pending frames in the order in which they were filled.
struct PendingQueue: ~Copyable {
    private let ring: UnsafeMutablePointer<Frame>
    private var head: UInt32 = 0
    private var tail: UInt32 = 0
    private let mask: UInt32

    /// - Parameter capacity: A power of two, at least the number of frames that exist.
    init(capacity: Int) {
        ring = .allocate(capacity: capacity)
        mask = UInt32(capacity - 1)
    }

    deinit { ring.deallocate() }

    var isEmpty: Bool {
        @inline(__always) get { head == tail }
    }

    @inline(__always)
    mutating func push(_ frame: Frame) {
        ring[Int(tail & mask)] = frame
        tail &+= 1
    }

    @inline(__always)
    mutating func pop() -> Frame? {
        guard head != tail else { return nil }
        defer { head &+= 1 }
        return ring[Int(head & mask)]
    }
}

/// A worker's frames that wait for packets.
struct FramePool: ~Copyable {
    static let count = 4096
    private let memory: UnsafeMutableRawPointer
    private let free: UnsafeMutablePointer<Frame>
    private var freeCount = FramePool.count

    init() {
        let bytes = FramePool.count * Frame.byteSize
        memory = .allocate(byteCount: bytes, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        free = .allocate(capacity: FramePool.count)
        // The first frames are taken first: the last in the stack.
        for position in 0..<FramePool.count {
            free[FramePool.count - 1 - position] = Frame(memory: memory + position * Frame.byteSize)
        }
    }

    deinit {
        memory.deallocate()
        free.deallocate()
    }

    @inline(__always)
    mutating func take() -> Frame? {
        guard freeCount > 0 else { return nil }
        freeCount &-= 1
        let frame = free[freeCount]
        frame.count = 0
        frame.isTraced = false
        return frame
    }

    @inline(__always)
    mutating func give(_ frame: Frame) {
        free[freeCount] = frame
        freeCount &+= 1
    }
}
