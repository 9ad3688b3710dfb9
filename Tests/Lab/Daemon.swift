// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A running martlet with a socket and files of its own.
final class Daemon {
    let socket: String
    let configuration: String
    private let scratch: ScratchDirectory
    private let child: Child

    /// Starts the program in a namespace and waits until it forwards, or has ended.
    ///
    /// - Parameters:
    ///   - text: The configuration.
    ///   - options: Further words for `martlet run`.
    init(
        _ text: String, in namespace: Namespace, options: [String] = [], socket: String? = nil, wait: Bool = true
    ) throws {
        scratch = try ScratchDirectory()
        self.socket = socket ?? "\(scratch.path)/control.sock"
        configuration = try scratch.write("router.yaml", text)
        child = namespace.start([Laboratory.program, "run", configuration, "--socket", self.socket] + options)
        if wait { #expect(waitUntilReady(), "\(child.errors)") }
    }

    var pid: pid_t { child.pid }
    var isRunning: Bool { child.isRunning }
    /// What it wrote on standard error.
    var log: String { child.errors }
    /// What it wrote on standard output: the answers to `--first` and `--last`.
    var output: String { child.output }

    /// Waits until commands are answered. False when it ended instead, or takes too long.
    func waitUntilReady(seconds: Double = 10) -> Bool {
        eventually(seconds) { !isRunning || command("show interfaces").code == 0 } && isRunning
    }

    /// Runs `martlet LINE` against this daemon.
    func command(_ line: String) -> Shell {
        Shell.run("\(Laboratory.program) \(line) --socket \(socket)")
    }

    /// The text of a command that must succeed.
    @discardableResult
    func text(_ line: String, location: SourceLocation = #_sourceLocation) -> String {
        let answer = command(line)
        #expect(answer.code == 0, "\(line): \(answer.errors)", sourceLocation: location)
        return answer.output
    }

    /// The JSON of a command that must succeed.
    func json(_ line: String, location: SourceLocation = #_sourceLocation) -> JSONValue {
        JSONValue(text(line + " --json", location: location))
    }

    func signal(_ number: Int32) { child.kill(number) }

    /// Waits for its end; nil when it does not come.
    func wait(seconds: Double = 10) -> Int32? { child.wait(seconds: seconds) }

    /// Asks it to stop and returns its exit code; nil when it does not.
    func stop() -> Int32? {
        signal(SIGTERM)
        return wait()
    }
}

/// A piece of a JSON document, for looking around in answers.
struct JSONValue {
    let value: Any?

    init(_ text: String) {
        value = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }
    private init(any value: Any?) { self.value = value }

    subscript(_ key: String) -> JSONValue { JSONValue(any: (value as? [String: Any])?[key]) }
    var list: [JSONValue] { (value as? [Any] ?? []).map { JSONValue(any: $0) } }
    var string: String? { value as? String }
    var int: Int? { (value as? NSNumber)?.intValue }
    var double: Double? { (value as? NSNumber)?.doubleValue }
}
