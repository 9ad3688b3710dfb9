// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// `bridges:` and the operator's commands.
@Suite @ControlPlane struct BridgeConfigurationTests {
    private func errors(_ bridges: String, interfaces: String = "") -> [String] {
        BridgeLab.errors(bridges, interfaces: interfaces)
    }

    @Test func `each mistake has its place and its remedy`() {
        #expect(
            errors("  lan: {members: [a, e]}\n") == [
                "b.yaml:7:22: bridges.lan.members[1]: there is no interface 'e'; did you mean 'a'?"
            ])
        #expect(
            errors("  lan: {members: [a, b]}\n  two: {members: [b]}\n") == [
                "b.yaml:8:19: bridges.two.members[0]: b is a member of lan already; keep it in one bridge"
            ])
        #expect(
            errors("  lan: {members: [a, b], unknown-unicast: c}\n") == [
                "b.yaml:7:43: bridges.lan.unknown-unicast: 'c' is no member of lan; write flood, drop or the name of a "
                    + "member"
            ])
        #expect(
            errors("  lan: {members: [a, b], static-macs: {'01:00:00:00:00:01': a, '02:00:00:00:00:01': d}}\n") == [
                "b.yaml:7:40: bridges.lan.static-macs.01:00:00:00:00:01: '01:00:00:00:00:01' is no station's address; "
                    + "give one like 02:00:00:00:00:01",
                "b.yaml:7:85: bridges.lan.static-macs.02:00:00:00:00:01: 'd' is no member of lan; did you mean 'a'?",
            ])
        #expect(
            errors("  lan: {members: [a, b]}\n", interfaces: "  a.7: {type: vlan, parent: a, dot1q: 7}\n") == [
                "b.yaml:8:19: bridges.lan.members[0]: a has a sub-interface, a.7: whose its frames are would not be "
                    + "clear; make its sub-interfaces members"
            ])
        #expect(
            errors(
                "  lan: {members: [x, b]}\n",
                interfaces: "  x: {type: test, mac: 02:00:00:00:00:09, addresses: [10.0.0.1/24]}\n") == [
                    "b.yaml:8:19: bridges.lan.members[0]: x has addresses, but what comes in by it is bridged; give them "
                        + "to an interface with 'type: bvi' in lan"
                ])
        #expect(
            errors("  lan: {members: [a], arp-termination: {10.0.0.300: '02:00:00:00:00:01', 10.0.0.1: a}}\n") == [
                "b.yaml:7:41: bridges.lan.arp-termination.10.0.0.300: '10.0.0.300' is no host's IPv4 address; give one like "
                    + "192.0.2.1",
                "b.yaml:7:84: bridges.lan.arp-termination.10.0.0.1: 'a' is not a MAC address; give one like "
                    + "02:00:00:00:00:01",
            ])
        #expect(
            errors("  lan: {members: [{interface: a, storm-control: {broadcast: 0}}]}\n").first?.contains(
                "0 is too small")
                == true)
        #expect(
            errors("  lan: {members: [{interface: a, control-frames: {bpdu: pass}}]}\n").first?.contains(
                "drop, tunnel or punt") == true)
        #expect(errors("  lan: {members: [a], aging: -1}\n").first?.hasPrefix("b.yaml:7:30: bridges.lan.aging") == true)
        #expect(
            errors("", interfaces: "  irb: {type: bvi, mac: '01:00:00:00:00:01'}\n").first?.contains(
                "01:00:00:00:00:01 is no station's address; give one whose first byte is even, and not zero") == true)
    }

    @Test func `show and clear`() async throws {
        let lab = try BridgeLab(
            """
              one: {members: [a, {interface: b, mac-limit: 5}], static-macs: {'02:00:00:00:00:77': b}}
              two: {members: [{interface: c, split-horizon-group: 3}, d], aging: 0, unknown-unicast: d}

            """)
        lab.learn([(1, port: "a"), (2, port: "b"), (3, port: "b"), (4, port: "c")])
        let rows = try await lab.run("show fdb --domain one")
        #expect(
            rows.map { Array($0.dropLast()) } == [
                ["one", "02:00:00:00:00:77", "b", "static"],
                ["one", "0a:00:00:00:00:01", "a", "learned"],
                ["one", "0a:00:00:00:00:02", "b", "learned"],
                ["one", "0a:00:00:00:00:03", "b", "learned"],
            ])
        // How old it is depends on the machine; a static one has no age.
        #expect(rows.map(\.last?.isEmpty) == [true, false, false, false])
        #expect(try await lab.run("show fdb --port c").count == 1)
        #expect(try await lab.run("show fdb --mac 0a:00:00:00:00:02").map { $0[2] } == ["b"])
        #expect(
            try await lab.run("show bridge") == [
                ["one"], ["stations", "3 of 1048576"], ["aging", "300s"], ["unknown unicast", "flood"],
                ["a", "", "forwarding", "1", "", "", ""], ["b", "", "forwarding", "2", "5", "", ""],
                ["two"], ["stations", "1 of 1048576"], ["aging", "never"], ["unknown unicast", "d"],
                ["c", "", "forwarding", "1", "", "3", ""], ["d", "", "forwarding", "0", "", "", ""],
                ["All domains"], ["stations learned", "4"],
            ])
        #expect(try await lab.run("clear fdb --mac 02:00:00:00:00:77") == [["0 stations forgotten"]])
        #expect(try await lab.run("clear fdb --mac 0a:00:00:00:00:02 --port a") == [["0 stations forgotten"]])
        #expect(try await lab.run("clear fdb --mac 0a:00:00:00:00:02") == [["1 stations forgotten"]])
        #expect(lab.port(of: 2) == nil && lab.port(of: 3) == "b")
        #expect(try await lab.run("clear fdb --port b") == [["1 stations forgotten"]])
        #expect(try await lab.run("clear fdb --domain two") == [["1 stations forgotten"]])
        #expect(try await lab.run("clear fdb") == [["1 stations forgotten"]])
        #expect(lab.store.fdb.entries.count == 1)
        await #expect(
            throws: CommandError.notFound("there is no bridge domain 'on'", "did you mean 'one'?")
        ) { try await lab.run("show bridge on") }
        await #expect(throws: CommandError.self) { try await lab.run("show fdb --port nowhere") }
        await #expect(throws: CommandError.self) { try await lab.run("show fdb --mac nonsense") }
    }

    @Test func `silent stations are forgotten, and those that talk stay`() throws {
        let lab = try BridgeLab("  lan: {members: [a, b], aging: 3}\n")
        lab.learn([(1, port: "a"), (2, port: "b")])
        let begin = Clock.now
        let second = UInt64(Clock.frequency)
        // Station 2 goes on talking.
        while lab.port(of: 1) != nil, Clock.now &- begin < 30 * second { lab.learn([(2, port: "b")]) }
        #expect(lab.port(of: 1) == nil && lab.port(of: 2) == "b")
        #expect(Clock.now &- begin >= 2 * second)
        #expect(lab.store.tally.count(ofDomain: 1) == 1)
    }
}
