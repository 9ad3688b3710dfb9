// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Glibc
import Graph
import GraphTestSupport

extension TextFuzzer {
    private static let lines = [
        "show runtime", "show errors", "show interfaces", "show trace", "show trace --paths", "show drops --json",
        "show buffers",
        "show threads", "show memory", "show graph", "show graph --format dot", "show features", "show plugins",
        "show version",
        "show fib", "show fib 192.0.2.0/24", "show adjacency", "show neighbors", "clear runtime", "clear errors",
        "clear trace", "trace add wan0-rx 10", "trace add ip4-input 5 --filter 'udp port 53'", "help show",
        "help --json", "show runtime --worker 0", "route add 192.0.2.0/24 10.1.0.2", "route add 10.9.0.0/16 blackhole",
        "route add default 10.0.0.77 wan0", "route del 192.0.2.0/24", "route del 10.9.0.0/16", "clear neighbors",
        "clear neighbors wan0", "set interface wan0 down", "set interface wan0 up", "clear interfaces",
        "trace add ip4-lookup 9223372036854775807 --filter ip",
    ]

    /// Command lines, split at blanks, to a router with all its commands.
    static let command = TextFuzzer(
        "command",
        {
            TextMutator(
                seeds: lines.map { Array($0.utf8) }, words: lines.flatMap { $0.split(separator: " ").map(String.init) })
        }
    ) { input in
        let words = String(decoding: input, as: UTF8.self).split(separator: " ").map(String.init)
        let service = await CommandTarget.shared.service
        let answer = await service.execute(words)
        _ = await service.complete(words.joined(separator: " "))
        try await CommandTarget.shared.forward()
        if answer.exitCode != 0, answer.text.isEmpty { throw FuzzFailure("'\(words)' failed without a word") }
    }

    private static let requests = [
        "GET /v1/version HTTP/1.1\r\nHost: martlet\r\n\r\n",
        "GET /v1/complete?line=show%20in HTTP/1.1\r\nHost: martlet\r\n\r\n",
        "POST /v1/command HTTP/1.1\r\nHost: martlet\r\nContent-Length: 29\r\n\r\n{\"words\": [\"show\", \"version\"]}",
        "POST /v1/command HTTP/1.1\r\nHost: martlet\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1d\r\n{\"words\": [\"show\", \"version\"]}\r\n0\r\n\r\n",
    ]

    /// What comes through the control socket.
    static let `protocol` = TextFuzzer(
        "protocol",
        {
            let words = [
                "HTTP/1.1", "Content-Length: ", "\r\n\r\n", "%", "%00", "?line=", "/v1/", "chunked",
                "Upgrade: websocket\r\n", "Expect: 100-continue\r\n",
            ]
            return TextMutator(seeds: requests.map { Array($0.utf8) }, words: words)
        }
    ) { input in
        let path = try await ServerTarget.shared.path
        guard await blocking({ send(input, to: path) }) else { throw FuzzFailure("nobody listens any more") }
    }

    /// Runs what blocks on a thread of its own: the server in this same process needs the few that Swift's tasks share.
    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    /// Sends the bytes and reads until the server closes, or says nothing for a moment. False when it cannot be
    /// reached.
    private static func send(_ bytes: [UInt8], to path: String) -> Bool {
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, length) == 0 }
        }
        guard isConnected else { return false }
        var patience = timeval(tv_sec: 0, tv_usec: 20_000)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        _ = Glibc.send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        shutdown(file, Int32(SHUT_WR))
        var answer = [UInt8](repeating: 0, count: 4096)
        while recv(file, &answer, answer.count, 0) > 0 {}
        return true
    }
}

/// A router whose commands are tried, made once.
@ControlPlane
private final class CommandTarget {
    static let shared = CommandTarget()

    let service: CommandService
    private let router: Router

    private init() {
        do {
            let text = String(
                decoding: FuzzFiles.contents(of: "Tests/Cases/graphs", ending: "two-ports.yaml")[0].bytes, as: UTF8.self
            )
            router = try Router(YAMLReader.read(text: text, name: "two-ports.yaml"), modules: [TestPorts.self])
            try router.prepare()
        } catch {
            fatalError("\(error)")
        }
        service = CommandService(router.commands)
    }

    /// Packets through whatever the commands have made of the router.
    func forward() throws(FuzzFailure) {
        router.registry.module(TestPorts.self)?.ports.first?.receive(PacketSeeds.quietFrames)
        while router.engine.step() {}
        for port in router.registry.module(TestPorts.self)?.ports ?? [] { _ = port.takeSent() }
        if router.lostBuffers != 0 { throw FuzzFailure("\(router.lostBuffers) buffers are not back") }
    }
}

/// A control socket that is tried, made once.
private actor ServerTarget {
    static let shared = ServerTarget()
    private static let socket = "\(FuzzFiles.directory)/martlet-fuzz-\(getpid()).sock"

    private var server: ControlServer?

    var path: String {
        get async throws {
            if let server { return server.path }
            let made = ControlServer(path: ServerTarget.socket, service: CommandService([]))
            atexit { unlink(ServerTarget.socket) }
            server = made
            try await made.start()
            return made.path
        }
    }
}
