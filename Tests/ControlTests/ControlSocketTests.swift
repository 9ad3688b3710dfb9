// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Glibc
import Graph
import Testing

@Suite("Control socket")
struct ControlSocketTests {
    private static func path() -> String { "/tmp/martlet-test-\(UUID().uuidString.prefix(8)).sock" }

    private static let service = CommandService([
        Command(["show", "echo"], "Says it again", [.rest("words", "What", completing: { ["alpha", "beta"] })]) {
            Notice($0.rest.joined(separator: " "))
        },
        Command(["show", "long"], "A long answer", []) { _ in Notice(String(repeating: "0123456789", count: 100_000)) },
        Command(["test", "well"], "Finds something", []) { _ in Finding() },
        Command(["clear", "nothing"], "Fails", []) { _ in throw CommandError.notFound("there is nothing to clear") },
    ])

    private struct Finding: Report {
        let body = [TextBlock.line("a crack")]
        let isGood = false
        func encode(to encoder: any Encoder) throws { try Notice("a crack").encode(to: encoder) }
    }

    /// A server on a socket of its own, while `body` runs.
    private func withServer(_ body: @escaping @Sendable (ControlClient) throws -> Void) async throws {
        let server = ControlServer(path: Self.path(), service: Self.service)
        try await server.start()
        let result = await Self.blocking { try body(ControlClient(path: server.path)) }
        await server.stop()
        try result.get()
    }

