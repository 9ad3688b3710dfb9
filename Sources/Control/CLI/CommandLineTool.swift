// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import Graph

/// The executable `martlet`.
///
/// `run`, `check`, `schema`, `bench` and `shell` are its own; the verbs (`show`, `clear`, ...) go to the daemon as they
/// are, so that a plugin's commands need nothing here.
public struct CommandLineTool: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A forwarding pipeline for Linux in userspace: packets through a graph of nodes.",
        discussion: """
            Exit codes: 0 done, 1 usage, 2 failed, 3 not found.
            Words may be cut short: 'martlet sh int' is 'martlet show interfaces'.
            """,
        version: "martlet \(Version.current)",
        subcommands: subcommands)

    /// What the first word may be. The verbs that the daemon carries out come last.
    static let subcommands: [any ParsableCommand.Type] =
        [Run.self, Check.self, SchemaCommand.self, Bench.self, Shell.self, Monitor.self, PrintVersion.self] + verbs

    static let verbs: [any ForwardedCommand.Type] = [
        Verb.Show.self, Verb.Clear.self, Verb.Set.self, Verb.Route.self, Verb.Trace.self, Verb.Test.self,
    ]

    public init() {}

    /// Runs what the process was started with, and ends it with the exit code.
    public static func main(_ arguments: [String]) async -> Never {
        Glibc.exit(await run(arguments))
    }

    static func run(_ arguments: [String]) async -> Int32 {
        do {
            if let words = try abbreviation(arguments) { return try Forwarding.send(words) }
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let exit as ExitCode {
            return exit.rawValue
        } catch {
            return report(error, json: CommandGrammar.wantsJSON(arguments))
        }
    }

    /// A first word that is none of ours goes to the daemon, which knows abbreviations and the plugins' verbs. Without
    /// a daemon it is a slip of the pen.
    private static func abbreviation(_ arguments: [String]) throws(CommandError) -> [String]? {
        guard let first = arguments.first, !first.hasPrefix("-"), first != "help" else { return nil }
        let own = subcommands.map { $0._commandName }
        if own.contains(first) { return nil }
        guard let file = try? SocketPath.connect(Forwarding.split(arguments).path) else {
            throw .usage("'\(first)' is no command", Spelling.hint(for: first, among: own))
        }
        close(file)
        return arguments
    }

    private static func report(_ error: any Error, json: Bool) -> Int32 {
        switch error {
        case is CommandError, is ConfigurationError, is ConfigurationErrors, is Failure:
            let failure = Failure(error)
            Console.write(json ? failure.json : failure.errorText, toError: !json)
            return failure.exitCode
        default:
            let message = fullMessage(for: error)
            // Help and version that were asked for are no errors.
            if exitCode(for: error).isSuccess {
                Console.write(message + "\n")
                return 0
            }
            Console.write(json ? Failure(CommandError.usage(message)).json : message + "\n", toError: !json)
            return 1
        }
    }
}

struct PrintVersion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version of this program.")

    func run() {
        Console.write("martlet \(Version.current)\n")
    }
}
