// SPDX-License-Identifier: Apache-2.0
import Control
import Glibc
import Graph
import Testing
import Wire

@testable import IP

/// What the operator sees and changes of routes and neighbours.
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
        #expect(
            try await run("show fib 20.9.9.9") == [
                ["main", "20.0.0.0/8", "static", "in force", "usable", "low", "\(list("20.0.0.0/8"))"],
                ["10.1.0.2 on wan", "1", "0", "", "", "", "in use"],
                ["rewrite", "10.1.0.2", "wan", "\(adjacency("20.0.0.1"))", "", "1", "100.0%", "ready", ""],
            ])
        #expect(try await run("show fib 10.0.0.0/24")[2].first == "glean")
        let all = try await run("show fib")
        #expect(all.contains(["20.0.0.0/8", "static", "rewrite", "10.1.0.2 on wan", "\(list("20.0.0.0/8"))"]))
        #expect(all.count == lab.ip.fib.main.ip4.count)
        #expect(
            try await run("show fib --limit 2").last == [
                "\(all.count - 2) more of \(all.count) prefixes; --limit shows more, a prefix or address its own"
            ])
        #expect(try await run("show fib --ipv6").count == lab.ip.fib.main.ip6.count)
        await #expect(throws: CommandError.notFound("there is no route to 99.0.0.1")) {
            try await run("show fib 99.0.0.1")
        }
        await #expect(throws: CommandError.self) { try await run("show fib nonsense") }
        await #expect(throws: CommandError.self) { try await run("show fib --vrf nowhere") }
    }

    /// What means something on one link is written with it (RFC 4007 section 11).
    @Test func showFIBOfALink() async throws {
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8::1/64")!, to: lab.wan.interface)
        let all = try await run("show fib --ipv6").map { $0[0] }
        #expect(all.contains("fe80::%wan/64") && all.contains("ff02::1%wan/128") && all.contains("fe80::/10"), "\(all)")
        #expect(try await run("show fib fe80::9%wan")[0].dropFirst().first == "fe80::%wan/64")
        let problem = CommandError.usage("fe80::9 means something on one link alone", "say on which, as in fe80::9%lan")
        await #expect(throws: problem) { try await run("show fib fe80::9") }
        await #expect(throws: CommandError.notFound("there is no interface 'wam'", "did you mean 'wan'?")) {
            try await run("show fib fe80::9%wam")
        }
    }

    private func list(_ prefix: String) -> PathListIndex {
        lab.ip.fib.main.ip4.list(of: IPv4Prefix(prefix)!, from: .static) ?? .max
    }

    private func adjacency(_ address: String) -> UInt32 { lab.ip.fib.forwarding(to: IPAddress(address)!)?.index ?? 0 }

    /// The way of a recursive route is shown to its end, and why what does not work does not.
    @Test func explainsTheChain() async throws {
        try await expectDone("route add 30.0.0.1/32 10.1.0.2 weight 3 labels 100 via 10.0.0.2 backup 10.1.0.7 dev wan")
        try await expectDone("route add 40.0.0.0/8 via 30.0.0.1 host via 10.0.0.9 preference 5 --counter")
        let rows = try await run("show fib 40.1.2.3")
        #expect(rows[0].prefix(4) == ["main", "40.0.0.0/8", "static", "in force"])
        let cover = "30.0.0.1/32, path-list \(list("30.0.0.1/32"))"
        #expect(rows[1] == ["via 30.0.0.1, host route", "1", "0", "", "", cover, "in use"])
        #expect(rows[2] == ["10.0.0.9 on lan", "1", "5", "", "", "", "waits"])
        #expect(Array(rows[3].prefix(3)) == ["path", "10.1.0.2", "wan"] && rows[3][4...6] == ["100", "24", "75.0%"])
        #expect(Array(rows[4].prefix(3)) == ["path", "10.0.0.2", "lan"] && rows[4].last == "10.1.0.7 on wan")
        #expect(rows[5].prefix(4) == ["10.1.0.2 on wan", "3", "0", "100"])
        lab.wan.interface.isLinkUp = false
        let down = try await run("show path-list \(list("30.0.0.1/32"))")
        #expect(down[0].last == "link down")
        #expect(down[2...3].contains { $0.contains("link down") })
        // A route that is there and can't be used is the reason, and is shown.
        try await expectDone("route add 30.0.0.1/32 10.1.0.2")
        let reason = try await run("show fib 40.0.0.0/8")
        let unusable = "30.0.0.1/32, path-list \(list("30.0.0.1/32"))"
        #expect(reason[1].suffix(2) == [unusable, "30.0.0.1/32 is unusable"])
        #expect(reason.contains { $0.first == "10.1.0.2 on wan" && $0.last == "link down" })
        try await expectDone("route del 30.0.0.1/32")
        #expect(try await run("show fib 40.0.0.0/8")[1].last == "no route leads to 30.0.0.1")
        await #expect(throws: CommandError.self) { try await run("show path-list 9999") }
    }

    /// What an operator asks first when a link is down: the routes that are of no use are not gone.
    @Test func explainsWhatCannotBeUsed() async throws {
        lab.wan.interface.isLinkUp = false
        let number = "\(list("20.0.0.0/8"))"
        let route = ["main", "20.0.0.0/8", "static", "out of force", "unusable", "low", number]
        let path = ["10.1.0.2 on wan", "1", "0", "", "", "", "link down"]
        #expect(try await run("show fib 20.9.9.9").prefix(2) == [route, path])
        #expect(
            try await run("show fib").last?.first?.hasSuffix("no usable route; --unusable says why") == true)
        #expect(
            try await run("show fib --unusable").contains([
                "20.0.0.0/8", "static", "next hop down", "10.1.0.2 on wan (link down)", number,
            ]))
        // Beside the shorter one that packets take instead.
        try await expectDone("route add default 10.0.0.2")
        let both = try await run("show fib 20.9.9.9")
        #expect(both[0].prefix(4) == ["main", "0.0.0.0/0", "static", "in force"] && both[1] == route)
        #expect(both.contains(path))
        // And where another VRF's table is asked.
        _ = try lab.ip.fib.makeTable(named: "red")
        try await expectDone("route add default lookup main --vrf red")
        #expect(try await run("show fib 20.9.9.9 --vrf red")[1...2].map { $0[1] } == ["0.0.0.0/0", "20.0.0.0/8"])
        lab.wan.interface.isLinkUp = true
        #expect(try await run("show fib 20.9.9.9")[0][3] == "in force")
        #expect(try await run("show fib --unusable").isEmpty)
    }

    @Test func nextHopOfAnotherVRFHasItsBackupThere() async throws {
        _ = try lab.ip.fib.makeTable(named: "red")
        try await expectDone("route add 30.0.0.0/8 via 10.1.0.2 table main backup 10.0.0.2 --vrf red")
        #expect(try await run("show fib 30.0.0.1 --vrf red")[1][4] == "10.0.0.2 on lan")
    }

    /// The answer says what holds, not what was asked for.
    @Test func setNextHop() async throws {
        #expect(try await run("set next-hop 10.1.0.2 down") == [["10.1.0.2 is out of use by command"]])
        lab.wan.interface.isLinkUp = false
        #expect(
            try await run("set next-hop 10.1.0.2 up") == [
                ["10.1.0.2 is no longer out of use by command, but out of use: link down"]
            ])
        lab.wan.interface.isLinkUp = true
        #expect(try await run("set next-hop 10.1.0.2 up") == [["10.1.0.2 is no longer out of use by command"]])
    }

    private func expectDone(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(try await run(line) == [], sourceLocation: sourceLocation)
    }

    /// A route that a better source hides is shown beneath it.
    @Test func showsHiddenRoutes() async throws {
        let prefix = IPv4Prefix("20.0.0.0/8")!
        try lab.ip.addRoute(.v4(prefix), via: .v4(IPLab.a.ip), from: .dynamic)
        #expect(
            try await run("show fib 20.0.0.0/8").prefix(2).map { $0[2] + " " + $0[3] } == [
                "static in force", "dynamic hidden",
            ])
        #expect(lab.ip.fib.main.ip4.longestMatch(IPLab.far)?.source == .static)
        lab.ip.fib.removeRoute(.v4(prefix))
        #expect(lab.ip.fib.main.ip4.longestMatch(IPLab.far)?.source == .dynamic)
    }

    @Test func routeAddAndDelete() async throws {
        try await expectDone("route add 30.0.0.0/8 10.1.0.2")
        #expect(lab.ip.fib.forwarding(to: .v4(IPv4Address(30, 0, 0, 1)))?.kind == .rewrite)
        try await expectDone("route add 30.0.0.0/8 blackhole")
        #expect(lab.ip.fib.forwarding(to: .v4(IPv4Address(30, 0, 0, 1))) == .blackhole)
        try await expectDone("route add 2001:db8::/32 via 10.1.0.2")
        #expect(lab.ip.fib.forwarding(to: IPAddress("2001:db8::1")!)?.kind == .rewrite)
        try await expectDone("route del 30.0.0.0/8")
        try await expectDone("route del 2001:db8::/32")
        #expect(lab.ip.fib.main.ip4.longestMatch(IPv4Address(30, 0, 0, 1)) == nil)
    }

    @Test func routesOfAVRF() async throws {
        _ = try lab.ip.fib.makeTable(named: "red")
        try await expectDone("route add 30.0.0.0/8 10.1.0.2 dev wan --vrf red")
        try await expectDone("route add default lookup main --vrf red")
        #expect(try await run("show fib 30.0.0.1 --vrf red")[0].prefix(2) == ["red", "30.0.0.0/8"])
        // A leak is followed.
        let leak = try await run("show fib 20.1.2.3 --vrf red")
        #expect(leak[0].prefix(2) == ["red", "0.0.0.0/0"] && leak[1].prefix(2) == ["main", "20.0.0.0/8"])
        #expect(leak.last?.prefix(3) == ["rewrite", "10.1.0.2", "wan"])
        await #expect(throws: CommandError.self) { try await run("show fib 30.0.0.1") }
        #expect(try await run("show vrf").map { Array($0.prefix(2)) } == [["main", "0"], ["red", "1"]])
        await #expect(throws: CommandError.self) { try await run("route del 30.0.0.0/8") }
        try await expectDone("route del 30.0.0.0/8 --vrf red")
    }

    @Test(arguments: [
        ("route del 30.0.0.0/8", "there is no static route to 30.0.0.0/8"),
        ("route add 30.0.0.0/8 10.7.0.1", "no connected network and no route leads to 10.7.0.1"),
        ("route add 30.0.0.1/8 10.1.0.2", "has bits set beyond its prefix length"),
        ("route add 30.0.0.0/8 10.1.0.2 nowhere", "'nowhere' is not known here"),
        ("route add 30.0.0.0/8 10.1.0.2 dev nowhere", "there is no interface 'nowhere'"),
        ("route add 30.0.0.0/8 10.1.0.2 wieght 3", "did you mean 'weight'?"),
        ("route add 30.0.0.0/8 10.1.0.2 weight", "'weight' wants a value"),
        ("route add 30.0.0.0/8 10.1.0.2 weight 0", "give 1 to 255"),
        ("route add 30.0.0.0/8 10.1.0.2 labels 1,x", "'x' is no label"),
        ("route add 30.0.0.0/8 10.1.0.2 backup 10.0.0.2 weight 3", "a backup has no 'weight'"),
        ("route add 30.0.0.0/8 10.1.0.2 backup 10.0.0.2 backup 10.0.0.3", "two backups"),
        ("route add 30.0.0.0/8 weight 3", "'weight' is not an IP address"),
        ("route add 30.0.0.0/8 blackhole 10.1.0.2", "does not belong"),
        ("route add 30.0.0.0/8 lookup nowhere", "there is no VRF 'nowhere'"),
        ("route add 30.0.0.0/8 lookup main", "has no end"),
        ("route add 30.0.0.0/8 fe80::1", "give `interface`"),
        ("route add 30.0.0.0/8 10.1.0.2 bfd", "there is no BFD"),
        ("route add 30.0.0.0/8 10.1.0.2 local-address 10.1.0.1", "goes with 'bfd'"),
        ("route add 30.0.0.0/8 10.1.0.2 bfd local-address x", "'x' is not an IP address"),
        ("route add 30.0.0.0/8 10.1.0.2 backup 10.0.0.2 bfd", "a backup has no 'bfd'"),
        ("route add 30.0.0.0/8 10.1.0.2 backup 10.1.0.2", "cannot be its own backup"),
        ("route add 30.0.0.0/8 10.1.0.2 ttl uniform", "'ttl' goes with 'labels'"),
        ("route add 30.0.0.0/8 255.255.255.255", "255.255.255.255 is not one host's address"),
        ("route load /nowhere --local-address 10.1.0.1", "cannot read the routes"),
        ("route load /nowhere", "cannot read the routes"),
    ])
    func refused(line: String, problem: String) async throws {
        do {
            _ = try await run(line)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(problem))
        }
    }

    @Test func routeLoad() async throws {
        let path = "/tmp/martlet-load-\(getpid())"
        defer { unlink(path) }
        func write(_ text: String) throws {
            let file = try #require(fopen(path, "w"))
            fputs(text, file)
            fclose(file)
        }
        try write("30.0.0.0/8 10.1.0.2\n31.0.0.0/8 1\n2001:db8::/32 10.0.0.2\n")
        let text = try await run("route load \(path) --next-hops 10.0.0.2-10.0.0.3")[0][0]
        #expect(text.hasPrefix("3 routes loaded into main in "))
        #expect(lab.ip.fib.forwarding(to: IPAddress("31.0.0.1")!)?.kind == .rewrite)
        #expect(lab.ip.fib.main.ip4.longestMatch(IPLab.far) != nil)
        try write("30.0.0.0/8 10.0.0.2\n")
        #expect(try await run("route load \(path) --replace")[0][0].hasPrefix("1 routes loaded into main, 3 removed"))
        #expect(lab.ip.fib.main.ip4.longestMatch(IPLab.far) == nil)
        #expect(lab.ip.fib.main.ip6.longestMatch(IPv6Address("2001:db8::1")!) == nil)
        // What is wrong is found before anything changes.
        try write("40.0.0.0/8 10.0.0.2\n41.0.0.0/8 10.9.9.9\n")
        await #expect(throws: CommandError.self) { try await run("route load \(path)") }
        #expect(lab.ip.fib.main.ip4.longestMatch(IPv4Address(40, 0, 0, 1)) == nil)
    }

    /// Of a file some routes are counted, or all; a packet counts on its route alone.
    @Test(arguments: [false, true])
    func countedRoutesOfAFile(all: Bool) async throws {
        let path = "/tmp/martlet-counted-\(getpid())-\(all)"
        defer { unlink(path) }
        let file = try #require(fopen(path, "w"))
        fputs("30.0.0.0/8 10.1.0.2 counter\n31.0.0.0/8 10.1.0.2\n32.0.0.0/8 10.1.0.2 counter # too\n", file)
        fclose(file)
        _ = try await run("route load \(path)\(all ? " --counter" : "")")
        for (count, first) in [(3, 30), (2, 31), (0, 32)] {
            for _ in 0..<count {
                lab.lan.send(
                    lab.fromA.ipv4(from: IPLab.a.ip, to: IPv4Address(UInt8(first), 0, 0, 1)).udp(from: 1, to: 2)
                        .payload(count: 72).bytes)
            }
        }
        lab.bench.settle()
        #expect(try await run("show fib 30.0.0.1")[0].suffix(2) == ["3", "300"])
        let second = all ? ["2", "200"] : ["low", "\(list("31.0.0.0/8"))"]
        #expect(try await run("show fib 31.0.0.0/8")[0].suffix(2) == second[...])
        #expect(try await run("show fib 32.0.0.1")[0].suffix(2) == ["0", "0"])
        #expect(list("30.0.0.0/8") != list("32.0.0.0/8"))
        // What is not counted is shared.
        #expect((list("31.0.0.0/8") == list("20.0.0.0/8")) == !all)
    }

    @Test func testFIB() async throws {
        let rows = try await run("test fib --samples 100")
        #expect(rows.last == ["differences", "0"])
        #expect(rows.contains(["further", "labels"]))
        let service = CommandService(lab.bench.registry.commands)
        #expect(await service.execute(["test", "fib", "--samples", "0"]).exitCode == 0)
        try lab.ip.fib.main.ip4.table.set(IPv4Prefix("20.0.0.0/8")!, result: Forwarding.blackhole.rawValue)
        #expect(
            try await run("test fib --samples 0").contains {
                $0[0].hasPrefix("20.0.0.0 in main: workers find blackhole") || $0[0].contains("20.0.0.0/8")
            })
        // The report comes as ever; its end tells scripts.
        let answer = await service.execute(["test", "fib", "--samples", "0"])
        #expect(answer.exitCode == 4)
        #expect(answer.text.contains("20.0.0.0/8 in main: the route says"))
        #expect(await service.execute(["test", "fib", "--json", "--samples", "0"]).exitCode == 4)
    }

    @Test func showAdjacencyAndNeighbors() async throws {
        let adjacencies = try await run("show adjacency")
        #expect(
            adjacencies.map { Array($0.prefix(7)) } == [
                ["16", "lan", "", "glean", "", "", "1500"],
                ["17", "wan", "", "glean", "", "", "1500"],
                ["18", "lan", "10.0.0.2", "ready", "02:00:00:00:00:a2", "02:00:00:00:00:01", "1500"],
                ["19", "wan", "10.1.0.2", "ready", "02:00:00:00:00:b2", "02:00:00:00:00:02", "1500"],
            ])
        #expect(try await run("show adjacency 19") == [adjacencies[3]])
        await #expect(throws: CommandError.self) { try await run("show adjacency 77") }
        let rows = try await run("show neighbors")
        #expect(rows.first == ["lan", "10.0.0.2", "02:00:00:00:00:a2", "static", "", "", "18", "0"])
        #expect(rows.last == ["announcements sent", "2"])
        #expect(try await run("clear neighbors") == [["0 neighbours forgotten"]])
    }
}
