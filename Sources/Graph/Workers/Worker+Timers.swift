// SPDX-License-Identifier: Apache-2.0

// Timers of nodes: a token in the wheel names the node in its upper bits and what the node wants to know in the lower.
extension Worker {
    /// Bits of a token that are the node's own.
    static let tokenBits: UInt64 = 48

    func token(_ token: UInt64, of node: Int) -> UInt64 {
        assert(token >> Worker.tokenBits == 0, "a node's token has 48 bits")
        return UInt64(node) << Worker.tokenBits | token
    }

    /// Fires what is due; returns how many timers that were.
    func fireTimers() -> Int {
        timers.advance(to: Clock.now, limit: 1024) { token in
            wake(Int(token >> Worker.tokenBits), token & (1 << Worker.tokenBits - 1))
        }
    }

    /// Has a node look at a token of its own.
    func wake(_ node: Int, _ token: UInt64) {
        let runtime = runtimes + node
        guard runtime.pointee.node != nil else { return }
        let began = Clock.now
        runtime.pointee.node!.wake(token, context(node: node, now: began))
        runtime.pointee.counters.pointee.clocks &+= Clock.now &- began
    }

    /// Sends words of a node's to the control side. False when the queue is full.
    func report(_ bytes: UnsafeRawBufferPointer, process: UInt32, note: UInt32, now: UInt64) -> Bool {
        var header = PuntHeader(
            process: process, rxInterface: 0, adjacency: 0, txInterface: 0, note: note, clock: now, offset: 0)
        return send(&header, bytes)
    }
}

extension Context {
    /// Has this node's `wake` called with `token` (48 bits) when the clock has reached `moment`.
    /// Returns `TimerHandle.none` when there is no memory for one more timer.
    public func schedule(_ token: UInt64, at moment: UInt64) -> TimerHandle {
        worker._withUnsafeGuaranteedRef { $0.timers.schedule(at: moment, $0.token(token, of: nodeIndex)) }
    }

    /// Gives a timer of this worker another moment. False when it has fired or was cancelled.
    public func reschedule(_ timer: TimerHandle, at moment: UInt64) -> Bool {
        worker._withUnsafeGuaranteedRef { $0.timers.reschedule(timer, at: moment) }
    }

    public func cancel(_ timer: TimerHandle) { worker._withUnsafeGuaranteedRef { _ = $0.timers.cancel(timer) } }

    /// Tells a process on the control side something that is no packet: it gets the bytes of `value` as a punted packet's.
    /// False when the queue is full.
    public func report<Value: BitwiseCopyable>(_ value: Value, to process: ProcessIndex, note: UInt32 = 0) -> Bool {
        withUnsafeBytes(of: value) { bytes in
            worker._withUnsafeGuaranteedRef { $0.report(bytes, process: process.rawValue, note: note, now: now) }
        }
    }
}

extension Engine {
    /// Has a node's `wake` called with `token` (48 bits) on a worker's thread, between two dispatches.
    ///
    /// - Parameter prepare: Runs just before, on the same thread: the place to change what the node reads.
    public func post(
        _ token: UInt64, to node: String, worker: Int, after prepare: @escaping @Sendable () -> Void = {}
    ) {
        guard let index = topology.index(of: node) else { preconditionFailure("there is no node \(node)") }
        workers[worker].perform { worker in
            prepare()
            worker.wake(index, token)
        }
    }
}
