// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// What the operator sees and changes of IPv4.
@Suite @ControlPlane struct CommandTests {
    let lab: IPLab

    init() throws { lab = try IPLab() }

    /// The rows of the tables in a command's answer, and the lines beside them.
    private func run(_ line: String) async throws -> [[String]] {
        let resolved = try CommandGrammar(lab.bench.registry.commands).resolve(
            line.split(separator: " ").map(String.init))
        return try await resolved.command.handler(resolved.arguments).body.flatMap { block in
            switch block {
            case .table(_, let rows): rows
            case .facts(let facts): facts.map { [$0.name, $0.value] }
            case .lines(let lines): lines.map { [$0] }
            case .heading: [[String]]()
            }
        }
    }

    @Test func showFIB() async throws {
        #expect(try await run("show fib 20.9.9.9") == [["20.0.0.0/8", "static", "rewrite", "10.1.0.2", "wan", "19"]])
        #expect(try await run("show fib 10.0.0.0/24") == [["10.0.0.0/24", "connected", "glean", "", "lan", "16"]])
        #expect(try await run("show fib").count == 13)
        #expect(
            try await run("show fib --limit 2").last == [
                "11 more of 13 prefixes; --limit shows more, a prefix or address its own"
            ])
        await #expect(throws: CommandError.notFound("there is no route to 99.0.0.1")) {
            try await run("show fib 99.0.0.1")
        }
        await #expect(throws: CommandError.self) { try await run("show fib nonsense") }
    }

    /// A route that a better source hides is shown in brackets.
    @Test func showsHiddenRoutes() async throws {
        let prefix = IPv4Prefix("20.0.0.0/8")!
        try lab.ip.addRoute(.v4(prefix), via: .v4(IPLab.a.ip), from: .dynamic)
        #expect(try await run("show fib 20.0.0.0/8").map { $0[1] } == ["static", "(dynamic)"])
        #expect(lab.ip.fib.main.ip4.longestMatch(IPLab.far)?.source == .static)
        lab.ip.fib.removeRoute(.v4(prefix))
        #expect(lab.ip.fib.main.ip4.longestMatch(IPLab.far)?.source == .dynamic)
    }

    @Test func routeAddAndDelete() async throws {
        #expect(try await run("route add 30.0.0.0/8 10.1.0.2") == [])
        #expect(lab.ip.fib.forwarding(to: .v4(IPv4Address(30, 0, 0, 1)))?.kind == .rewrite)
        #expect(try await run("route add 30.0.0.0/8 blackhole") == [])
        #expect(lab.ip.fib.forwarding(to: .v4(IPv4Address(30, 0, 0, 1))) == .blackhole)
        #expect(try await run("route del 30.0.0.0/8") == [])
        #expect(lab.ip.fib.main.ip4.longestMatch(IPv4Address(30, 0, 0, 1)) == nil)
        for wrong in [
            "route del 30.0.0.0/8", "route add 30.0.0.0/8 10.7.0.1", "route add 30.0.0.1/8 10.1.0.2",
            "route add 30.0.0.0/8 10.1.0.2 nowhere",
        ] {
            await #expect(throws: CommandError.self, "\(wrong)") { try await run(wrong) }
        }
    }

    @Test func showAdjacencyAndNeighbors() async throws {
        #expect(
            try await run("show adjacency") == [
                ["16", "lan", "", "glean", "", "", "1500", "1"],
                ["17", "wan", "", "glean", "", "", "1500", "1"],
                ["18", "lan", "10.0.0.2", "complete", "02:00:00:00:00:a2", "02:00:00:00:00:01", "1500", "2"],
                ["19", "wan", "10.1.0.2", "complete", "02:00:00:00:00:b2", "02:00:00:00:00:02", "1500", "2"],
            ])
        let rows = try await run("show neighbors")
        #expect(rows.first == ["lan", "10.0.0.2", "02:00:00:00:00:a2", "static", "", "", "18", "0"])
        #expect(rows.last == ["announcements sent", "2"])
        #expect(try await run("clear neighbors") == [["0 neighbours forgotten"]])
    }
}
