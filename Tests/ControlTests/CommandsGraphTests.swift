// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import Control

@Suite("Commands: trace and graph")
@ControlPlane
struct CommandsGraphTests {
    @Test("show trace tells each packet's way, and why it ended")
    func trace() async throws {
        let lab = try CommandsLab()
        #expect(await lab.text("show trace").contains("'trace add NODE COUNT'"))
        #expect(await lab.text("trace add lan-rx 2") == "tracing the next 2 packets at lan-rx; see 'show trace'\n")
        lab.send(lab.udp(), lab.udp(to: 666), lab.udp())
        let lines = await lab.text("show trace").split(separator: "\n").map(String.init)
        try #require(lines.count == 12)
        #expect(lines[0].hasPrefix("Packet 1, "))
        #expect(lines[0].hasSuffix(", worker 0, from lan"))
        #expect(lines[1].hasSuffix("0.0 us  lan-rx: lan, 62 bytes"))
        #expect(lines[2].contains("us  ethernet-input: 02:00:00:00:00:aa -> 02:00:00:00:00:01, type 0x800"))
        #expect(lines[3].hasSuffix("us  guard: port 53"))
        #expect(lines[4].hasSuffix("us  ip4-input"))
        #expect(lines[5].hasSuffix("us  interface-output: interface 2, 48 bytes"))
        #expect(lines[6] == "             wan-tx")
        #expect(lines[7].hasPrefix("Packet 2, "))
        #expect(lines[10].hasSuffix("us  guard: port 666; drops it: beast"))
        #expect(lines[11].hasSuffix("us  drop: guard beast: the port is forbidden"))
        #expect(await lab.text("show trace --max 1").split(separator: "\n").count == 7)
        _ = await lab.text("clear trace")
        #expect(await lab.text("show trace").hasPrefix("no packet was traced"))
    }

    @Test("show trace as JSON")
    func traceJSON() async throws {
        let lab = try CommandsLab()
        _ = await lab.text("trace add ethernet-input 5")
        lab.send(lab.udp(to: 666))
        let packets = try #require(try await lab.json("show trace")["packets"] as? [[String: Any]])
        try #require(packets.count == 1)
        #expect(packets[0]["time"] as? Double ?? 0 > 1_600_000_000)
        let steps = try #require(packets[0]["steps"] as? [[String: Any]])
        try #require(steps.map { $0["node"] as? String } == ["ethernet-input", "guard", "drop"])
        #expect(steps[0]["arc"] as? String == "ip4")
        #expect(steps[1]["drop_reason"] as? String == "beast")
        #expect(steps[1]["arc"] == nil)
    }

