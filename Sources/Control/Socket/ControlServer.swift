// SPDX-License-Identifier: Apache-2.0
import FlyingFox
import FlyingSocks
import Foundation
import Graph

/// The daemon's face: HTTP on a Unix socket.
///
/// - `POST /v1/command` with `{"words": ["show", "runtime"], "json": false}` carries a command out. The answer is text
///   or JSON. The header `Martlet-Exit-Code` holds 0 done, 1 usage, 2 failed, 3 not found; the status (200, 400, 422 or
///   404) says the same.
/// - `GET /v1/complete?line=show%20int` says what may stand at the end of the line.
/// - `GET /v1/version` names the daemon.
///
/// It can be reached with `curl --unix-socket /run/martlet/martlet.sock http://martlet/v1/version`.
public actor ControlServer {
    static let exitCodeHeader = "Martlet-Exit-Code"
    /// A command may wait for packets; after an hour its client is gone.
    private static let longestCommand: TimeInterval = 3600
    /// A command line is short; more than this is no command.
    static let largestRequest = 1 << 20

    public nonisolated let path: String
    private let group: String?
    private let service: CommandService
    private var running: (server: HTTPServer, task: Task<Void, any Error>)?

    public init(path: String, group: String? = nil, service: CommandService) {
        self.path = path
        self.group = group
        self.service = service
    }

    /// Listens. Throws a ``CommandError`` in plain words when another daemon does, or when the socket cannot be made.
    public func start() async throws {
        let lock = await DirectoryLock(for: path)
        defer { lock.release() }
        try SocketPath.clear(path)
        let configuration = HTTPServer.Configuration(
            address: sockaddr_un.unix(path: path), timeout: ControlServer.longestCommand, logger: .disabled)
        let server = HTTPServer(config: configuration, handler: ControlAPI(service: service))
        let (outcomes, outcome) = AsyncStream.makeStream(of: (any Error)?.self)
        let task = Task {
            do {
                try await server.run()
            } catch {
                outcome.yield(error)
                throw error
            }
        }
        let listening = Task {
            do {
                try await server.waitUntilListening(timeout: 5)
                outcome.yield(nil)
            } catch {
                outcome.yield(error)
            }
        }
        // Whichever is first: a server that cannot listen is not waited for.
        for await error in outcomes {
            listening.cancel()
            guard let error else { break }
            await server.stop()
            throw SocketPath.refusal(error, path)
        }
        running = (server, task)
        do {
            try SocketPath.protect(path, group: group)
        } catch {
            await stop()
            throw error
        }
    }

    /// Closes the connections and removes the socket.
    public func stop() async {
        guard let (server, task) = running else { return }
        running = nil
        // Unlinked first: who comes now is told that nobody listens, rather than kept waiting.
        unlink(path)
        await server.stop(timeout: 1)
        task.cancel()
    }
}

/// Held while a daemon looks whether another is alive and binds: two that start at once must not both find nobody.
///
/// The lock is on the directory, so that no lock file is left behind. Where it cannot be had, the start goes on without
/// it.
private struct DirectoryLock {
    private let file: Int32

    init(for path: String) async {
        let directory = (path as NSString).deletingLastPathComponent
        file = open(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if file < 0 { return }
        // A start takes milliseconds; whoever holds it for longer than a second is not starting.
        for _ in 0..<100 {
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    func release() {
        if file >= 0 { close(file) }
    }
}
