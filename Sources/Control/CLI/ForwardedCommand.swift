// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Graph

/// A verb whose words the daemon understands: everything after it, options too, is passed on.
protocol ForwardedCommand: ParsableCommand {
    static var verb: String { get }
    var words: Forwarding { get }
}

extension ForwardedCommand {
    func run() throws {
        let code = try Forwarding.send([Self.verb] + words.words)
        if code != 0 { throw ExitCode(code) }
    }

    static func forwarding(_ abstract: String, _ example: String) -> CommandConfiguration {
        let discussion =
            "Goes to the running daemon; its list: 'martlet \(verb) --help'. For instance: martlet \(example)"
        return CommandConfiguration(commandName: verb, abstract: abstract, discussion: discussion)
    }
}

/// The words of a forwarded verb, and the way to the daemon.
struct Forwarding: ParsableArguments {
    @Argument(
        parsing: .captureForPassthrough,
        help: "The daemon's words and options; --json for JSON, --socket PATH for another daemon, --help for a list.")
    var words: [String] = []

    /// Sends words to the daemon, prints its answer and returns the exit code.
    static func send(_ arguments: [String]) throws(CommandError) -> Int32 {
        var (path, words) = split(arguments)
        let ownPart = words.prefix { $0 != "--" }
        if let first = words.first, ownPart.contains("--help") || ownPart.contains("-h") {
            words = ["help", first] + ownPart.dropFirst().filter { !$0.hasPrefix("-") }
        }
        let answer = try ControlClient(path: path).command(words)
        Console.write(answer.text, toError: answer.isError && !answer.isJSON)
        return answer.exitCode
    }

    /// Takes `--socket PATH` out of the words, up to `--`.
    static func split(_ arguments: [String]) -> (path: String, words: [String]) {
        var path = SocketPath.standard
        var words: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                return (path, words + [word] + rest)
            } else if word == "--socket", let value = rest.popFirst() {
                path = value
            } else if word.hasPrefix("--socket=") {
                path = String(word.dropFirst("--socket=".count))
            } else {
                words.append(word)
            }
        }
        return (path, words)
    }
}

/// The verbs, as types; in a namespace of their own because `Set` would hide the standard library's.
enum Verb {
    struct Show: ForwardedCommand {
        static let verb = "show"
        static let configuration = forwarding("Show the daemon's state.", "show interfaces --json")
        @OptionGroup var words: Forwarding
    }

    struct Clear: ForwardedCommand {
        static let verb = "clear"
        static let configuration = forwarding("Set counters back to zero, forget what was learned.", "clear runtime")
        @OptionGroup var words: Forwarding
    }

    struct Set: ForwardedCommand {
        static let verb = "set"
        static let configuration = forwarding("Change a setting of the running daemon.", "set interface wan0 up")
        @OptionGroup var words: Forwarding
    }

    struct Route: ForwardedCommand {
        static let verb = "route"
        static let configuration = forwarding(
            "Add, remove or load routes.", "route add 10.0.0.0/8 via 192.0.2.1")
        @OptionGroup var words: Forwarding
    }

    struct Trace: ForwardedCommand {
        static let verb = "trace"
        static let configuration = forwarding(
            "Follow packets through the graph.", "trace add ip4-input 10 --filter 'icmp'")
        @OptionGroup var words: Forwarding
    }

    struct Test: ForwardedCommand {
        static let verb = "test"
        static let configuration = forwarding("Check the running daemon.", "test fib")
        @OptionGroup var words: Forwarding
    }
}
