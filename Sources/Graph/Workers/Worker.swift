// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// One forwarding thread: its input nodes, its copy of the graph, its buffers and its counters.
///
/// All members but those marked otherwise belong to the worker's own thread.
public final class Worker: @unchecked Sendable {
    public let number: Int
    let pool: BufferPool
    let interfaces: InterfaceTable
    let features: FeatureArcs
    let counters: UnsafeMutablePointer<WorkerCounters>
    let nodeCounters: UnsafeMutablePointer<NodeCounters>
    let dropCounters: UnsafeMutablePointer<UInt64>
    let interfaceCounters: UnsafeMutablePointer<InterfaceCounters>

    let runtimes: UnsafeMutablePointer<NodeRuntime>
    var runtimeCount = 0
    var inputs: [Int] = []
    let touchedOutputs: UnsafeMutablePointer<Int>
    var touchedOutputCount = 0
    let dropNode = 0

    var cache: BufferCache
    var frames = FramePool()
    var pending = PendingQueue(capacity: FramePool.count)
    let verdicts: UnsafeMutablePointer<VerdictCode>

    let lastDrops: DropRing
    let tracer = Tracer()
    let punts: ByteRing
    let injects: ByteRing
    var handoffsIn: [HandoffRing] = []
    var handoffsOut: [HandoffRing] = []
    public let timers: TimerWheel

    /// Only when asked for, and where the machine has them.
    var hardware: HardwareCounters?

    // Shared with other threads.
    /// Why there are no hardware counters although they were asked for: an errno, 0 for no problem.
    let hardwareProblem = Atomic<Int32>(0)
    let mailbox = Mutex<[@Sendable (Worker) -> Void]>([])
    let hasMail = Atomic(false)
    let isAsleep = Atomic(false)
    /// Odd while the worker may hold references to published tables; see `Quiescence`.
    let epoch = Atomic<UInt64>(0)
    let stopRequested = Atomic(false)
    /// Every input node has finished and nothing is left to do.
    let isFinished = Atomic(false)
    let wakeDescriptor: Int32
    /// Written to when the control side has something to read from `punts`.
    let controlDescriptor: Int32

    static let nodeCapacity = 4096
    /// More calls than any sensible graph makes for the packets of one loop.
    static let callsPerLoop = 1 << 16
    static let reasonCapacity = 16384

    init(
        number: Int, pool: BufferPool, interfaces: InterfaceTable, features: FeatureArcs, stats: StatsSegment,
        controlDescriptor: Int32
    ) {
        self.number = number
        self.pool = pool
        self.interfaces = interfaces
        self.features = features
        self.controlDescriptor = controlDescriptor
        counters = stats.block("/worker/\(number)/worker", count: 1, of: WorkerCounters.self)
        nodeCounters = stats.block("/worker/\(number)/nodes", count: Worker.nodeCapacity, of: NodeCounters.self)
        dropCounters = stats.block("/worker/\(number)/drops", count: Worker.reasonCapacity, of: UInt64.self)
        interfaceCounters = stats.block(
            "/worker/\(number)/interfaces", count: InterfaceTable.capacity, of: InterfaceCounters.self)
        runtimes = .allocate(capacity: Worker.nodeCapacity)
        touchedOutputs = .allocate(capacity: Worker.nodeCapacity)
        cache = BufferCache(pool: pool)
        verdicts = .allocate(capacity: Frame.capacity)
        verdicts.initialize(repeating: 0, count: Frame.capacity)
        lastDrops = DropRing()
        punts = ByteRing(byteCount: 1 << 20)
        injects = ByteRing(byteCount: 1 << 20)
        timers = TimerWheel(now: Clock.now, grainsPerMillisecond: 16)
        wakeDescriptor = CMartletLinux_eventDescriptor()
    }

    deinit {
        runtimes.deinitialize(count: runtimeCount)
        runtimes.deallocate()
        touchedOutputs.deallocate()
        verdicts.deallocate()
        close(wakeDescriptor)
    }

    func install(_ runtime: NodeRuntime) {
        precondition(runtimeCount < Worker.nodeCapacity, "a graph has at most \(Worker.nodeCapacity) nodes")
        (runtimes + runtimeCount).initialize(to: runtime)
        if runtime.input != nil { inputs.append(runtimeCount) }
        runtimeCount += 1
    }

    @inline(__always)
    func context(node: Int, now: UInt64) -> Context {
        Context(
            headers: pool.headers, verdicts: verdicts, now: now, worker: Unmanaged.passUnretained(self), nodeIndex: node
        )
    }

    /// For tasks that run on the worker's thread: what a node is lent, without a node.
    public func withContext(_ body: (Context) -> Void) { body(context(node: dropNode, now: Clock.now)) }

    // MARK: - From other threads

    /// Has `task` run on the worker's thread between two dispatches. Any thread; the task must be short.
    public func perform(_ task: @escaping @Sendable (Worker) -> Void) {
        mailbox.withLock { $0.append(task) }
        hasMail.store(true, ordering: .sequentiallyConsistent)
        wake()
    }

    /// Wakes the worker if it sleeps. Any thread.
    func wake() {
        // What the worker is woken for must be visible before its flag is read.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard isAsleep.load(ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        write(wakeDescriptor, &one, 8)
    }

    func readMail() {
        guard hasMail.exchange(false, ordering: .sequentiallyConsistent) else { return }
        let tasks = mailbox.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in tasks { task(self) }
    }
}
