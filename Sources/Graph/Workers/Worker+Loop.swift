// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

// The thread: polls while there is traffic, sleeps when there is none.
extension Worker {
    /// How a worker spends the time without packets.
    struct IdlePolicy {
        /// Clocks without work after which the worker sleeps; 0 never spins, .max never sleeps.
        var spinClocks: UInt64
    }

    /// Runs until stopped. The calling thread becomes the worker's.
    func run(core: Int?, idle: IdlePolicy, countHardware: Bool) {
        if let core { _ = CMartletLinux_pinThisThread(Int32(core)) }
        if countHardware {
            hardware = HardwareCounters.open()
            if hardware == nil { hardwareProblem.store(errno, ordering: .relaxed) }
        }
        counters.pointee.startClock = Clock.now
        var lastWork = Clock.now
        while !stopRequested.load(ordering: .relaxed) {
            let began = Clock.now
            epoch.add(1, ordering: .sequentiallyConsistent)
            readMail()
            let worked = dispatchOnce()
            epoch.add(1, ordering: .sequentiallyConsistent)
            counters.pointee.loops &+= 1
            if worked > 0 {
                lastWork = Clock.now
                counters.pointee.busyLoops &+= 1
                counters.pointee.busyClocks &+= lastWork &- began
                continue
            }
            noteFinished()
            if began &- lastWork > idle.spinClocks {
                sleep()
                lastWork = Clock.now
            } else {
                CMartletLinux_pause()
            }
        }
        drain()
    }

    /// Sends what devices and the control side have handed over, so that no packet is lost by stopping.
    private func drain() {
        for _ in 0..<100 where touchedOutputCount > 0 || !injects.isEmpty { _ = dispatchOnce() }
    }

    private func noteFinished() {
        guard !isFinished.load(ordering: .relaxed) else { return }
        guard !inputs.isEmpty, inputs.allSatisfy({ runtimes[$0].input!.isFinished }) else { return }
        isFinished.store(true, ordering: .sequentiallyConsistent)
        var one: UInt64 = 1
        write(controlDescriptor, &one, 8)
    }

    /// Waits for a packet, a timer, mail, an injected or a handed-over packet.
    ///
    /// First says that it sleeps, then looks again for each: whoever adds work later sees the flag and wakes it.
    private func sleep() {
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        defer { isAsleep.store(false, ordering: .sequentiallyConsistent) }
        guard !hasMail.load(ordering: .sequentiallyConsistent), injects.isEmpty, handoffsIn.allSatisfy(\.isEmpty),
            !stopRequested.load(ordering: .sequentiallyConsistent)
        else { return }
        for node in inputs where !runtimes[node].input!.prepareToSleep() { return }
        var descriptors = [pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)]
        for node in inputs {
            for descriptor in runtimes[node].input!.descriptors {
                descriptors.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            }
        }
        counters.pointee.sleeps &+= 1
        // Packets that devices still hold back keep the nap short.
        let longest = touchedOutputCount > 0 ? 0.001 : 1
        let timer = timers.ticksUntilNext(now: Clock.now).map(Clock.seconds) ?? longest
        _ = CMartletLinux_poll(&descriptors, UInt(descriptors.count), UInt64(min(timer, longest) * 1e9))
        var value: UInt64 = 0
        read(wakeDescriptor, &value, 8)
    }
}
