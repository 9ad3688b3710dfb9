// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Word of links for those who cannot wait until the control side has a moment: it may be in the middle of a million routes.
///
/// Whoever follows a device sounds it on the thread that has the news, in the order of the events. It goes ahead of
/// `Interface.isLinkUp`, which says the same afterwards and remains what the control side goes by.
public final class LinkAlarm: Sendable {
    private let listeners = Mutex<[@Sendable (InterfaceIndex, Bool, UInt64) -> Void]>([])

    init() {}

    /// Calls `body` with each change: the interface, whether its link is lost, and `Clock.now` when that was seen. Any
    /// thread; it must be short and wait for nobody.
    public func onChange(_ body: @escaping @Sendable (InterfaceIndex, _ isLost: Bool, _ clock: UInt64) -> Void) {
        listeners.withLock { $0.append(body) }
    }

    /// Says that an interface's link is lost, or there again. Any thread, for one interface always the same one.
    /// - Parameter clock: `Clock.now` when that was seen.
    public func sound(_ interface: InterfaceIndex, isLost: Bool, at clock: UInt64) {
        for listener in listeners.withLock({ $0 }) { listener(interface, isLost, clock) }
    }
}
