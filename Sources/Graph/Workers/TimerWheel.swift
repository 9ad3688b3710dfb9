// SPDX-License-Identifier: Apache-2.0

/// Timers for one thread, made for millions of them; a millisecond is its grain, or a sixteenth of one.
///
/// A hierarchical timing wheel (Varghese and Lauck, scheme 7): level 0 has a slot for each of the coming grains of time,
/// every slot of a higher level spans 64 slots of the one below. A timer waits in the slot of the highest digit (base
/// 64) in which its deadline differs from the present, and moves down when time reaches that slot: seldom, since most
/// timers are cancelled first. So `schedule`, `reschedule` and `cancel` take constant time, and the next deadline is
/// found by a few bit operations.
///
/// A timer never fires early. It fires at the first `advance` after its deadline, which is rounded up to a whole
/// grain; timers with the same deadline fire in the order in which they were scheduled.
///
/// Threading: one thread only, which may be any. `fire` may schedule and cancel. Memory grows in steps of 2 MiB (65,536
/// timers) and is kept; nothing else allocates.
public final class TimerWheel {
    static let levels = 8
    static let slotsPerLevel = 64
    /// 64 to the power of 8 grains, 550 years at least: longer delays are cut to a quarter of that.
    static let longestDelay: UInt64 = 1 << 46

    private let ticksPerGrain: UInt64
    private let grainsPerMillisecond: UInt64
    /// Grains since the wheel was made, as far as `advance` has worked them off.
    private var present: UInt64 = 0
    /// The clock at the beginning of the grain `present`.
    private var presentClock: UInt64
    /// For each level, the slots that hold timers. All of them lie ahead of `present`.
    private var occupied = InlineArray<8, UInt64>(repeating: 0)
    private let entries: TimerEntries

    /// A wheel whose time starts at `now`, in `Clock` ticks.
    /// - Parameter grainsPerMillisecond: A finer grain costs more moves between the levels for long delays.
    public convenience init(now: UInt64, grainsPerMillisecond: UInt64 = 1) {
        self.init(
            now: now, ticksPerMillisecond: Clock.ticks(milliseconds: 1), grainsPerMillisecond: grainsPerMillisecond)
    }

    init(now: UInt64, ticksPerMillisecond: UInt64, grainsPerMillisecond: UInt64 = 1) {
        self.grainsPerMillisecond = max(1, grainsPerMillisecond)
        ticksPerGrain = max(1, ticksPerMillisecond / self.grainsPerMillisecond)
        presentClock = now
        entries = TimerEntries(listCount: TimerWheel.levels * TimerWheel.slotsPerLevel + 2)
    }

    /// Timers scheduled and not yet fired.
    public var count: Int { entries.liveCount }

    // MARK: - Scheduling

    /// Has `token` fired `milliseconds` after `now`, or later by less than a grain and a call of `advance`.
    ///
    /// A delay below zero counts as zero; at the earliest the timer fires in the next grain. Returns
    /// `TimerHandle.none`, and schedules nothing, when there is no memory for one more timer.
    public func schedule(after milliseconds: Int, _ token: UInt64, now: UInt64 = Clock.now) -> TimerHandle {
        schedule(token, deadline(milliseconds, now))
    }

    /// Has `token` fired when the clock has reached `moment`, which may be past.
    public func schedule(at moment: UInt64, _ token: UInt64) -> TimerHandle { schedule(token, deadline(at: moment)) }

    private func schedule(_ token: UInt64, _ deadline: UInt64) -> TimerHandle {
        guard let index = entries.take() else { return .none }
        entries[index].token = token
        entries[index].deadline = deadline
        place(index)
        return TimerHandle(index: index, generation: entries[index].generation)
    }

    /// Gives a timer a new deadline, `milliseconds` after `now`. The handle stays good.
    ///
    /// Returns false, and does nothing, when the timer has fired or was cancelled.
    @discardableResult
    public func reschedule(_ handle: TimerHandle, after milliseconds: Int, now: UInt64 = Clock.now) -> Bool {
        reschedule(handle, deadline(milliseconds, now))
    }

    /// The same, for a moment of the clock.
    @discardableResult
    public func reschedule(_ handle: TimerHandle, at moment: UInt64) -> Bool {
        reschedule(handle, deadline(at: moment))
    }

    private func reschedule(_ handle: TimerHandle, _ deadline: UInt64) -> Bool {
        guard entries.isLive(handle) else { return false }
        unlink(handle.index)
        entries[handle.index].deadline = deadline
        place(handle.index)
        return true
    }

    /// Forgets a timer. Returns false, and does nothing, when it has fired or was cancelled before.
    @discardableResult
    public func cancel(_ handle: TimerHandle) -> Bool {
        guard entries.isLive(handle) else { return false }
        unlink(handle.index)
        entries.give(handle.index)
        return true
    }

    // MARK: - Time

