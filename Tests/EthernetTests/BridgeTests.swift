// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// What becomes of frames between the members of a bridge domain.
@Suite @ControlPlane struct BridgeTests {
    private typealias Lab = BridgeLab

    private func frame(_ source: Int, _ destination: Int, note: UInt8 = 0) -> [UInt8] {
        Lab.frame(source, destination, note: note)
    }

    private func broadcast(_ source: Int) -> [UInt8] { Lab.frame(Lab.mac(source), .broadcast) }

    @Test func `unknown stations are flooded, known ones reached by their port`() throws {
        let lab = try Lab("  lan: {members: [a, b, c]}\n")
        let first = frame(1, 2)
        lab.send([first], at: "a", expect: ["b": [first], "c": [first]])
        let answer = frame(2, 1)
        lab.send([answer], at: "b", expect: ["a": [answer]])
        lab.send([first], at: "a", expect: ["b": [first]])
        lab.send([broadcast(1)], at: "a", expect: ["b": [broadcast(1)], "c": [broadcast(1)]])
        #expect(lab.store.total.learned == 2 && lab.store.total.copies == 2)
    }

    @Test func `the domains know nothing of each other`() throws {
        let lab = try Lab("  one: {members: [a, b]}\n  two: {members: [c, d]}\n")
        lab.send([frame(1, 2)], at: "a", expect: ["b": [frame(1, 2)]])
        lab.send([frame(2, 1)], at: "c", expect: ["d": [frame(2, 1)]])
        #expect(lab.port(of: 2, in: 1) == nil && lab.port(of: 2, in: 2) == "c")
    }

    @Test func `frames that a bridge does not pass on`() throws {
        let lab = try Lab("  lan: {members: [a, b]}\n  alone: {members: [c]}\n")
        lab.learn([(1, port: "a"), (2, port: "a")])
        lab.send([frame(1, 2)], at: "a", drops: ["bridge-input/learned-on-ingress-port": 1])
        let group = MACAddress(0x0100_5e00_0001)
        lab.send(
            [Lab.frame(group, Lab.mac(9)), Lab.frame(.zero, Lab.mac(9)), Lab.frame(.broadcast, Lab.mac(9))], at: "b",
            drops: ["bridge-input/bad-source": 3])
        lab.send([broadcast(5)], at: "c", drops: ["bridge-flood/no-other-member": 1])
        lab.send([[UInt8](repeating: 2, count: 13)], at: "a", drops: ["ethernet-input/truncated": 1])
        #expect(lab.store.fdb.entries.count == 3)
    }

    @Test func `a frame to the port's own address is bridged, too`() throws {
        let lab = try Lab("  lan: {members: [a, b]}\n")
        let toPort = Lab.frame(Lab.mac(1), MACAddress(0x0200_0000_0001))
        lab.send([toPort], at: "a", expect: ["b": [toPort]])
    }

    @Test func `floods and known stations of one vector keep count and order`() throws {
        let lab = try Lab("  lan: {members: [a, b, c]}\n")
        lab.learn([(2, port: "b")])
        let known = (0..<100).map { frame(1, 2, note: UInt8($0)) }
        let unknown = (0..<100).map { frame(1, 9, note: UInt8($0)) }
        lab.ports["a"]?.receive(zip(known, unknown).flatMap { [$0, $1] })
        lab.settle()
        let sent = lab.takeSent()
        #expect(sent["b"]?.filter { $0[5] == 2 } == known)
        #expect(sent["b"]?.filter { $0[5] == 9 } == unknown)
        #expect(sent["c"] == unknown && sent["a"] == nil)
    }

    @Test func `stations that move are followed at once, static ones stay`() throws {
        let lab = try Lab("  lan: {members: [a, b, c], static-macs: {'0a:00:00:00:00:07': c}}\n")
        lab.learn([(1, port: "a"), (1, port: "b")])
        #expect(lab.port(of: 1) == "b" && lab.store.total.moved == 1)
        lab.learn([(7, port: "a")])
        #expect(lab.port(of: 7) == "c" && lab.store.total.fixed == 1)
        lab.send([frame(1, 7)], at: "b", expect: ["c": [frame(1, 7)]])
    }

