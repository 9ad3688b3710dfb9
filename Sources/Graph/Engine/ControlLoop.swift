// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// Waits for what concerns the control side (punted packets, timers, watched file descriptors) and has the engine turn.
///
/// The wait needs a thread of its own: it would block one of the few that Swift's tasks share.
final class ControlLoop: Sendable {
    private struct Waits {
        var descriptors: [Int32] = []
        var milliseconds = 100
    }

    private let waits = Mutex(Waits())
    private let isStopped = Atomic(false)
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    func start(_ engine: Engine) {
        let thread = Thread(name: "martlet-control") { [self] in
            while !isStopped.load(ordering: .sequentiallyConsistent) {
                let ready = wait()
                let clock = Clock.now
                let turned = Semaphore()
                Task { @ControlPlane in
                    let (descriptors, milliseconds) = engine.turn(ready: ready, at: clock)
                    waits.withLock { $0 = Waits(descriptors: descriptors, milliseconds: milliseconds) }
                    turned.signal()
                }
                turned.wait()
            }
        }
        thread.start()
    }

    func stop() {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        var one: UInt64 = 1
        write(descriptor, &one, 8)
    }

    private func wait() -> [Int32] {
        let now = waits.withLock { $0 }
        var set = ([descriptor] + now.descriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&set, nfds_t(set.count), Int32(now.milliseconds))
        var value: UInt64 = 0
        read(descriptor, &value, 8)
        return set.dropFirst().filter { $0.revents != 0 }.map(\.fd)
    }
}

/// A detached thread with a name. (Foundation is not otherwise needed here.)
struct Thread {
    let name: String
    let body: @Sendable () -> Void

    /// Starts the thread; the handle is for joining.
    @discardableResult
    func start() -> pthread_t {
        let context = Unmanaged.passRetained(Box(self))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { raw in
                let thread = Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue().thread
                CMartletLinux_nameThisThread(thread.name)
                thread.body()
                return nil
            }, context.toOpaque())
        precondition(status == 0, "cannot start the thread \(name): \(String(cString: strerror(status)))")
        return thread
    }

    private final class Box {
        let thread: Thread
        init(_ thread: Thread) { self.thread = thread }
    }
}

/// Lets a thread wait for a task.
final class Semaphore: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t> = .allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }
    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}
