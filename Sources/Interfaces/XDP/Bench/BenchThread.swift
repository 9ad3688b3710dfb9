// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization

/// A pinned thread that works until it is stopped. It starts in its creator's network namespace.
public final class BenchThread: Sendable {
    private let stopping = Atomic(false)
    private let ready = Atomic(false)
    private let work = Atomic<UInt64>(0)
    private let failure = Mutex<XDPError?>(nil)
    private let handle = Mutex<pthread_t?>(nil)

    /// For the thread's body to look at in every turn.
    public var shouldStop: Bool { stopping.load(ordering: .relaxed) }

    /// For the thread's body to set when what it needs is there.
    public var isReady: Bool {
        get { ready.load(ordering: .acquiring) }
        set { ready.store(newValue, ordering: .releasing) }
    }

    /// What the body has done so far, in a unit of its own: packets, turns.
    public var progress: UInt64 {
        get { work.load(ordering: .relaxed) }
        set { work.store(newValue, ordering: .relaxed) }
    }

    /// Starts `body` on a new thread, pinned to `core`.
    public init(core: Int, body: @escaping @Sendable (BenchThread) throws(XDPError) -> Void) {
        final class Start {
            let run: @Sendable () -> Void
            init(_ run: @escaping @Sendable () -> Void) { self.run = run }
        }
        let start = Start { [self] in
            _ = CMartletLinux_pinThisThread(Int32(core))
            do throws(XDPError) { try body(self) } catch { failure.withLock { $0 = error } }
            isReady = true
        }
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(result == 0, "no thread: \(text(of: result))")
        let made = thread
        handle.withLock { $0 = made }
    }

    /// Waits until the body has set `isReady`, and throws what stopped it before.
    public func waitUntilReady() throws(XDPError) {
        while !isReady { usleep(1000) }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Tells the body to stop and waits until it has.
    public func stop() {
        stopping.store(true, ordering: .relaxed)
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }
}
