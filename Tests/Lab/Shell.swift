// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A command line and what came of it.
struct Shell {
    let command: String
    let code: Int32
    let output: String
    let errors: String

    /// Runs a line of sh and waits for its end, which `timeout` brings about after some seconds at the latest.
    @discardableResult
    static func run(_ command: String, seconds: Int = 30) -> Shell {
        let child = Child(["timeout", "\(seconds)", "sh", "-c", command])
        let code = child.wait()
        return Shell(command: command, code: code, output: child.output, errors: child.errors)
    }
}

/// A process whose output is kept in files: nobody has to read along.
final class Child {
    private let process = Process()
    private let directory: ScratchDirectory
    private var outputPath: String { directory.path + "/out" }
    private var errorPath: String { directory.path + "/err" }

    init(_ words: [String], environment: [String: String] = [:]) {
        do {
            directory = try ScratchDirectory()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = words
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try Self.file(directory.path + "/out")
            process.standardError = try Self.file(directory.path + "/err")
            try process.run()
        } catch {
            fatalError("cannot run \(words.joined(separator: " ")): \(error)")
        }
    }

    deinit {
        guard process.isRunning else { return }
        kill(SIGKILL)
        process.waitUntilExit()
    }

    private static func file(_ path: String) throws -> FileHandle {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    var pid: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }

    func kill(_ signal: Int32) { Foundation.kill(pid, signal) }

    /// Waits for the end and returns the exit code; a signal's number plus 128 where one ended it.
    @discardableResult
    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Waits for the end, but not longer than that; nil when it still runs.
    func wait(seconds: Double) -> Int32? { eventually(seconds) { !isRunning } ? wait() : nil }
}

/// Asks again and again until the answer is yes. False when it was not within that time.
@discardableResult
func eventually(_ seconds: Double = 10, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    repeat {
        if try condition() { return true }
        usleep(10_000)
    } while Date() < end
    return try condition()
}
