// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Graph

@Suite("Timer wheel")
struct TimerWheelTests {
    /// Ten ticks a millisecond, so that tests can tell grain from clock.
    static let grain: UInt64 = 10

    func wheel(at now: UInt64 = 0) -> TimerWheel { TimerWheel(now: now, ticksPerMillisecond: Self.grain) }

    /// Advances to `milliseconds` and returns the tokens that fired.
    func fired(_ wheel: TimerWheel, at milliseconds: UInt64, from start: UInt64 = 0, limit: Int = .max) -> [UInt64] {
        var tokens: [UInt64] = []
        wheel.advance(to: start &+ milliseconds &* Self.grain, limit: limit) { tokens.append($0) }
        return tokens
    }

    @Test(arguments: [1, 2, 63, 64, 65, 4095, 4096, 4097, 262_143, 262_144, 16_777_217, 1 << 31, 1 << 40])
    func firesInItsMillisecondAndNotBefore(delay: Int) {
        let wheel = wheel()
        _ = wheel.schedule(after: delay, 7, now: 0)
        #expect(fired(wheel, at: UInt64(delay) - 1) == [])
        #expect(wheel.count == 1)
        #expect(fired(wheel, at: UInt64(delay)) == [7])
        #expect(wheel.count == 0)
    }

    @Test func neverFiresEarlyWhenScheduledWithinAMillisecond() {
        let wheel = wheel()
        // 2 ms from tick 13 is tick 33: due with the millisecond that starts at tick 40.
        _ = wheel.schedule(after: 2, 1, now: 13)
        wheel.advance(to: 39, limit: 9) { _ in Issue.record("fired early") }
        #expect(fired(wheel, at: 4) == [1])
    }

    @Test func countsFromNowThoughTheWheelLagsBehind() {
        let wheel = wheel()
        // As after a long sleep: the timer is set before the wheel is advanced.
        _ = wheel.schedule(after: 5, 1, now: 1000 * Self.grain)
        #expect(fired(wheel, at: 1004) == [])
        #expect(fired(wheel, at: 1005) == [1])
    }

    @Test func zeroAndNegativeDelaysFireInTheNextMillisecond() {
        let wheel = wheel()
        _ = wheel.schedule(after: 0, 1, now: 0)
        _ = wheel.schedule(after: .min, 2, now: 0)
        _ = wheel.schedule(after: .max, 3, now: 0)
        #expect(fired(wheel, at: 0) == [])
        #expect(fired(wheel, at: 1) == [1, 2])
        #expect(wheel.count == 1)
    }

    @Test func sameDeadlineFiresInOrderOfScheduling() {
        let wheel = wheel()
        for token in 0..<100 as Range<UInt64> { _ = wheel.schedule(after: 70, token, now: 0) }
        #expect(fired(wheel, at: 70) == Array(0..<100))
    }

