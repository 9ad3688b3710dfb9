// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Word of links for those who cannot wait until the control side has a moment: it may be in the middle of a million routes.
///
/// Whoever follows a device sounds it on the thread that has the news, in the order of the events. It goes ahead of
/// `Interface.isLinkUp`, which says the same afterwards and remains what the control side goes by.
public final class LinkAlarm: Sendable {
    private struct State {
        var listeners: [@Sendable (InterfaceIndex, Bool, UInt64) -> Void] = []
        /// By interface: those that have no link but its.
        var upper: [InterfaceIndex: [InterfaceIndex]] = [:]
    }

    private let state = Mutex(State())

    init() {}

    /// Calls `body` with each change: the interface, whether its link is lost, and `Clock.now` when that was seen. Any
    /// thread; it must be short and wait for nobody.
    public func onChange(_ body: @escaping @Sendable (InterfaceIndex, _ isLost: Bool, _ clock: UInt64) -> Void) {
        state.withLock { $0.listeners.append(body) }
    }

    /// From here on what is said of the interface's link is said of `upper`'s too, which stands on it: a sub-interface. Any
    /// thread.
    public func extend(_ interface: InterfaceIndex, to upper: InterfaceIndex) {
        state.withLock { $0.upper[interface, default: []].append(upper) }
    }

    /// Says that an interface's link is lost, or there again. Any thread, for one interface always the same one.
    /// - Parameter clock: `Clock.now` when that was seen.
    public func sound(_ interface: InterfaceIndex, isLost: Bool, at clock: UInt64) {
        let (listeners, upper) = state.withLock { ($0.listeners, $0.upper[interface] ?? []) }
        for concerned in [interface] + upper {
            for listener in listeners { listener(concerned, isLost, clock) }
        }
    }
}
