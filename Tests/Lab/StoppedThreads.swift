// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Some threads of another process that stand still, the others go on: signals stop all of them, so this traces them.
final class StoppedThreads {
    struct Failure: Error {
        let what: String
        let reason = String(cString: strerror(errno))
    }

    private(set) var count = 0
    private let mayGoOn = DispatchSemaphore(value: 0)
    private let isOver = DispatchSemaphore(value: 0)

    /// Stops the threads of a process whose names `isWanted` takes.
    init(of process: pid_t, where isWanted: @escaping @Sendable (String) -> Bool) throws {
        let threads = try StoppedThreads.threads(of: process).filter { isWanted($0.name) }.map(\.number)
        // Who began to trace a thread must end it: one thread does all.
        let isStopped = DispatchSemaphore(value: 0)
        let (mayGoOn, isOver) = (mayGoOn, isOver)
        let result = Box()
        Thread.detachNewThread {
            result.stopped = threads.filter(StoppedThreads.stop)
            isStopped.signal()
            mayGoOn.wait()
            for thread in result.stopped { _ = StoppedThreads.trace(Request.detach, thread) }
            isOver.signal()
        }
        isStopped.wait()
        count = result.stopped.count
        guard count == threads.count, count > 0 else {
            resume()
            throw Failure(what: "stop the threads of \(process)")
        }
    }

    /// Lets them go on, once.
    func resume() {
        mayGoOn.signal()
        isOver.wait()
    }

    private final class Box: @unchecked Sendable {
        var stopped: [pid_t] = []
    }

    private static func threads(of process: pid_t) throws -> [(number: pid_t, name: String)] {
        let path = "/proc/\(process)/task"
        return try FileManager.default.contentsOfDirectory(atPath: path).compactMap { entry in
            guard let number = pid_t(entry),
                let name = try? String(contentsOfFile: "\(path)/\(entry)/comm", encoding: .utf8)
            else { return nil }
            return (number, name.trimmingCharacters(in: .newlines))
        }
    }

    private enum Request {
        static let detach = 17
        static let seize = 0x4206
        static let interrupt = 0x4207
    }

    private static func stop(_ thread: pid_t) -> Bool {
        guard trace(Request.seize, thread) == 0, trace(Request.interrupt, thread) == 0 else { return false }
        let allThreads: Int32 = 0x4000_0000  // __WALL
        var status: Int32 = 0
        return waitpid(thread, &status, allThreads) == thread
    }

    /// ptrace is variadic, which Swift does not call; its arguments are words all the same.
    private static func trace(_ request: Int, _ thread: pid_t) -> Int {
        typealias Trace = @convention(c) (Int, Int, Int, Int) -> Int
        guard let symbol = dlsym(nil, "ptrace") else { return -1 }
        return unsafeBitCast(symbol, to: Trace.self)(request, Int(thread), 0, 0)
    }
}
