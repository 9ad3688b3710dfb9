// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Glibc
import Graph

/// Commands one after another, with history and completion; from a pipe it reads lines and needs no terminal.
struct Shell: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Type commands to the running daemon.",
        discussion:
            "TAB completes, ? lists what may come next, ^D leaves. Lines from a pipe work too; # begins a comment.")

    @Option(help: "Where the daemon listens.")
    var socket: String = SocketPath.standard

    func run() throws {
        let client = ControlClient(path: socket)
        let greeting = try client.command(["show", "version"])
        guard Console.isInteractive else { return try runLines(client) }
        Console.write("\(greeting.text)TAB completes, ? lists what may come next, ^D leaves.\n")
        let editor = LineEditor(prompt: "martlet> ", historyFile: Shell.historyFile()) { line, wantsAll in
            Shell.help(client, line, wantsAll: wantsAll)
        }
        guard let editor else { return try runLines(client) }
        // A handler that does nothing: ^C ends the waiting for an answer, not the shell.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGINT, &action, nil)
        while let line = editor.read() {
            if line == "exit" || line == "quit" { return }
            _ = Shell.execute(client, line)
        }
        Console.write("\n")
    }

    /// The exit code is that of the last line that failed.
    private func runLines(_ client: ControlClient) throws {
        var code: Int32 = 0
        while let line = readLine() {
            if line == "exit" || line == "quit" { break }
            let result = Shell.execute(client, line)
            if result != 0 { code = result }
        }
        if code != 0 { throw ExitCode(code) }
    }

    private static func execute(_ client: ControlClient, _ line: String) -> Int32 {
        let words = CommandGrammar.Line(line).allWords
        guard let first = words.first, !first.hasPrefix("#") else { return 0 }
        do {
            let answer = try client.command(words)
            Console.write(answer.text, toError: answer.isError && !answer.isJSON)
            return answer.exitCode
        } catch {
            Console.write(Failure(error).errorText, toError: true)
            return error.exitCode
        }
    }

    /// What TAB inserts, or what TAB and `?` list.
    static func help(_ client: ControlClient, _ line: String, wantsAll: Bool) -> LineEditor.Help {
        guard let found = try? client.complete(line) else { return LineEditor.Help() }
        let words = found.candidates.filter { !$0.placeholder }.map(\.text)
        if !wantsAll, let common = commonPrefix(words) {
            let isOnly = words.count == 1
            let insertion = common.dropFirst(found.partial.count) + (isOnly && found.candidates.count == 1 ? " " : "")
            if !insertion.isEmpty { return LineEditor.Help(insertion: String(insertion)) }
        }
        let width = found.candidates.map(\.text.count).max() ?? 0
        let listing = found.candidates.map { candidate in
            "  \(candidate.text)\(String(repeating: " ", count: width - candidate.text.count))  \(candidate.doc)"
        }
        return LineEditor.Help(listing: listing)
    }

    private static func commonPrefix(_ words: [String]) -> String? {
        guard let first = words.first else { return nil }
        return words.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
    }

    /// In XDG's state directory, which is made; nil if that fails: a shell without memory is still a shell.
    private static func historyFile() -> String? {
        let home = SocketPath.environment("HOME") ?? "/tmp"
        let state = SocketPath.environment("XDG_STATE_HOME") ?? "\(home)/.local/state"
        let directory = "\(state)/martlet"
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            return nil
        }
        return "\(directory)/history"
    }
}