    /// Moves time on to `now` and fires what is due, in the order of deadlines.
    ///
    /// Handles at most `limit` timers, fired or moved to a lower level, so that a dispatch loop is never held up for
    /// long; the next call goes on from there. A `now` in the past changes nothing. Returns how many fired.
    @discardableResult
    public func advance(to now: UInt64, limit: Int, _ fire: (UInt64) -> Void) -> Int {
        let ahead = now &- presentClock
        guard isBehind || (ahead >= ticksPerGrain && Int64(bitPattern: ahead) > 0) else { return 0 }
        let target = present &+ grains(until: now)
        var fired = 0
        var budget = limit
        while true {
            while entries.first(of: moving) != moving {
                guard budget > 0 else { return fired }
                budget -= 1
                let index = entries.first(of: moving)
                entries.unlink(index)
                place(index)
            }
            while entries.first(of: due) != due {
                guard budget > 0 else { return fired }
                budget -= 1
                let index = entries.first(of: due)
                let token = entries[index].token
                entries.unlink(index)
                entries.give(index)
                fired += 1
                fire(token)
            }
            guard let (list, time) = nextSlot, time <= target else { break }
            moveOn(to: time)
            open(list)
        }
        moveOn(to: target)
        return fired
    }

    /// How long a thread may sleep before it must call `advance`; 0: not at all, nil: as long as it likes.
    ///
    /// Rounded up, or a sleeper would spin through the last millisecond. The wake-up may turn out to be only for moving
    /// a timer to a lower level.
    public func millisecondsUntilNext(now: UInt64) -> Int? {
        guard let left = ticksUntilNext(now: now) else { return nil }
        return left == 0 ? 0 : Int((left - 1) / (ticksPerGrain &* grainsPerMillisecond) + 1)
    }

    /// The same in ticks of the clock, exactly.
    public func ticksUntilNext(now: UInt64) -> UInt64? {
        if isBehind { return 0 }
        guard let (_, time) = nextSlot else { return nil }
        let left = Int64(bitPattern: presentClock &+ (time &- present) &* ticksPerGrain &- now)
        return UInt64(max(0, left))
    }

    // MARK: - The wheel

    /// The list of timers whose time has come.
    private var due: UInt32 { UInt32(TimerWheel.levels * TimerWheel.slotsPerLevel) }
    /// The list of timers that wait for their way down.
    private var moving: UInt32 { due + 1 }

    /// An `advance` was cut short by its limit.
    private var isBehind: Bool { entries.first(of: due) != due || entries.first(of: moving) != moving }

    private func grains(until now: UInt64) -> UInt64 {
        let ahead = now &- presentClock
        guard Int64(bitPattern: ahead) > 0 else { return 0 }
        return ahead / ticksPerGrain
    }

    private func moveOn(to time: UInt64) {
        presentClock &+= (time &- present) &* ticksPerGrain
        present = time
    }

    /// Always ahead of `present`: what is scheduled while timers fire cannot keep `advance` busy forever.
    private func deadline(_ delay: Int, _ now: UInt64) -> UInt64 {
        let delay = UInt64(max(delay, 0)).multipliedReportingOverflow(by: grainsPerMillisecond)
        return deadline(at: now, delay: delay.overflow ? .max : delay.partialValue)
    }

    private func deadline(at moment: UInt64, delay: UInt64 = 0) -> UInt64 {
        let whole = grains(until: moment)
        let started = Int64(bitPattern: moment &- presentClock &- whole &* ticksPerGrain) > 0
        return present
            &+ max(1, min(whole &+ min(delay, TimerWheel.longestDelay), TimerWheel.longestDelay) &+ (started ? 1 : 0))
    }

    /// The slot that time reaches next, and when. The lowest level that is not empty comes before all others.
    private var nextSlot: (list: UInt32, time: UInt64)? {
        for level in 0..<TimerWheel.levels where occupied[level] != 0 {
            let slot = UInt64(occupied[level].trailingZeroBitCount)
            let shift = UInt64(6 * level)
            let before = (present &>> (shift &+ 6)) &<< (shift &+ 6)
            return (UInt32(level * TimerWheel.slotsPerLevel) + UInt32(slot), before | slot &<< shift)
        }
        return nil
    }

    /// Empties a slot that time has reached.
    private func open(_ list: UInt32) {
        occupied[Int(list) / TimerWheel.slotsPerLevel] &= ~(1 &<< (UInt64(list) & 63))
        entries.move(all: list, behind: list < TimerWheel.slotsPerLevel ? due : moving)
    }

    private func place(_ index: UInt32) {
        let deadline = entries[index].deadline
        guard deadline > present else { return entries.append(index, to: due) }
        let level = (63 - (deadline ^ present).leadingZeroBitCount) / 6
        let slot = deadline &>> UInt64(6 * level) & 63
        occupied[level] |= 1 &<< slot
        entries.append(index, to: UInt32(level * TimerWheel.slotsPerLevel) + UInt32(slot))
    }

    private func unlink(_ index: UInt32) {
        let emptied = entries.unlink(index)
        guard let emptied, emptied < due else { return }
        occupied[Int(emptied) / TimerWheel.slotsPerLevel] &= ~(1 &<< (UInt64(emptied) & 63))
    }
}

/// Names a scheduled timer. A handle whose timer has fired or was cancelled is harmless: it names nothing any more.
@frozen
public struct TimerHandle: Hashable, Sendable, BitwiseCopyable {
    let index: UInt32
    let generation: UInt32

    /// Names no timer.
    public static let none = TimerHandle(index: 0, generation: 0)
}
