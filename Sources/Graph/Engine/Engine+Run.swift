// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

// Running: with threads, or step by step on the caller's for results that repeat.
extension Engine {
    /// Lets the workers run, each on its own pinned thread.
    public func start() {
        precondition(threads.isEmpty, "the engine is running")
        let loop = ControlLoop(descriptor: controlDescriptor)
        controlLoop = loop
        loop.start(self)
        let cores = placement()
        let idle = Worker.IdlePolicy(spinClocks: Clock.ticks(milliseconds: Double(options.spinMicroseconds) / 1000))
        for worker in workers {
            let core = cores[worker.number]
            let countHardware = options.hardwareCounters
            threads.append(
                Thread(name: "martlet-wk-\(worker.number)") {
                    worker.run(core: core, idle: idle, countHardware: countHardware)
                }.start())
        }
    }

    /// The core of each worker: as configured, else one each from the last allowed core downwards; the first is left to the
    /// control side while there are others.
    public nonisolated func placement() -> [Int?] {
        let mask = CMartletLinux_allowedCores()
        let allowed = (0..<64).filter { mask >> $0 & 1 == 1 }
        return workers.indices.map { worker in
            if worker < options.cores.count { return options.cores[worker] }
            return allowed.isEmpty || workers.count > allowed.count ? nil : allowed[allowed.count - 1 - worker]
        }
    }

    /// Stops the workers; what they have accepted is sent first.
    public func stop() {
        for worker in workers {
            worker.stopRequested.store(true, ordering: .sequentiallyConsistent)
            worker.wake()
        }
        for thread in threads { pthread_join(thread, nil) }
        threads = []
        controlLoop?.stop()
        controlLoop = nil
        // Whoever waits for an answer of a worker, or for its last look at an old table, waits no longer.
        for worker in workers { worker.readMail() }
        reclaim()
        for worker in workers { worker.stopRequested.store(false, ordering: .sequentiallyConsistent) }
    }

    public var isRunning: Bool { !threads.isEmpty }

    /// Whether every input has come to its end (captures only) and every packet has left.
    public var isFinished: Bool { workers.allSatisfy { $0.isFinished.load(ordering: .sequentiallyConsistent) } }

    /// Calls `body` on the control side when `descriptor` is readable, until `unwatch`.
    public func watch(_ descriptor: Int32, _ body: @escaping @ControlPlane () -> Void) {
        watches[descriptor] = body
        var one: UInt64 = 1
        write(controlDescriptor, &one, 8)
    }

    public func unwatch(_ descriptor: Int32) { watches[descriptor] = nil }

    /// `Clock.now` when what the control side is doing came to be known: in the body of a `watch` the moment at which the
    /// descriptor was found readable, elsewhere now.
    public var eventClock: UInt64 { wokenAt ?? Clock.now }

    /// Has `eventClock` say `clock` while `body` runs: for news that another thread has read before.
    public func during(_ clock: UInt64, _ body: () -> Void) {
        let before = wokenAt
        wokenAt = clock
        body()
        wokenAt = before
    }

    /// One turn of the control side. Returns what to wait for until the next: descriptors, and milliseconds.
    /// - Parameter clock: When the descriptors were found readable.
    func turn(ready: [Int32] = [], at clock: UInt64 = Clock.now) -> ([Int32], Int) {
        wokenAt = clock
        for descriptor in ready { watches[descriptor]?() }
        wokenAt = nil
        let punted = receivePunted()
        let fired = timers.advance()
        reclaim()
        let wait = punted + fired > 0 ? 0 : min(timers.millisecondsUntilNext ?? 100, 100)
        return (Array(watches.keys), wait)
    }

    /// Runs every worker for one dispatch loop and the control side for one turn, on the caller's thread.
    ///
    /// For tests and for captures: the order of events depends on the input alone.
    /// - Returns: Whether anything was done.
    @discardableResult
    public func step() -> Bool {
        precondition(threads.isEmpty, "the engine is running")
        var received = 0
        for worker in workers {
            worker.readMail()
            received += worker.dispatchOnce()
        }
        received += receivePunted()
        received += timers.advance()
        return received > 0
    }

    /// Steps until the inputs have come to their end and nothing is under way any more.
    /// - Parameter limit: Steps after which to return in any case.
    /// - Returns: Whether the end was reached.
    @discardableResult
    public func runToEnd(steps limit: Int = .max) -> Bool {
        for _ in 0..<limit {
            let worked = step()
            let ended = workers.allSatisfy { worker in
                worker.inputs.allSatisfy { worker.runtimes[$0].input!.isFinished }
            }
            if !worked && ended { return true }
        }
        return false
    }

    /// Packets that are in no cache, no depot: held by devices or lost. Meaningful while no worker runs.
    public var buffersInUse: Int { pool.count - pool.depotCount - workers.reduce(0) { $0 + $1.cache.count } }
}
