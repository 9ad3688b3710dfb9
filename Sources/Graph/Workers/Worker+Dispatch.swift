// SPDX-License-Identifier: Apache-2.0

// Run to completion: every packet that an input node brought is sent, dropped or handed over before the next are fetched.
extension Worker {
    /// Polls every input node once, runs the graph until no frame is pending, and fires the timers that are due. Returns
    /// how many packets came in and timers fired.
    ///
    /// Packets come first: what has arrived in time is not missed by a timer that waited for it.
    func dispatchOnce() -> Int {
        var worked = 0
        for node in inputs { worked &+= poll(node) }
        worked &+= takeHandoffs()
        worked &+= takeInjected()
        runPending()
        let fired = fireTimers()
        if fired > 0 { runPending() }
        flushOutputs()
        return worked &+ fired
    }

    private func poll(_ node: Int) -> Int {
        guard let frame = frames.take() else { return 0 }
        let runtime = runtimes + node
        let began = Clock.now
        let context = context(node: node, now: began)
        guard runtime.pointee.input!.poll(frame, context), frame.count > 0 else {
            frames.give(frame)
            runtime.pointee.counters.pointee.suspends &+= 1
            return 0
        }
        let count = frame.count
        if runtime.pointee.traceBudget > 0 { beginTraces(frame, runtime, context) }
        for position in 0..<count { verdicts[position] = 0 }
        route(frame, runtime)
        account(runtime, packets: count, clocks: Clock.now &- began)
        hardware?.account(to: runtime.pointee.counters)
        return count
    }

    func runPending() {
        var began = Clock.now
        hardware?.account(to: nil)
        var callsLeft = Worker.callsPerLoop
        while let frame = pending.pop() {
            let node = frame.node
            let runtime = runtimes + node
            if runtime.pointee.open?.memory == frame.memory { runtime.pointee.open = nil }
            callsLeft &-= 1
            guard callsLeft > 0 else {
                dropLooping(frame)
                continue
            }
            let context = context(node: node, now: began)
            if runtime.pointee.traceBudget > 0 { beginTraces(frame, runtime, context) }
            let count = frame.count
            if runtime.pointee.node != nil {
                runtime.pointee.node!.process(frame, context)
            } else {
                runtime.pointee.output!.process(frame, context)
                touch(node, runtime)
            }
            route(frame, runtime)
            let ended = Clock.now
            account(runtime, packets: count, clocks: ended &- began)
            began = ended
            if hardware != nil {
                hardware!.account(to: runtime.pointee.counters)
                began = Clock.now
            }
        }
    }

    /// A packet that goes round in the graph for ever would stop the worker.
    @inline(never)
    private func dropLooping(_ frame: Frame) {
        dropCounters[Int(EngineReason.graphLoop.rawValue)] &+= UInt64(frame.count)
        free(frame)
        frames.give(frame)
    }

    @inline(__always)
    private func account(_ runtime: UnsafeMutablePointer<NodeRuntime>, packets: Int, clocks: UInt64) {
        let counters = runtime.pointee.counters
        counters.pointee.calls &+= 1
        counters.pointee.packets &+= UInt64(truncatingIfNeeded: packets)
        counters.pointee.clocks &+= clocks
        if clocks > counters.pointee.maxClocks { counters.pointee.maxClocks = clocks }
    }

    private func touch(_ node: Int, _ runtime: UnsafeMutablePointer<NodeRuntime>) {
        guard !runtime.pointee.isTouched else { return }
        runtime.pointee.isTouched = true
        touchedOutputs[touchedOutputCount] = node
        touchedOutputCount &+= 1
    }

    /// Has each device that got packets send them, once for the whole loop.
    private func flushOutputs() {
        var kept = 0
        for position in 0..<touchedOutputCount {
            let node = touchedOutputs[position]
            let runtime = runtimes + node
            let began = Clock.now
            let done = runtime.pointee.output!.flush(context(node: node, now: began))
            runtime.pointee.counters.pointee.clocks &+= Clock.now &- began
            if done {
                runtime.pointee.isTouched = false
            } else {
                touchedOutputs[kept] = node
                kept &+= 1
            }
        }
        touchedOutputCount = kept
    }

    // MARK: - Verdicts to frames

    /// Carries a frame's verdicts out. Consumes the frame.
    @inline(__always)
    private func route(_ frame: Frame, _ runtime: UnsafeMutablePointer<NodeRuntime>) {
        let count = frame.count
        let first = verdicts[0]
        // The common case: all go the same way, and the frame itself moves on.
        guard first <= .kept, allEqual(first, count), !startsFeatures(frame, first, runtime) else {
            routeEach(frame, runtime)
            return
        }
        if first == .kept {
            frames.give(frame)
        } else {
            moveOn(frame, to: Int(runtime.pointee.arcs[Int(first)]))
        }
    }

