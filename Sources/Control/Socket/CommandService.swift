// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Synchronization

/// Carries out command words and renders what comes of it. The socket is one face of it; tests are another.
public final class CommandService: Sendable {
    /// What a client is sent.
    public struct Answer: Sendable, Equatable {
        /// Text, or one JSON document if that was asked for; with its newline.
        public let text: String
        public let isJSON: Bool
        /// 0 done, 1 usage, 2 failed, 3 not found, 4 done and found that something is not as it should be.
        public let exitCode: Int32

        static let notGood: Int32 = 4
        /// Whether the text says why there is no report.
        var isError: Bool { exitCode != 0 && exitCode != Answer.notGood }
    }

    private let grammar: Mutex<CommandGrammar>

    public init(_ commands: [Command] = []) {
        grammar = Mutex(CommandGrammar([]))
        publish(commands)
    }

    /// Replaces the commands: when the router is ready, when a plugin came or went. `help` and `show version` are
    /// always there.
    public func publish(_ commands: [Command]) {
        let taken = Set(commands.map(\.words))
        let own = [help, version].filter { !taken.contains($0.words) }
        let new = CommandGrammar(own + commands)
        grammar.withLock { $0 = new }
    }

    public var commands: [Command] { grammar.withLock { $0 }.commands }

    /// Never throws: what went wrong is an answer too, in the form that was asked for.
    public func execute(_ words: [String], json: Bool = false) async -> Answer {
        let wantsJSON = json || CommandGrammar.wantsJSON(words)
        do {
            let found = try grammar.withLock { $0 }.resolve(words)
            let report = try await found.command.handler(found.arguments)
            let text = wantsJSON ? JSONRenderer.render(report) : TextRenderer.render(report.body)
            return Answer(text: text, isJSON: wantsJSON, exitCode: report.isGood ? 0 : Answer.notGood)
        } catch {
            let failure = Failure(error)
            let text = wantsJSON ? failure.json : failure.errorText
            return Answer(text: text, isJSON: wantsJSON, exitCode: failure.exitCode)
        }
    }

    /// What may stand at the end of a line that is being typed.
    public struct Completion: Sendable, Codable, Equatable {
        /// The unfinished word, which a candidate replaces.
        public let partial: String
        public let candidates: [Candidate]

        public struct Candidate: Sendable, Codable, Equatable {
            public let text: String
            public let doc: String
            /// Says what kind of word may stand here, and cannot be typed as it is.
            public let placeholder: Bool
        }
    }

    public func complete(_ text: String) async -> Completion {
        let line = CommandGrammar.Line(text)
        let candidates = await grammar.withLock { $0 }.complete(line.words, line.partial)
        return Completion(
            partial: line.partial,
            candidates: candidates.map { .init(text: $0.text, doc: $0.doc, placeholder: $0.isPlaceholder) })
    }

    private var version: Command {
        Command(["show", "version"], "Version of the running daemon") { _ in VersionReport(pid: getpid()) }
    }

    private var help: Command {
        Command(["help"], "The commands, or those that begin with these words", [.rest("words", "First words")]) {
            [unowned self] arguments in
            let listed = commands.filter { command in
                arguments.rest.enumerated().allSatisfy { index, word in
                    command.words.indices.contains(index) && command.words[index].hasPrefix(word)
                }
            }
            if listed.isEmpty {
                throw CommandError.notFound("no command begins with '\(arguments.rest.joined(separator: " "))'")
            }
            return HelpReport(listed)
        }
    }
}

/// The commands with their parameters.
struct HelpReport: Report {
    struct Entry: Encodable, Sendable {
        let usage: String
        let summary: String
        let parameters: [Parameter]
    }

    struct Parameter: Encodable, Sendable {
        let usage: String
        let doc: String
    }

    let commands: [Entry]

    init(_ commands: [Command]) {
        self.commands = commands.map { command in
            let parameters = command.parameters.map { Parameter(usage: $0.usage, doc: $0.doc) }
            return Entry(usage: command.usage, summary: command.summary, parameters: parameters)
        }
    }

    /// A single command with everything about it, several as a list.
    var body: [TextBlock] {
        guard commands.count == 1, let only = commands.first, !only.parameters.isEmpty else {
            return [.facts(commands.map { .init($0.usage, $0.summary) })]
        }
        return [
            .lines([only.usage, only.summary, ""]),
            .facts(only.parameters.map { .init("  \($0.usage)", $0.doc) }),
        ]
    }
}
