// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Timers of the control side, millisecond grain.
@ControlPlane
public final class ControlTimers {
    /// A timer that was set; cancelling it twice, or after it fired, does no harm.
    public struct Handle: Sendable {
        fileprivate let token: UInt64
    }

    private let wheel = TimerWheel(now: Clock.now)
    private var bodies: [UInt64: @ControlPlane () -> Void] = [:]
    private var wheelHandles: [UInt64: TimerHandle] = [:]
    private var nextToken: UInt64 = 1
    private nonisolated let descriptor: Int32

    nonisolated init(descriptor: Int32) { self.descriptor = descriptor }

    /// Calls `body` once, not before `milliseconds` have passed.
    @discardableResult
    public func after(milliseconds: Int, _ body: @escaping @ControlPlane () -> Void) -> Handle {
        let token = nextToken
        nextToken += 1
        bodies[token] = body
        wheelHandles[token] = wheel.schedule(after: milliseconds, token)
        // The control loop may be asleep until a later timer.
        var one: UInt64 = 1
        write(descriptor, &one, 8)
        return Handle(token: token)
    }

    /// Calls `body` again and again until it returns false.
    public func every(milliseconds: Int, _ body: @escaping @ControlPlane () -> Bool) {
        after(milliseconds: milliseconds) { [self] in
            if body() { every(milliseconds: milliseconds, body) }
        }
    }

    public func cancel(_ handle: Handle) {
        bodies[handle.token] = nil
        if let entry = wheelHandles.removeValue(forKey: handle.token) { wheel.cancel(entry) }
    }

    /// Fires what is due and returns how many timers that were.
    func advance() -> Int {
        var due: [UInt64] = []
        _ = wheel.advance(to: Clock.now, limit: 4096) { due.append($0) }
        for token in due {
            wheelHandles[token] = nil
            bodies.removeValue(forKey: token)?()
        }
        return due.count
    }

    var millisecondsUntilNext: Int? { wheel.millisecondsUntilNext(now: Clock.now) }
}