    /// Whether one of the packets visits features on an arc that starts here. Features of other interfaces do not split a
    /// frame up.
    @inline(__always)
    private func startsFeatures(
        _ frame: Frame, _ verdict: VerdictCode, _ runtime: UnsafeMutablePointer<NodeRuntime>
    ) -> Bool {
        for start in runtime.pointee.featureStarts where features.active[start.arc] != 0 {
            if startsFeature(start, frame, verdict) { return true }
        }
        return false
    }

    private func startsFeature(_ start: FeatureStart, _ frame: Frame, _ verdict: VerdictCode) -> Bool {
        guard start.slot == verdict || (start.slot == FeatureStart.everySlot && verdict < .kept) else { return false }
        for position in 0..<frame.count {
            let header = pool.headers + Int(frame[position])
            let interface = start.byTransmitInterface ? header.pointee.txInterface : header.pointee.rxInterface
            if features.start(arc: start.arc, interface: interface) != 0 { return true }
        }
        return false
    }

    @inline(__always)
    private func allEqual(_ first: VerdictCode, _ count: Int) -> Bool {
        // Plain enough for the optimiser to make wide vectors of it.
        var difference: UInt16 = 0
        for position in 0..<count { difference |= verdicts[position] ^ first }
        return difference == 0
    }

    private func moveOn(_ frame: Frame, to node: Int) {
        let target = runtimes + node
        if let open = target.pointee.open {
            appendAll(frame, to: node, open)
            frames.give(frame)
            return
        }
        frame.node = node
        pending.push(frame)
        target.pointee.open = frame.count < Frame.capacity ? frame : nil
    }

    private func appendAll(_ frame: Frame, to node: Int, _ open: Frame) {
        let count = frame.count
        let fitting = min(count, open.room)
        (open.indices + open.count).update(from: frame.indices, count: fitting)
        open.count &+= fitting
        if frame.isTraced { open.isTraced = true }
        if open.room == 0 { runtimes[node].open = nil }
        for position in fitting..<count { append(frame[position], to: node, traced: frame.isTraced) }
    }

    private func routeEach(_ frame: Frame, _ runtime: UnsafeMutablePointer<NodeRuntime>) {
        let traced = frame.isTraced
        let arcs = runtime.pointee.arcs
        let starts = runtime.pointee.featureStarts
        let reasonBase = runtime.pointee.reasonBase
        for position in 0..<frame.count {
            let index = frame[position]
            let verdict = verdicts[position]
            var node: Int
            if verdict < .kept {
                node = Int(arcs[Int(verdict)])
                if !starts.isEmpty, let feature = startFeatures(starts, verdict, Packet(pool.headers + Int(index))) {
                    node = feature
                }
            } else if verdict & .dropFlag != 0 {
                pool.headers[Int(index)].reason = reasonBase &+ (verdict & ~VerdictCode.dropFlag)
                node = dropNode
            } else if verdict == .nextFeature {
                node = nextFeature(pool.headers + Int(index))
            } else {
                continue
            }
            append(index, to: node, traced: traced)
        }
        frames.give(frame)
    }

    @inline(__always)
    func nextFeature(_ header: UnsafeMutablePointer<BufferHeader>) -> Int {
        let cursor = header.pointee.featureCursor &+ 1
        header.pointee.featureCursor = cursor
        return Int(features.chains[Int(cursor) & (FeatureArcs.chainCapacity &- 1)])
    }

    private func startFeatures(
        _ starts: UnsafeBufferPointer<FeatureStart>, _ verdict: VerdictCode, _ packet: Packet
    ) -> Int? {
        for start in starts {
            guard start.slot == verdict || start.slot == FeatureStart.everySlot, features.active[start.arc] != 0 else {
                continue
            }
            let interface = start.byTransmitInterface ? packet.header.txInterface : packet.header.rxInterface
            let cursor = features.start(arc: start.arc, interface: interface)
            guard cursor != 0 else { continue }
            packet.header.featureCursor = cursor
            return Int(features.chains[Int(cursor) & (FeatureArcs.chainCapacity &- 1)])
        }
        return nil
    }

    /// Adds one packet to what waits for `node`.
    @inline(__always)
    func append(_ index: BufferIndex, to node: Int, traced: Bool) {
        let target = runtimes + node
        if let open = target.pointee.open {
            open.append(index)
            if traced { open.isTraced = true }
            if open.room == 0 { target.pointee.open = nil }
            return
        }
        open(node, with: index, traced: traced)
    }

    private func open(_ node: Int, with index: BufferIndex, traced: Bool) {
        guard let frame = frames.take() else {
            // Thousands of frames wait: a loop in the graph, or a replicator gone wild.
            dropWithoutFrame(index)
            return
        }
        frame.append(index)
        frame.isTraced = traced
        frame.node = node
        pending.push(frame)
        runtimes[node].open = frame
    }

    private func dropWithoutFrame(_ index: BufferIndex) {
        dropCounters[Int(EngineReason.noFrame.rawValue)] &+= 1
        free(index)
    }

    // MARK: - Buffers

    func free(_ index: BufferIndex) {
        var index = index
        cache.give(&index, count: 1)
    }
}
