// SPDX-License-Identifier: Apache-2.0
import FlyingFox
import Foundation
import Glibc
import Graph

/// The requests that ``ControlServer`` answers. Whatever comes in, the answer is a response, never a trap.
struct ControlAPI: HTTPHandler {
    private struct Request: Decodable {
        let words: [String]
        let json: Bool?
    }

    let service: CommandService

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        switch (request.method, request.path) {
        case (.POST, "/v1/command"): await command(request)
        case (.GET, "/v1/complete"): await complete(request)
        case (.GET, "/v1/version"): json(JSONRenderer.render(VersionReport(pid: getpid())))
        case (_, "/v1/command"), (_, "/v1/complete"), (_, "/v1/version"):
            refuse(.methodNotAllowed, "\(request.method.rawValue) is not for \(request.path)")
        default:
            refuse(.notFound, "there is no \(request.path)", "POST /v1/command, GET /v1/complete or GET /v1/version")
        }
    }

    private func command(_ request: HTTPRequest) async -> HTTPResponse {
        guard let body = await body(of: request) else {
            return refuse(.payloadTooLarge, "the request is larger than \(ControlServer.largestRequest) bytes")
        }
        guard let asked = try? JSONDecoder().decode(Request.self, from: body) else {
            return refuse(
                .badRequest, "the request is not understood", #"send {"words": ["show", "runtime"], "json": true}"#)
        }
        let answer = await service.execute(asked.words, json: asked.json ?? false)
        return response(answer)
    }

    private func complete(_ request: HTTPRequest) async -> HTTPResponse {
        let line = request.query.first { $0.name == "line" }?.value ?? ""
        return json(JSONRenderer.render(await service.complete(line)))
    }

    /// nil when there is more than a command line can be.
    private func body(of request: HTTPRequest) async -> Data? {
        if let count = request.bodySequence.count, count > ControlServer.largestRequest { return nil }
        var body = Data()
        do {
            for try await part in request.bodySequence {
                body.append(part)
                if body.count > ControlServer.largestRequest { return nil }
            }
        } catch {
            return Data()
        }
        return body
    }

    private func response(_ answer: CommandService.Answer) -> HTTPResponse {
        let status: HTTPStatusCode =
            switch answer.exitCode {
            case 0, CommandService.Answer.notGood: .ok
            case 1: .badRequest
            case 3: .notFound
            default: .unprocessableContent
            }
        return response(status, answer.text, isJSON: answer.isJSON, exitCode: answer.exitCode)
    }

    private func json(_ text: String) -> HTTPResponse { response(.ok, text, isJSON: true, exitCode: 0) }

    private func refuse(_ status: HTTPStatusCode, _ message: String, _ remedy: String = "") -> HTTPResponse {
        let failure = Failure(CommandError.usage(message, remedy))
        var refusal = response(status, failure.json, isJSON: true, exitCode: failure.exitCode)
        // What is left of a request that was not read must not pass for the next one.
        refusal.headers[.connection] = "close"
        return refusal
    }

    private func response(_ status: HTTPStatusCode, _ text: String, isJSON: Bool, exitCode: Int32) -> HTTPResponse {
        let type = isJSON ? "application/json" : "text/plain; charset=utf-8"
        let headers: HTTPHeaders = [
            .contentType: type, HTTPHeader(ControlServer.exitCodeHeader): "\(exitCode)",
        ]
        return HTTPResponse(statusCode: status, headers: headers, body: Data(text.utf8))
    }
}
