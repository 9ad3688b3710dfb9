// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What people get wrong in a file, and what they read then: one line per mistake, with its place and what to do.
@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        /// Line and column.
        let place: String
        let words: [String]

        var testDescription: String { words[0] }

        init(_ text: String, _ place: String, _ words: String...) {
            self.text = text
            self.place = place
            self.words = words
        }
    }

    private static let nextHop = "interfaces: {a: {type: \"null\", addresses: [10.0.0.1/24]}}\n"
    private static let nothing = "interfaces: {a: {type: \"null\"}}\n"

    static let cases = [
        Case("interfaces:\n  lan0: {type: af-xdp, adresses: []}\n", "2:24", "unknown key 'adresses'", "'addresses'?"),
        Case("interfaces:\n  lan0: {type: af-xpd}\n", "2:16", "'af-xpd' is not known", "'af-xdp'?"),
        Case("interfaces:\n\tlan0: {type: af-xdp}\n", "2:1", "cannot start any token", "not tabs"),
        Case("workers: {count: 1}\nworkers: {count: 2}\n", "1:1", "'workers' is written more than once", "keep one"),
        Case("workers: {count: 65}\n", "1:18", "65 is too large", "give 1 to 64"),
        Case("interfaces: [a, b]\n", "1:13", "a list is not a map"),
        Case("routes: [{file: nowhere.routes}]\n", "1:17", "nowhere.routes"),
        Case(nothing + "routes: [{to: default, via: 203.0.113.1}]\n", "2:29", "would lead to 203.0.113.1 by itself"),
        Case(nothing + "routes: [{to: 10.0.0.0/8, via: 203.0.113.1}]\n", "2:32", "no connected network"),
        Case(nothing + "plugins: {nothing: {required: true}}\n", "2:20", "is required", "libNothingPlugin.so"),
        Case(
            nothing + "graph: {nodes: {ip4-inptu: {arcs: {lookup: drop}}}}\n", "2:28", "no node ip4-inptu",
            "'ip4-input'?"),
        Case(nothing + "graph: {nodes: {ip4-input: {arcs: {lookup: lokup}}}}\n", "2:44", "no node lokup"),
        Case(nothing + "graph: {nodes: {ip4-input: {arcs: {lokup: drop}}}}\n", "2:36", "no arc lokup", "'lookup'?"),
        Case(
            nothing + "graph: {nodes: {lost: {kind: pass, arcs: {next: drop}}}}\n", "2:23", "no packet can reach lost"),
        Case(nothing + "graph: {nodes: {lost: {kind: pas}}}\n", "2:30", "no kind of node named pas", "'pass'?"),
        Case(
            nothing + "graph: {features: {ip4-unicats: []}}\n", "2:20", "no feature arc ip4-unicats", "'ip4-unicast'?"),
        Case(
            BadInputTests.nextHop
                + "bfd: {profiles: {fast: {multiplier: 3}}}\nfast-reroute:\n  next-hops:\n"
                + "    - {address: 10.0.0.2, bfd: fats, backup: {address: 10.0.0.3}}\n",
            "5:32", "there is no BFD profile 'fats'", "'fast'?"),
        Case(
            BadInputTests.nextHop
                + "fast-reroute: {next-hops: [{address: 10.0.0.2, bfd: fast, backup: {address: 10.0.0.3}}]}\n",
            "2:53", "there is no BFD profile 'fast'", "known: default"),
        Case(
            BadInputTests.nextHop + "bfd: {sessions: [{peer: 10.0.0.2, profile: defualt}]}\n", "2:44",
            "there is no profile 'defualt'", "'default'?"),
        Case(nothing + "graph: {features: {ip4-unicast: [acl]}}\n", "2:34", "no feature acl"),
    ]

    @Test(arguments: cases) func `a mistake has its place and its remedy`(bad: Case) throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("bad.yaml", bad.text)
        let result = Shell.run("\(Laboratory.program) check \(file)")
        #expect(result.code == 2)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(result.errors)")
        #expect(result.errors.hasPrefix("\(file):\(bad.place): "), "\(result.errors)")
        for word in bad.words { #expect(result.errors.contains(word), "\(result.errors)") }
    }

    @Test func `all mistakes of a file are reported at once`() throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("bad.yaml", "interfaces:\n  a: {type: nul}\n  b: {typ: tap}\nrouts: []\n")
        let result = Shell.run("\(Laboratory.program) check \(file)")
        #expect(result.errors.split(separator: "\n").count >= 3, "\(result.errors)")
    }

    @Test func `a file that makes itself large does not make the program large`() throws {
        let scratch = try ScratchDirectory()
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let alias = "*a\(level - 1)"
            text += "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
        }
        let file = try scratch.write("bomb.yaml", text)
        let result = Shell.run("ulimit -v 8388608; \(Laboratory.program) check \(file)")
        #expect(result.code == 2 && result.errors.contains("too many values"), "\(result)")
    }
}