    @Test("show trace --paths counts the different ways, the most common first")
    func paths() async throws {
        let lab = try CommandsLab()
        _ = await lab.text("trace add ethernet-input 100")
        lab.send(lab.udp(to: 666), lab.udp(), lab.udp(), lab.udp(station: MACAddress(2, 9, 9, 9, 9, 9)), lab.udp())
        let table = await lab.table("show trace --paths").map { $0.joined(separator: " ") }
        #expect(
            table == [
                "Packets Path", "3 ethernet-input > guard > ip4-input > interface-output > wan-tx",
                "1 ethernet-input > drop (ethernet-input not-for-us)", "1 ethernet-input > guard > drop (guard beast)",
            ])
    }

    @Test("a trace takes only what its filter matches, and refuses what is none")
    func filter() async throws {
        let lab = try CommandsLab()
        let answer = await lab.service.execute(["trace", "add", "lan-rx", "10", "--filter", "udp port 80"])
        #expect(answer.text == "tracing the next 10 packets matching 'udp port 80' at lan-rx; see 'show trace'\n")
        lab.send(lab.udp(), lab.udp(to: 80), lab.udp())
        #expect(await lab.text("show trace").contains("port 80"))
        #expect(await !lab.text("show trace").contains("port 53"))
        let broken = await lab.failure(["trace", "add", "lan-rx", "10", "--filter", "udp prot 80"])
        #expect(broken.code == 1)
        #expect(broken.text.contains("tcpdump"))
        let unknown = await lab.failure(["trace", "add", "ethernet-inptu", "10"])
        #expect(unknown.code == 3)
        #expect(unknown.text.contains("did you mean 'ethernet-input'?"))
        #expect(await lab.failure(["trace", "add", "lan-rx", "0"]).code == 1)
    }

    @Test("show graph: what leads where, from the inputs on")
    func graph() async throws {
        let lab = try CommandsLab()
        let table = await lab.table("show graph")
        #expect(table[0] == ["Node", "Kind", "Arc", "Leads", "to"])
        #expect(table[1] == ["lan-rx", "input", "ethernet", "ethernet-input"])
        #expect(table.contains(["ethernet-input", "internal", "ip4", "ip4-input"]))
        #expect(table.contains(["arp", "arp-input"]))
        #expect(table.contains(["ip4-input", "internal,", "a", "pass", "next", "interface-output"]))
        #expect(table.contains(["ip4-unicast", "1", "guard", "lan"]))
        #expect(!table.contains { $0.first == "deal" })
        #expect(await lab.table("show graph --all").contains { $0.first == "deal" })
        let node = await lab.text("show graph guard")
        #expect(node.contains("Feature on  ip4-unicast"))
        #expect(node.contains("Drops       beast"))
        #expect(await lab.text("show graph ip4-input").contains("From ethernet-input  arc ip4"))
        #expect(await lab.failure(["show", "graph", "ip4-inpt"]).code == 3)
        #expect(await lab.failure(["show", "graph", "--format", "svg"]).code == 1)
    }

    @Test("show graph --format yaml makes the same graph again")
    func yaml() async throws {
        let lab = try CommandsLab()
        let text = await lab.text("show graph --format yaml")
        let setting = try #require(try YAMLReader.read(text: text, name: "graph.yaml")["graph"])
        #expect(GraphSection.schema.validate(setting).isEmpty)
        // Without the nodes that a file would have added: the YAML brings them.
        let other = try CommandsLab.declare(addingInstances: false)
        try GraphSection(setting).apply(to: other, Registry(engine: other))
        try other.setFeature("guard", on: "ip4-unicast", interface: other.interfaces[0], true)
        let service = CommandService(StandardCommands.all(other))
        #expect(await service.execute(["show", "graph", "--format", "yaml"]).text == text)
        let reachable = { (engine: Engine) in engine.graphSnapshot().nodes.filter(\.isReachable) }
        #expect(reachable(other).map(\.name).sorted() == reachable(lab.engine).map(\.name).sorted())
        for node in reachable(lab.engine) {
            let twin = reachable(other).first { $0.name == node.name }
            #expect(twin?.arcs.map(\.node) == node.arcs.map(\.node), "\(node.name)")
            #expect(twin?.instanceOf == node.instanceOf, "\(node.name)")
        }
    }

    @Test("show graph --format dot draws nodes, arcs and features")
    func dot() async throws {
        let lab = try CommandsLab()
        let lines = await lab.text("show graph --format dot").split(separator: "\n").map(String.init)
        #expect(lines.first == "digraph martlet {")
        #expect(lines.last == "}")
        #expect(lines.contains("  \"ethernet-input\" -> \"ip4-input\" [label=\"ip4\"];"))
        #expect(lines.contains("  \"ethernet-input\" -> \"guard\" [style=dashed, label=\"ip4-unicast\"];"))
        #expect(lines.contains("  \"guard\" -> \"ip4-input\" [style=dashed, label=\"ip4-unicast\"];"))
    }

    @Test("show features")
    func features() async throws {
        let lab = try CommandsLab()
        #expect(
            await lab.table("show features") == [
                ["Feature", "arc", "Order", "Feature", "Interfaces"], ["ip4-unicast", "1", "guard", "lan"],
            ])
        let arcs = try #require(try await lab.json("show features")["feature_arcs"] as? [[String: Any]])
        #expect(arcs[0]["end"] as? String == "ip4-input")
        #expect((arcs[0]["features"] as? [[String: Any]])?[0]["interfaces"] as? [String] == ["lan"])
    }

    @Test("every command without required arguments answers, as text and as one JSON document")
    func all() async throws {
        let lab = try CommandsLab()
        lab.send(lab.udp(), lab.udp(to: 666))
        for command in StandardCommands.all(lab.engine) where !command.usage.contains("<") {
            let words = command.words.joined(separator: " ")
            #expect(await !lab.text(words).isEmpty, "\(words)")
            #expect(try await !lab.json(words).isEmpty, "\(words)")
        }
    }

    @Test("completion knows nodes, interfaces and workers")
    func completion() async throws {
        let lab = try CommandsLab()
        #expect(await lab.service.complete("trace add ethernet-").candidates.map(\.text) == ["ethernet-input"])
        #expect(await lab.service.complete("show interfaces w").candidates.map(\.text) == ["wan"])
        #expect(await lab.service.complete("show graph --format y").candidates.map(\.text) == ["yaml"])
    }
}
