// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing

@Suite("Command grammar")
struct GrammarTests {
    private static func command(_ words: String, _ parameters: [Command.Parameter] = []) -> Command {
        let words = words.split(separator: " ").map(String.init)
        return Command(words, "Summary of \(words.joined(separator: " "))", parameters) { _ in Notice("done") }
    }

    private static let grammar = CommandGrammar([
        command("show runtime", [.flag("max", "Also the maximum")]),
        command("show interfaces", [.argument("name", "Only this one", completing: { ["wan0", "lan0", "wan1"] })]),
        command("show interfaces rates"),
        command("show ip fib", [.argument("prefix", "Only this one"), .option("table", "Its number")]),
        command("show ip neighbours"),
        command("show trace", [.flag("paths", "Sum them up")]),
        command(
            "set interface state",
            [.argument("name", "Which", required: true), .argument("state", "up or down", required: true)]),
        command(
            "trace add",
            [
                .argument("node", "Where", required: true), .argument("count", "How many"),
                .option("filter", "tcpdump's words"),
            ]),
        command("capture", [.rest("words", "Filter")]),
        command("clear runtime"),
    ])

    private func resolve(_ line: String) throws -> CommandGrammar.Resolved {
        try Self.grammar.resolve(CommandGrammar.Line(line).allWords)
    }

    @Test(
        "words may be cut short while they stay clear",
        arguments: [
            ("show runtime", "show runtime"), ("sh run", "show runtime"), ("sh int", "show interfaces"),
            ("sh ip n", "show ip neighbours"), ("show interfaces rates", "show interfaces rates"),
            ("cl r", "clear runtime"),
            // A word that is cut short does not win over an argument: this is the interface named "rat".
            ("sh int rat", "show interfaces"),
        ])
    func prefixes(line: String, expected: String) throws {
        #expect(try resolve(line).command.words.joined(separator: " ") == expected)
    }

    @Test("arguments, options and flags")
    func arguments() throws {
        let trace = try resolve("trace add ip4-input 10 --filter 'host 10.0.0.1 and icmp'").arguments
        #expect(trace["node"] == "ip4-input")
        #expect(try trace.integer("count", in: 1...1000) == 10)
        #expect(trace["filter"] == "host 10.0.0.1 and icmp")
        #expect(try resolve("trace add --filter=a=b x").arguments["filter"] == "a=b")
        #expect(try resolve("trace add x --fil y").arguments["filter"] == "y")
        #expect(try resolve("show trace --paths").arguments.has(flag: "paths"))
        #expect(try resolve("capture host 1.2.3.4").arguments.rest == ["host", "1.2.3.4"])
        #expect(try resolve("capture -- --json --x").arguments.rest == ["--json", "--x"])
        #expect(try resolve("show ip fib").arguments["prefix"] == nil)
        #expect(throws: CommandError.self) { try trace.integer("node", in: 1...1000) }
    }

    @Test("every command takes --json, wherever it stands before --")
    func json() throws {
        #expect(try resolve("show --json runtime").wantsJSON)
        #expect(try resolve("show runtime --json --max").wantsJSON)
        #expect(try !resolve("show runtime").wantsJSON)
        #expect(try !resolve("capture -- --json").wantsJSON)
    }

    @Test(
        "what is not understood is explained",
        arguments: [
            ("shwo runtime", "unknown word 'shwo'; did you mean 'show'?"),
            ("show runtme", "unknown word 'runtme' after 'show'; did you mean 'runtime'?"),
            ("c", "'c' is ambiguous; it may be capture or clear"),
            ("show", "'show' is not a whole command; it goes on with interfaces, ip, runtime or trace"),
            ("show runtime now", "'show runtime' takes no 'now'; usage: show runtime [--max]"),
            ("show runtime --mxa", "unknown option --mxa; did you mean 'max'?"),
            ("show runtime --max=1", "--max takes no value; usage: show runtime [--max]"),
            ("show ip fib --table", "--table wants a value; usage: show ip fib [prefix] [--table TABLE]"),
            ("trace add", "'node' is missing; usage: trace add <node> [count] [--filter FILTER]"),
            ("set interface state wan0", "'state' is missing; usage: set interface state <name> <state>"),
            ("", "there is no command; type 'help' for the list"),
        ])
    func mistakes(line: String, expected: String) {
        let error = #expect(throws: CommandError.self) { try resolve(line) }
        #expect(error?.description == expected)
        #expect(error?.exitCode == 1)
    }

    @Test(
        "completion at the cursor",
        arguments: [
            ("", ["capture", "clear", "set", "show", "trace"]),
            ("s", ["set", "show"]),
            ("sh i", ["interfaces", "ip"]),
            ("show interfaces ", ["rates", "lan0", "wan0", "wan1", "--json"]),
            ("show interfaces wan", ["wan0", "wan1"]),
            ("show interfaces wan0 ", ["--json"]),
            ("show runtime --", ["--max", "--json"]),
            ("show runtime --max ", ["--json"]),
            ("trace add ", ["<node>", "--filter", "--json"]),
            ("trace add x 1 --filter ", ["<filter>"]),
            ("trace add x 1 --filter y ", ["--json"]),
            ("nonsense ", []),
        ])
    func completion(line: String, expected: [String]) async {
        let line = CommandGrammar.Line(line)
        #expect(await Self.grammar.complete(line.words, line.partial).map(\.text) == expected)
    }

    @Test("lines are split as a shell would")
    func lines() {
        let line = CommandGrammar.Line(#"a "b c" 'd "e' f\ g  h"#)
        #expect(line.words == ["a", "b c", #"d "e"#, "f g"])
        #expect(line.partial == "h")
        #expect(CommandGrammar.Line("a \"\"").allWords == ["a", ""])
        #expect(CommandGrammar.Line("a ").allWords == ["a"])
        #expect(CommandGrammar.Line("  ").allWords == [])
    }

    @Test("no line crashes the grammar or the completion")
    func garbage() async {
        var random = Generator(seed: 3)
        let pieces = [
            "show", "sh", "interfaces", "ip", "--", "-", "--json", "--table", "--max=", "=", "x", "", "trace", "add",
            "\u{0}", "é",
        ]
        for _ in 0..<3000 {
            let words = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            _ = try? Self.grammar.resolve(words)
            _ = await Self.grammar.complete(Array(words.dropLast()), words.last ?? "")
        }
    }
}