    @Test func cancelledTimersStaySilent() {
        let wheel = wheel()
        let handles = (0..<300).map { wheel.schedule(after: 1 + $0 * 37, UInt64($0), now: 0) }
        for index in stride(from: 0, to: 300, by: 2) { #expect(wheel.cancel(handles[index])) }
        #expect(wheel.count == 150)
        #expect(fired(wheel, at: 100_000) == stride(from: 1, to: 300, by: 2).map { UInt64($0) })
        #expect(wheel.millisecondsUntilNext(now: 0) == nil)
    }

    @Test func staleHandlesAreHarmless() {
        let wheel = wheel()
        let first = wheel.schedule(after: 1, 1, now: 0)
        #expect(wheel.cancel(first))
        let second = wheel.schedule(after: 1, 2, now: 0)
        #expect(!wheel.cancel(first))
        #expect(!wheel.reschedule(first, after: 9, now: 0))
        #expect(!wheel.cancel(.none))
        #expect(fired(wheel, at: 1) == [2])
        #expect(!wheel.cancel(second))
        #expect(wheel.count == 0)
    }

    @Test func rescheduledTimersKeepTheirHandle() {
        let wheel = wheel()
        let handle = wheel.schedule(after: 10, 1, now: 0)
        #expect(wheel.reschedule(handle, after: 5000, now: 0))
        #expect(fired(wheel, at: 4999) == [])
        #expect(wheel.reschedule(handle, after: 1, now: 4999 * Self.grain))
        #expect(fired(wheel, at: 5000) == [1])
    }

    @Test func limitIsKeptAndNothingIsLost() {
        let wheel = wheel()
        for token in 0..<1000 as Range<UInt64> { _ = wheel.schedule(after: 5000, token, now: 0) }
        var tokens: [UInt64] = []
        var calls = 0
        while tokens.count < 1000, calls < 1000 {
            let part = fired(wheel, at: 5000, limit: 7)
            #expect(part.count <= 7)
            #expect(wheel.millisecondsUntilNext(now: 5000 * Self.grain) == (wheel.count == 0 ? nil : 0))
            tokens += part
            calls += 1
        }
        #expect(tokens == Array(0..<1000))
    }

    @Test func aTimerThatSchedulesItselfDoesNotHoldAdvanceUp() {
        let wheel = wheel()
        _ = wheel.schedule(after: 0, 1, now: 0)
        var count = 0
        wheel.advance(to: Self.grain, limit: 1000) { token in
            count += 1
            _ = wheel.schedule(after: 0, token, now: Self.grain)
        }
        #expect(count == 1)
        #expect(wheel.count == 1)
    }

    @Test func firingMayCancelWhatIsDueToo() {
        let wheel = wheel()
        var handles: [TimerHandle] = []
        for token in 0..<3 as Range<UInt64> { handles.append(wheel.schedule(after: 3, token, now: 0)) }
        var tokens: [UInt64] = []
        wheel.advance(to: 3 * Self.grain, limit: 10) { token in
            tokens.append(token)
            wheel.cancel(handles[1])
        }
        #expect(tokens == [0, 2])
    }

    @Test func worksAcrossTheClocksWrap() {
        let start = UInt64.max - 25
        let wheel = wheel(at: start)
        _ = wheel.schedule(after: 10, 1, now: start)
        #expect(wheel.millisecondsUntilNext(now: start) == 10)
        #expect(fired(wheel, at: 9, from: start) == [])
        #expect(fired(wheel, at: 10, from: start) == [1])
    }

    @Test func aClockThatStepsBackDoesNothing() {
        let wheel = wheel(at: 1000)
        _ = wheel.schedule(after: 3, 1, now: 990)
        wheel.advance(to: 500, limit: 10) { _ in Issue.record("fired in the past") }
        #expect(fired(wheel, at: 3, from: 1000) == [1])
    }

    @Test func sleepingAsToldFiresInTheTimersMillisecond() throws {
        let wheel = wheel()
        _ = wheel.schedule(after: 1_234_567, 1, now: 0)
        var now: UInt64 = 3
        var naps = 0
        while wheel.count > 0 {
            let nap = try #require(wheel.millisecondsUntilNext(now: now))
            now += UInt64(nap) * Self.grain
            wheel.advance(to: now, limit: 10) { _ in }
            naps += 1
            try #require(naps < 10)
        }
        #expect(now / Self.grain == 1_234_567)
    }

    @Test func agreesWithASortedListOverRandomHistory() {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var generator = Lehmer(state: seed)
        let wheel = wheel()
        var expected: [UInt64: UInt64] = [:]  // token: deadline
        var handles: [UInt64: TimerHandle] = [:]
        var now: UInt64 = 0
        for token in 0..<20_000 as Range<UInt64> {
            let delay = Int(generator.next() >> (33 + generator.next() % 30))
            handles[token] = wheel.schedule(after: delay, token, now: now * Self.grain)
            expected[token] = now + max(1, UInt64(delay))
            let other = generator.next() % (token + 1)
            if generator.next() % 3 == 0, expected[other] != nil {
                #expect(wheel.cancel(handles[other]!), "seed \(seed)")
                expected[other] = nil
            }
            guard generator.next() % 4 == 0 else { continue }
            now += generator.next() >> (44 + generator.next() % 20)
            var last: UInt64 = 0
            wheel.advance(to: now * Self.grain, limit: .max) { token in
                let deadline = expected.removeValue(forKey: token)
                #expect(deadline != nil && deadline! <= now && deadline! >= last, "seed \(seed)")
                last = deadline ?? last
            }
            #expect(wheel.count == expected.count, "seed \(seed)")
        }
        #expect(expected.values.allSatisfy { $0 > now }, "seed \(seed)")
    }

    @Test func growsPastOneChunk() {
        let wheel = wheel()
        for token in 0..<200_000 as Range<UInt64> { _ = wheel.schedule(after: 100, token, now: 0) }
        #expect(wheel.count == 200_000)
        #expect(fired(wheel, at: 100).count == 200_000)
    }
}

/// A small generator with a printable state.
private struct Lehmer: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
    }
}
