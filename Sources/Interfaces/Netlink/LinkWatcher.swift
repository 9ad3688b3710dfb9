// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization

/// Follows the devices of a network namespace on a thread of its own.
///
/// The loss of a link is told at once, before anything else is done; what has changed in full is for the control side,
/// which takes it from `take` in its own time. Both see the same events in the same order, as one socket brings them.
final class LinkWatcher: Sendable {
    /// What happened, and `Clock.now` when the kernel's news were there.
    typealias Event = (change: LinkMonitor.Change, clock: UInt64)

    private struct State {
        var events: [Event] = []
        var failure: XDPError?
        /// Of each device that is followed, the interfaces that stand on it.
        var interfaces: [String: [InterfaceIndex]] = [:]
    }

    private let state = Mutex(State())
    private let listener = Mutex<Listener?>(nil)
    /// Readable when there are events to take.
    let descriptor = CMartletLinux_eventDescriptor()

    /// Begins to follow the devices of the calling thread's network namespace.
    init(_ alarm: LinkAlarm) throws(XDPError) {
        let follower = Follower(try LinkMonitor())
        let thread = Listener("martlet-links", on: follower.monitor.fileDescriptor) { [weak self] clock in
            self?.read(follower, alarm, clock)
        }
        listener.withLock { $0 = thread }
    }

    deinit { close(descriptor) }

    /// Ends the thread.
    func stop() { listener.withLock { $0.take() }?.stop() }

    /// From here on the interface is told of when the device loses its link.
    func follow(_ device: String, for interface: InterfaceIndex) {
        state.withLock { $0.interfaces[device, default: []].append(interface) }
    }

    /// The events since the last call, oldest first.
    /// - Throws: When the devices can be followed no longer.
    func take() throws(XDPError) -> [Event] {
        var count: UInt64 = 0
        Glibc.read(descriptor, &count, 8)
        let (events, failure) = state.withLock { state in
            defer { (state.events, state.failure) = ([], nil) }
            return (state.events, state.failure)
        }
        if let failure { throw failure }
        return events
    }

    // MARK: - The thread

    /// What only the thread uses once it runs.
    private final class Follower: @unchecked Sendable {
        let monitor: LinkMonitor
        /// The device that has the name at the moment: one that goes after its successor came is nobody's loss.
        var present: [String: Int32] = [:]

        init(_ monitor: LinkMonitor) { self.monitor = monitor }
    }

    private func read(_ follower: Follower, _ alarm: LinkAlarm, _ clock: UInt64) {
        let devices = state.withLock { $0.interfaces }
        func sound(_ link: Link, isLost: Bool) {
            for interface in devices[link.name] ?? [] { alarm.sound(interface, isLost: isLost, at: clock) }
        }
        var events: [Event] = []
        var failure: XDPError?
        do throws(XDPError) {
            try follower.monitor.read { link in
                follower.present[link.name] = link.index
                sound(link, isLost: !link.isRunning)
            } _: { change in
                if case .gone(let link) = change, follower.present[link.name] == link.index {
                    follower.present[link.name] = nil
                    sound(link, isLost: true)
                }
                events.append((change, clock))
            }
        } catch {
            failure = error
        }
        state.withLock {
            $0.events += events
            $0.failure = failure
        }
        var one: UInt64 = 1
        write(descriptor, &one, 8)
    }
}