    @Test func `members of a split-horizon group exchange nothing`() throws {
        let lab = try Lab(
            """
              lan:
                members:
                - {interface: a, split-horizon-group: 1}
                - {interface: b, split-horizon-group: 1}
                - {interface: c, split-horizon-group: 2}
                - d

            """)
        lab.send([broadcast(1)], at: "a", expect: ["c": [broadcast(1)], "d": [broadcast(1)]])
        lab.send([frame(2, 9)], at: "b", expect: ["c": [frame(2, 9)], "d": [frame(2, 9)]])
        lab.send([frame(2, 1)], at: "b", drops: ["bridge-input/split-horizon": 1])
        lab.send([frame(4, 1)], at: "d", expect: ["a": [frame(4, 1)]])
        lab.send([broadcast(4)], at: "d", expect: ["a": [broadcast(4)], "b": [broadcast(4)], "c": [broadcast(4)]])
    }

    @Test(arguments: [("drop", nil), ("c", "c"), ("flood", "b c")])
    func `unknown stations, but not broadcasts, go where the domain says`(word: String, ports: String?) throws {
        let lab = try Lab("  lan: {members: [a, b, c], unknown-unicast: \(word)}\n")
        let unknown = frame(1, 9)
        let names = (ports ?? "").split(separator: " ").map(String.init)
        let expected = Dictionary(uniqueKeysWithValues: names.map { ($0, [unknown]) })
        lab.send(
            [unknown], at: "a", expect: expected, drops: ports == nil ? ["bridge-input/unknown-unicast": 1] : [:])
        lab.send([broadcast(1)], at: "a", expect: ["b": [broadcast(1)], "c": [broadcast(1)]])
        if word == "c" { lab.send([frame(3, 9)], at: "c", drops: ["bridge-input/learned-on-ingress-port": 1]) }
    }

    @Test func `beyond a limit stations are not learned, and their frames forwarded or dropped`() throws {
        let lab = try Lab(
            """
              one: {members: [{interface: a, mac-limit: 1}, b], mac-limit: 2}
              two: {members: [c, d], mac-limit: 1, at-mac-limit: drop}

            """)
        lab.learn([(1, port: "a"), (2, port: "a"), (3, port: "b"), (4, port: "b"), (5, port: "c"), (6, port: "d")])
        #expect(lab.port(of: 1) == "a" && lab.port(of: 2) == nil && lab.port(of: 3) == "b")
        #expect(lab.store.total.portFull == 1 && lab.store.total.domainFull == 2)
        lab.send([frame(2, 9)], at: "a", expect: ["b": [frame(2, 9)]])
        // What is known keeps flowing.
        lab.send([frame(3, 1)], at: "b", expect: ["a": [frame(3, 1)]])
        lab.send([broadcast(6)], at: "d", drops: ["bridge-input/mac-limit": 1])
        lab.send([broadcast(5)], at: "c", expect: ["d": [broadcast(5)]])
    }

    @Test func `a member that is down gets nothing, and nothing comes in by it`() throws {
        let lab = try Lab("  lan: {members: [a, b, c]}\n")
        lab.learn([(2, port: "b")])
        lab.engine.interface(named: "b")?.isLinkUp = false
        lab.send([frame(1, 2)], at: "a", drops: ["interface-output/interface-down": 1])
        lab.engine.interface(named: "a")?.isAdminUp = false
        lab.send([frame(1, 2)], at: "a", drops: ["ethernet-input/interface-down": 1])
    }

    @Test func `ports that block, learn or forward`() throws {
        let lab = try Lab("  lan: {members: [a, b]}\n")
        lab.store.table[port: 1].flags = [.learning]
        lab.send([broadcast(1)], at: "a", drops: ["bridge-input/port-not-forwarding": 1])
        #expect(lab.port(of: 1) == "a")
        lab.send([frame(2, 1)], at: "b", drops: ["bridge-input/port-not-forwarding": 1])
        lab.send([broadcast(2)], at: "b", drops: ["bridge-flood/no-other-member": 1])
        lab.store.table[port: 1].flags = []
        lab.send([broadcast(3)], at: "a", drops: ["bridge-input/port-not-forwarding": 1])
        #expect(lab.port(of: 3) == nil)
    }
}
