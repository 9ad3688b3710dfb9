// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Synchronization
import Testing
import Wire

@Suite("Commands: counters")
@ControlPlane
struct CommandsCounterTests {
    @Test("show runtime: VPP's columns, sorted by name, nodes that never ran left out")
    func runtime() async throws {
        let lab = try CommandsLab()
        lab.send(lab.udp(), lab.udp(), lab.udp(to: 666))
        let table = await lab.table("show runtime")
        #expect(table[0].prefix(3) == ["Thread", "worker", "0,"])
        let header = try #require(table.firstIndex { $0.first == "Name" })
        #expect(table[header] == ["Name", "State", "Calls", "Vectors", "Suspends", "Clocks", "Vectors/Call", "Share"])
        let names = table[(header + 1)...].map { $0[0] }
        #expect(names == ["drop", "ethernet-input", "guard", "interface-output", "ip4-input", "lan-rx", "wan-tx"])
        let guardRow = try #require(table.first { $0.first == "guard" })
        #expect(guardRow[1...4] == ["active", "1", "3", "0"])
        #expect(guardRow[6] == "3.00")
        #expect(await lab.text("show runtime --all").contains("arp-input"))
    }

    @Test("show runtime: the same as JSON; shares of clocks sum to one")
    func runtimeJSON() async throws {
        let lab = try CommandsLab(workers: 2)
        lab.send(lab.udp(), lab.udp())
        let threads = try #require(try await lab.json("show runtime")["threads"] as? [[String: Any]])
        #expect(threads.map { $0["worker"] as? Int } == [0, 1])
        let nodes = try #require(threads[0]["nodes"] as? [[String: Any]])
        let input = try #require(nodes.first { $0["name"] as? String == "ethernet-input" })
        #expect(input["vectors"] as? Int == 2)
        #expect(input["vectors_per_call"] as? Double == 2)
        #expect(input["clocks"] as? Double ?? 0 > 0)
        let shares = nodes.reduce(0) { $0 + ($1["clock_share"] as? Double ?? 0) }
        #expect(abs(shares - 1) < 1e-6)
        #expect(try await lab.json("show runtime")["hardware_counters"] as? String == "off")
        let one = try #require(try await lab.json("show runtime --worker 1")["threads"] as? [[String: Any]])
        #expect(one.map { $0["name"] as? String } == ["worker 1"])
        let wrong = await lab.failure(["show", "runtime", "--worker", "2"])
        #expect(wrong.code == 1)
        #expect(wrong.text.contains("0 to 1"))
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    @Test("show runtime --over: only what happened in that time")
    func over() async throws {
        let lab = try CommandsLab()
        lab.send(lab.udp())
        let quiet = try #require(try await lab.json("show runtime --over 5ms --all")["threads"] as? [[String: Any]])
        let nodes = try #require(quiet[0]["nodes"] as? [[String: Any]])
        #expect(nodes.allSatisfy { $0["vectors"] as? Int == 0 })
        // Packets keep coming until the answer is there: when exactly the time began and ended does not matter.
        let answered = Flag()
        let measured = Task { @ControlPlane in
            defer { answered.isSet.store(true, ordering: .sequentiallyConsistent) }
            return await lab.text("show runtime --over 100ms --json")
        }
        var sent = 0
        while !answered.isSet.load(ordering: .sequentiallyConsistent) {
            lab.send(lab.udp(), lab.udp())
            sent += 2
            try await Task.sleep(for: .milliseconds(1))
        }
        let threads = try #require(try CommandsLab.json(await measured.value)["threads"] as? [[String: Any]])
        let input = try #require((threads[0]["nodes"] as? [[String: Any]])?.first { $0["name"] as? String == "lan-rx" })
        #expect((2...sent).contains(try #require(input["vectors"] as? Int)))
        #expect(await lab.failure(["show", "runtime", "--over", "5"]).code == 1)
        #expect(await lab.failure(["show", "runtime", "--over", "2h"]).code == 1)
    }

    @Test("clear runtime")
    func clear() async throws {
        let lab = try CommandsLab()
        lab.send(lab.udp())
        _ = await lab.text("clear runtime")
        #expect(await !lab.text("show runtime").contains("ethernet-input"))
        lab.send(lab.udp())
        #expect(await lab.text("show runtime").contains("ethernet-input"))
    }

    @Test("with threads: states, load and loops are told")
    func running() async throws {
        let lab = try CommandsLab()
        lab.engine.start()
        defer { lab.engine.stop() }
        let threads = try #require(try await lab.json("show threads")["threads"] as? [[String: Any]])
        #expect(["polling", "asleep"].contains(threads[0]["state"] as? String))
        _ = await lab.text("trace add ethernet-input 1")
        #expect(lab.engine.inject(lab.udp().bytes, at: "ethernet-input", rxInterface: 1, txInterface: 2))
        var paths = ""
        for _ in 0..<5000 where !paths.contains("wan-tx") && !paths.contains("interface-output") {
            paths = await lab.text("show trace --paths")
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(paths.contains("ethernet-input > guard > ip4-input > interface-output"))
        #expect(await lab.text("show runtime").contains("Thread worker 0"))
    }

    @Test("show errors: count, node, reason and meaning, summed over the workers")
    func errors() async throws {
        let lab = try CommandsLab(workers: 2)
        #expect(await lab.text("show errors") == "no packet was dropped\n")
        lab.send(lab.udp(to: 666), lab.udp(station: MACAddress(2, 9, 9, 9, 9, 9)), lab.udp(to: 666))
        let table = await lab.table("show errors")
        #expect(table[0] == ["Count", "Node", "Reason", "Meaning"])
        #expect(
            table[1...].map { Array($0.prefix(3)) } == [
                ["1", "ethernet-input", "not-for-us"], ["2", "guard", "beast"],
            ])
        let errors = try #require(try await lab.json("show errors")["errors"] as? [[String: Any]])
        try #require(errors.map { $0["count"] as? Int } == [1, 2])
        #expect(errors[1]["text"] as? String == "the port is forbidden")
        #expect(await lab.text("show errors --worker 1") == "no packet was dropped\n")
        _ = await lab.text("clear errors")
        #expect(await lab.text("show errors") == "no packet was dropped\n")
    }

    @Test("show drops: the last packets in words, the newest first")
    func drops() async throws {
        let lab = try CommandsLab()
        #expect(await lab.text("show drops") == "no packet was dropped\n")
        lab.send(lab.udp(to: 666, count: 1000))
        lab.send(lab.udp(station: MACAddress(2, 9, 9, 9, 9, 9)))
        let drops = try #require(try await lab.json("show drops")["drops"] as? [[String: Any]])
        try #require(drops.map { $0["reason"] as? String } == ["not-for-us", "beast"])
        #expect(drops[1]["length_bytes"] as? Int == 1042)
        #expect(drops[1]["interface"] as? String == "lan")
        let packet = try #require(drops[1]["packet"] as? String)
        #expect(packet.hasSuffix("IPv4 192.0.2.1 > 198.51.100.7 UDP 4000 > 666"))
        #expect(drops.allSatisfy { $0["age_seconds"] as? Double ?? -1 >= 0 })
        let short = await lab.table("show drops 1")
        #expect(short.count == 2)
        #expect(short[0] == ["Ago", "Interface", "Node", "Reason", "Bytes", "Packet"])
        #expect(await lab.failure(["show", "drops", "none"]).code == 1)
    }

    @Test("show interfaces: state and counters, all of one or some of all")
    func interfaces() async throws {
        let lab = try CommandsLab()
        lab.send(lab.udp(), lab.udp(to: 666))
        let table = await lab.table("show interfaces")
        #expect(table[0] == ["Name", "Idx", "Kind", "State", "MTU", "MAC", "Speed", "Details"])
        #expect(table[1] == ["lan", "1", "test", "up", "1500", "02:00:00:00:00:01", "-"])
        #expect(table[2].joined(separator: " ").hasSuffix("10 Gbit/s mode driver, queues 2"))
        let counters = try #require(table.last { $0.first == "lan" })
        #expect(counters == ["lan", "2", "124", "0", "0", "1", "0", "0"])
        let facts = await lab.text("show interfaces wan")
        #expect(facts.contains("TX packets  1\n"))
        #expect(facts.contains("queues      2\n"))
        let interfaces = try #require(try await lab.json("show interfaces wan")["interfaces"] as? [[String: Any]])
        #expect(interfaces[0]["tx_bytes"] as? Int == 48)
        #expect(interfaces[0]["speed_bits_per_second"] as? Int == 10_000_000_000)
        let missing = await lab.failure(["show", "interfaces", "wna"])
        #expect(missing.code == 3)
        #expect(missing.text == "error: there is no interface 'wna'; did you mean 'wan'?\n")
        _ = await lab.text("clear interfaces")
        #expect(await lab.text("show interfaces wan").contains("TX packets  0\n"))
    }

    @Test("set interface down drops what would leave, and up lets it go again")
    func setInterface() async throws {
        let lab = try CommandsLab()
        #expect(await lab.text("set interface wan down") == "wan is down\n")
        lab.send(lab.udp())
        #expect(await lab.text("show interfaces wan").contains("State       down"))
        #expect(await lab.text("show errors").contains("interface-output  interface-down"))
        #expect(await lab.text("set interface wan up") == "wan is up\n")
        lab.send(lab.udp())
        #expect(await lab.text("show interfaces wan").contains("TX packets  1"))
        #expect(await lab.failure(["set", "interface", "wan", "sideways"]).code == 1)
        #expect(await lab.failure(["set", "interface", "wlan", "up"]).code == 3)
    }

    @Test("buffers, threads, memory, version: text and JSON")
    func resources() async throws {
        let lab = try CommandsLab(workers: 2)
        lab.engine.addMemoryReport("routes") { 4096 }
        lab.send(lab.udp())
        let buffers = try await lab.json("show buffers")
        #expect(buffers["total"] as? Int == 2048)
        #expect(buffers["in_use"] as? Int == 0)
        #expect((buffers["free_in_workers"] as? [Int])?.count == 2)
        #expect(await lab.text("show buffers").contains("Free with worker 1"))
        #expect(await lab.table("show threads").count == 3)
        let memory = try await lab.json("show memory")
        let parts = try #require(memory["parts"] as? [[String: Any]])
        #expect(parts.first { $0["name"] as? String == "routes" }?["bytes"] as? Int == 4096)
        #expect(parts.first { $0["name"] as? String == "buffers" }?["bytes"] as? Int == 2048 * 2048)
        #expect(memory["resident_bytes"] as? Int ?? 0 > 1 << 20)
        #expect(await lab.text("show memory").contains("4.0 KiB"))
        let version = try await lab.json("show version")
        #expect(version["version"] as? String == Version.current)
        #expect(version["workers"] as? Int == 2)
    }
}
