// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// A thread of its own for a descriptor whose news cannot wait until the control side has a moment.
///
/// It starts in its creator's network namespace, on no core in particular.
public final class Listener: Sendable {
    private let isStopped = Atomic(false)
    private let wakeDescriptor = CMartletLinux_eventDescriptor()
    private let handle = Mutex<pthread_t?>(nil)

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - name: The thread's, 15 bytes at most.
    ///   - body: Called on the thread each time the descriptor is readable, with `Clock.now` when it was found to be.
    public init(_ name: String, on descriptor: Int32, _ body: @escaping @Sendable (UInt64) -> Void) {
        let thread = Thread(name: name) { [self] in
            while !isStopped.load(ordering: .sequentiallyConsistent) {
                var set = [descriptor, wakeDescriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                poll(&set, nfds_t(set.count), -1)
                if set[0].revents != 0 { body(Clock.now) }
            }
        }
        handle.withLock { $0 = thread.start() }
    }

    /// Ends the thread; when this returns, `body` is not called any more. Not from `body`.
    public func stop() {
        guard let thread = handle.withLock({ $0.take() }) else { return }
        isStopped.store(true, ordering: .sequentiallyConsistent)
        var one: UInt64 = 1
        write(wakeDescriptor, &one, 8)
        pthread_join(thread, nil)
    }

    /// The thread holds this until `stop`.
    deinit { close(wakeDescriptor) }
}
