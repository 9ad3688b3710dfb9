// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Graph

/// Another process of this program, for one run: each starts with fresh memory, and what the kernel holds for it goes
/// with it. It inherits the calling thread's network namespace, and ends when its standard input does, so that none
/// outlives its parent.
///
/// (Foundation's Process is no choice: it opens sockets, which fail in a fresh network namespace.)
final class BenchChild {
    private var process: pid_t = 0
    private var input: Int32
    private let output: Int32
    /// What has come and was not asked for yet.
    private var buffer: [UInt8] = []

    /// - Parameter arguments: What follows `martlet bench`.
    init(_ arguments: [String]) throws(CommandError) {
        let toChild = try BenchChild.pipe()
        let fromChild = try BenchChild.pipe()
        input = toChild.write
        output = fromChild.read
        defer {
            close(toChild.read)
            close(fromChild.write)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.read, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fromChild.write, STDOUT_FILENO)
        var words = (["martlet", "bench"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, environ)
        guard code == 0 else { throw .failed("cannot start a process for a run: \(String(cString: strerror(code)))") }
    }

    deinit {
        finish()
        close(output)
    }

    /// Both ends vanish when a process becomes another one: a child must not hold its own input open.
    private static func pipe() throws(CommandError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw .failed("cannot make a pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// The next line of its output without its end; nil when it has closed it.
    func readLine() -> String? {
        let end = UInt8(ascii: "\n")
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !buffer.contains(end) {
            let count = read(output, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return nil }
            buffer += chunk[..<count]
        }
        let line = buffer.prefix { $0 != end }
        buffer.removeFirst(line.count + 1)
        return String(decoding: line, as: UTF8.self)
    }

    /// Ends it and waits until it is gone; returns the last line of its output. A second call does nothing.
    @discardableResult
    func finish() -> String? {
        guard process > 0 else { return nil }
        close(input)
        var last: String?
        while let line = readLine() { last = line }
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
        process = 0
        return last
    }

    /// In the child: calls `body` when the parent closes its end, or is no more.
    static func whenParentEnds(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { return body() }
            }
        }
        thread.start()
    }
}

/// How a run's process answers: one of the two, as a line of JSON.
struct BenchAnswer: Codable {
    var run: BenchRun?
    var failure: String?

    init(run: BenchRun) { self.run = run }
    init(failure: String) { self.failure = failure }

    func write() {
        let data = (try? JSONEncoder().encode(self)) ?? Data()
        Console.write(String(decoding: data, as: UTF8.self) + "\n")
    }

    /// The run that the process of the case `name` told of.
    static func read(_ line: String?, of name: String) throws(CommandError) -> BenchRun {
        let answer = try? JSONDecoder().decode(BenchAnswer.self, from: Data((line ?? "").utf8))
        if let run = answer?.run { return run }
        throw .failed("case \(name): \(answer?.failure ?? "the process of the run ended without an answer")")
    }
}
