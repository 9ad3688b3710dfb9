// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph

/// Talks to a daemon over its socket; blocks the calling thread, which the command line can afford.
///
/// One connection a request: `Connection: close` makes the end of the answer the end of the stream.
public struct ControlClient: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    private struct Request: Encodable {
        let words: [String]
        let json: Bool
    }

    /// Carries a command out on the daemon. Throws only when the daemon cannot be talked to.
    public func command(_ words: [String], json: Bool = false) throws(CommandError) -> CommandService.Answer {
        guard let body = try? JSONEncoder().encode(Request(words: words, json: json)) else {
            throw .usage("the command cannot be sent", "give words of plain text")
        }
        let response = try exchange("POST /v1/command", body)
        guard let exitCode = response.headers[ControlServer.exitCodeHeader.lowercased()].flatMap({ Int32($0) }) else {
            throw .failed("what listens on \(path) is no martlet", "give --socket PATH")
        }
        let isJSON = response.headers["content-type"] == "application/json"
        return CommandService.Answer(text: response.body, isJSON: isJSON, exitCode: exitCode)
    }

    /// What may stand at the end of `line`.
    public func complete(_ line: String) throws(CommandError) -> CommandService.Completion {
        let query = line.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let response = try exchange("GET /v1/complete?line=\(query)", Data())
        guard let found = try? JSONDecoder().decode(CommandService.Completion.self, from: Data(response.body.utf8))
        else {
            throw .failed("what listens on \(path) is no martlet", "give --socket PATH")
        }
        return found
    }

    private struct Response {
        let headers: [String: String]
        let body: String
    }

    private func exchange(_ request: String, _ body: Data) throws(CommandError) -> Response {
        let file = try SocketPath.connect(path)
        defer { close(file) }
        var message = Data("\(request) HTTP/1.1\r\nHost: martlet\r\nConnection: close\r\n".utf8)
        message += Data("Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
        guard ControlClient.send(message, to: file), let bytes = ControlClient.receive(from: file) else {
            if errno == EINTR { throw .failed("interrupted", "the daemon may still be at it") }
            throw .failed(
                "the connection to \(path) broke: \(SocketPath.reason(errno))", "is the daemon still running?")
        }
        guard let response = ControlClient.parse(bytes) else {
            throw .failed("the daemon on \(path) went away before it answered", "look at its log")
        }
        return response
    }

    /// Header lines up to the empty one, then the body; nil if less came than the headers promise.
    private static func parse(_ bytes: Data) -> Response? {
        guard let end = bytes.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        var headers: [String: String] = [:]
        for line in String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let body = bytes[end.upperBound...]
        if let length = headers["content-length"].flatMap({ Int($0) }), body.count < length { return nil }
        return Response(headers: headers, body: String(decoding: body, as: UTF8.self))
    }

    private static func send(_ data: Data, to file: Int32) -> Bool {
        var rest = data[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func receive(from file: Int32) -> Data? {
        var data = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &chunk, chunk.count)
            // EINTR too: the only handler that a client has is the shell's for ^C.
            if count < 0 { return nil }
            if count == 0 { return data }
            data.append(contentsOf: chunk[..<count])
        }
    }
}