    /// Runs what blocks on a thread of its own: the server in this same process needs the few that Swift's tasks share.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async -> Result<Value, any Error> {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Result { try body() }) }
        }
    }

    @Test("a command's text, JSON, exit codes and errors come through")
    func commands() async throws {
        try await withServer { client in
            let text = try client.command(["sh", "echo", "a", "b c", "ü"])
            #expect(text.text == "a b c ü\n")
            #expect(text.exitCode == 0)
            #expect(!text.isJSON)
            let json = try client.command(["show", "echo", "x"], json: true)
            #expect(json.text == "{\n  \"message\" : \"x\"\n}\n")
            #expect(json.isJSON)
            let usage = try client.command(["show", "ehco"])
            #expect(usage.exitCode == 1)
            #expect(usage.text == "error: unknown word 'ehco' after 'show'; did you mean 'echo'?\n")
            let missing = try client.command(["clear", "nothing", "--json"])
            #expect(missing.exitCode == 3)
            #expect(missing.isJSON)
            #expect(missing.text.contains("\"code\" : \"not_found\""))
            let finding = try client.command(["test", "well"])
            #expect(finding.exitCode == 4)
            #expect(finding.text == "a crack\n")
            #expect(try client.command(["test", "well"], json: true).exitCode == 4)
            #expect(try client.command(["show", "long"]).text.utf8.count == 1_000_001)
            #expect(try client.command(["show", "version"]).text.contains(Version.current))
        }
    }

    @Test("completion and help come from the same declarations")
    func completion() async throws {
        try await withServer { client in
            let found = try client.complete("show echo a")
            #expect(found.partial == "a")
            #expect(found.candidates.map(\.text) == ["alpha"])
            #expect(try client.complete("sh").candidates.map(\.text) == ["show"])
            let help = try client.command(["help", "sh"])
            #expect(help.text.contains("show echo [words...]"))
            #expect(try client.command(["help", "zebra"]).exitCode == 3)
        }
    }

    @Test("the socket is for its owner and group")
    func mode() async throws {
        try await withServer { client in
            var status = stat()
            #expect(stat(client.path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o660)
        }
    }

    @Test("a second instance is refused, and says whom it found")
    func second() async throws {
        let server = ControlServer(path: Self.path(), service: Self.service)
        try await server.start()
        let another = ControlServer(path: server.path, service: Self.service)
        let error = await #expect(throws: CommandError.self) { try await another.start() }
        #expect(error?.message == "another martlet is listening on \(server.path) (pid \(getpid()))")
        // The first one was not disturbed.
        let answer = try await Self.blocking { try ControlClient(path: server.path).command(["show", "echo", "x"]) }
            .get()
        #expect(answer.exitCode == 0)
        await server.stop()
    }

    @Test("of two that start at once, one wins")
    func race() async throws {
        let path = Self.path()
        let servers = (0..<4).map { _ in ControlServer(path: path, service: Self.service) }
        let started = await withTaskGroup(of: Bool.self) { group in
            for server in servers {
                group.addTask {
                    do {
                        try await server.start()
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(started == 1)
        for server in servers { await server.stop() }
    }

    @Test("the socket of a dead daemon is replaced, and removed at the end")
    func stale() async throws {
        let path = Self.path()
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(file)
        let server = ControlServer(path: path, service: Self.service)
        try await server.start()
        let answer = try await Self.blocking { try ControlClient(path: path).command(["show", "echo", "x"]) }.get()
        #expect(answer.exitCode == 0)
        await server.stop()
        #expect(access(path, F_OK) != 0)
    }

    @Test("what is no socket stays where it is")
    func noSocket() async throws {
        let path = Self.path()
        try "precious".write(toFile: path, atomically: true, encoding: .utf8)
        defer { unlink(path) }
        let server = ControlServer(path: path, service: Self.service)
        let error = await #expect(throws: CommandError.self) { try await server.start() }
        #expect(error?.message.contains("is not a socket") == true)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test(
        "a socket that cannot be made or found is explained",
        arguments: ["/nonexistent/deeper/martlet.sock", "/tmp/" + String(repeating: "x", count: 200), ""])
    func impossible(path: String) async {
        let server = ControlServer(path: path, service: Self.service)
        let error = await #expect(throws: CommandError.self) { try await server.start() }
        #expect(error?.remedy.isEmpty == false)
        let refused = #expect(throws: CommandError.self) { try ControlClient(path: path).command(["show"]) }
        #expect(refused?.remedy.isEmpty == false)
    }

    @Test("where nobody can listen is said, and what to do")
    func unwritable() async {
        // A directory that is there, and takes no socket from anybody.
        let server = ControlServer(path: "/proc/self/martlet.sock", service: Self.service)
        let error = await #expect(throws: CommandError.self) { try await server.start() }
        // The kernel's reason, not that the wait for a listener ran out.
        #expect(error?.message == "/proc/self/martlet.sock cannot be listened on: No such file or directory")
        #expect(error?.remedy.contains("give --socket PATH") == true)
    }

    @Test("an unknown group is refused")
    func group() async {
        let server = ControlServer(path: Self.path(), group: "no-such-group", service: Self.service)
        let error = await #expect(throws: CommandError.self) { try await server.start() }
        #expect(error?.message == "there is no group 'no-such-group'")
        #expect(access(server.path, F_OK) != 0)
    }

    @Test("hostile bytes do the daemon no harm")
    func hostile() async throws {
        try await withServer { client in
            var random = Generator(seed: 11)
            for request in Self.hostileRequests { Self.exchange(client.path, Data(request.utf8), hangUp: true) }
            for _ in 0..<200 {
                let count = Int.random(in: 0...300, using: &random)
                Self.exchange(
                    client.path, Data((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }),
                    hangUp: true)
            }
            let answer = try client.command(["show", "echo", "alive"])
            #expect(answer.text == "alive\n")
        }
    }

    @Test(
        "requests that are HTTP and wrong get an answer that says so",
        arguments: [
            ("GET /v1/command HTTP/1.1\r\nConnection: close\r\n\r\n", "405"),
            ("GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n", "404"),
            ("POST /v1/command HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n\r\n{}x", "400"),
            ("POST /v1/command HTTP/1.1\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{\"words\": \"no\"}", "400"),
            ("POST /v1/command HTTP/1.1\r\nConnection: close\r\nContent-Length: 9999999999\r\n\r\n", "413"),
            ("POST /v1/command HTTP/1.1\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{\"words\":[]}", "400"),
        ])
    func wrong(request: String, status: String) async throws {
        try await withServer { client in
            let answer = Self.exchange(client.path, Data(request.utf8))
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
            #expect(answer.contains("\"error\"") || answer.contains("error:"))
        }
    }

    private static let hostileRequests = [
        "", "\r\n\r\n", "\n", "GET", "GET / HTTP/1.1", "GET  \r\n\r\n", "BLAH BLAH BLAH\r\n\r\n",
        "POST /v1/command HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/command HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/command HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx",
        "POST /v1/command HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7FFFFFFFFFFFFFFF\r\nx",
        "POST /v1/command HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "GET /v1/complete?line=%FF%00%GG HTTP/1.1\r\n\r\n", "GET /v1/complete?line HTTP/1.1\r\n\r\n",
        "GET /v1/complete?line=\(String(repeating: "x%20", count: 20000)) HTTP/1.1\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
        "GET /v1/version HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 5000) + "\r\n",
        "GET /v1/version HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "POST /v1/command HTTP/1.1\r\nContent-Length: 40\r\n\r\n{\"words\":[\"show\",\"echo\",\"\\u0000\\ud800\"]}",
    ]

    /// Sends bytes, says that no more will come if it is to hang up, and takes what is answered.
    @discardableResult
    private static func exchange(_ path: String, _ bytes: Data, hangUp: Bool = false) -> String {
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { return "" }
        _ = bytes.withUnsafeBytes { send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if hangUp { shutdown(file, Int32(SHUT_WR)) }
        // Who hung up may be left without an answer; anybody else gets one, however busy the machine is.
        var patience = timeval(tv_sec: hangUp ? 1 : 120, tv_usec: 0)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var answer = Data()
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = read(file, &chunk, chunk.count), count > 0 { answer.append(contentsOf: chunk[..<count]) }
        return String(decoding: answer, as: UTF8.self)
    }
}
