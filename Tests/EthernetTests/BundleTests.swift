// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import GraphTestSupport
import IP
import Testing
import Wire

@testable import Ethernet

/// Bundles in a whole router: flows, failures, and what stands on a bundle.
@Suite @ControlPlane struct BundleTests {
    /// In by d, out by the bundle of a, b and c to one of two hosts.
    private static let routed = """
          d.1: {type: vlan, parent: d, dot1q: 1, addresses: [10.9.0.1/24]}
          be0: {type: bundle, members: [a, b, c], lacp: off, addresses: [10.1.0.1/24], HASH}
          be0.7: {type: vlan, parent: be0, dot1q: 7, addresses: [10.7.0.1/24]}
        neighbors:
          static:
            - {interface: be0, address: 10.1.0.9, mac: 02:00:00:00:09:09}
            - {interface: be0, address: 10.1.0.8, mac: 02:00:00:00:09:08}
            - {interface: be0.7, address: 10.7.0.9, mac: 02:00:00:00:09:07}
        routes:
          - {to: 10.77.0.0/16, via: 10.7.0.9}
        """

    private func lab(hash: String = "hash: l34") throws -> BundleLab {
        try BundleLab(BundleTests.routed.replacingOccurrences(of: "HASH", with: hash))
    }

    /// By which port each flow leaves.
    private func choices(_ lab: BundleLab, flows: Int, host: Int = 9) -> [Int: String] {
        let frames = (0..<flows).map {
            BundleLab.datagram($0, to: MACAddress(littleEndian: lab.interface("d").mac), vlan: 1, host: host)
        }
        let sent = lab.send(frames, at: "d")
        #expect(sent.drops == [:])
        var chosen: [Int: String] = [:]
        for (port, frames) in sent.frames {
            for frame in frames { chosen[Int(frame[frame.count - 2]) << 8 | Int(frame[frame.count - 1])] = port }
        }
        #expect(chosen.count == flows)
        return chosen
    }

    @Test func `flows are spread, each keeps to its member, and a loss moves the lost member's alone`() throws {
        let lab = try lab()
        let before = choices(lab, flows: 240)
        #expect(choices(lab, flows: 240) == before)
        for port in ["a", "b", "c"] { #expect(before.values.count { $0 == port } > 50) }
        lab.news("b", isLost: true)
        let after = choices(lab, flows: 240)
        #expect(after.allSatisfy { $0.value != "b" && (before[$0.key] == "b" || before[$0.key] == $0.value) })
        #expect(lab.interface("be0").isLinkUp)
        // The control side comes to it, and to the link's return.
        lab.interface("b").isLinkUp = false
        #expect(choices(lab, flows: 240) == after)
        #expect(lab.states() == ["active", "down: no link", "active"])
        lab.news("b", isLost: false)
        lab.interface("b").isLinkUp = true
        #expect(choices(lab, flows: 240) == before)
    }

    @Test func `what is hashed is what the file says`() throws {
        let all = Set(["a", "b", "c"])
        #expect(Set(try choices(lab(hash: "hash: l34"), flows: 60).values) == all)
        #expect(Set(try choices(lab(hash: "hash: l3"), flows: 60).values).count == 1)
        #expect(Set(try choices(lab(hash: "hash: l2"), flows: 60).values).count == 1)
    }

    @Test func `frames by any member are the bundle's, and of its sub-interfaces`() throws {
        let lab = try lab()
        // What it announced at its start does not count.
        lab.engine.clearInterfaces()
        let station = MACAddress(littleEndian: lab.interface("be0").mac)
        let echo = PacketBuilder().ethernet(from: MACAddress(0x0200_0000_0909), to: station)
            .ipv4(from: IPv4Address(10, 1, 0, 9), to: IPv4Address(10, 1, 0, 1))
            .icmp(.echoRequest(identifier: 1, sequence: 1)).payload(count: 8).bytes
        for port in ["a", "b", "c"] {
            let outcome = lab.send([echo], at: port)
            #expect(outcome.frames.values.flatMap(\.self).count == 1 && outcome.drops == [:])
        }
        let tagged = PacketBuilder().ethernet(from: MACAddress(0x0200_0000_0907), to: station).vlan(7)
            .ipv4(from: IPv4Address(10, 7, 0, 9), to: IPv4Address(10, 7, 0, 1))
            .icmp(.echoRequest(identifier: 1, sequence: 1)).payload(count: 8).bytes
        let outcome = lab.send([tagged], at: "b")
        #expect(outcome.frames.values.flatMap(\.self).allSatisfy { Array($0[12..<16]) == [0x81, 0, 0, 7] })
        let engine = lab.engine
        let counts = engine.counters(of: lab.interface("be0").index)
        #expect(counts.rxPackets == 4 && counts.txPackets == 4)
        #expect(engine.counters(of: lab.interface("be0.7").index).rxPackets == 1)
        let byMembers = ["a", "b", "c"].map { engine.counters(of: lab.interface($0).index) }
        #expect(byMembers.map(\.rxPackets) == [1, 2, 1])
        #expect(byMembers.map(\.txPackets).reduce(0, +) == 4)
    }

    /// Fast reroute hears of the bundle's loss from the thread with the news.
    @Test func `without members the bundle's link is lost, for its sub-interfaces too`() throws {
        let lab = try lab()
        let adjacencies = try #require(lab.router.registry.module(IPModule.self)).fib.adjacencies
        let neighbors = try ["be0": IPv4Address(10, 1, 0, 9), "be0.7": IPv4Address(10, 7, 0, 9)].map {
            try adjacencies.adjacency(to: .v4($0.value), on: lab.interface($0.key))
        }
        for port in ["a", "b"] { lab.news(port, isLost: true) }
        #expect(neighbors.allSatisfy { !adjacencies.table[$0].status.isDown })
        lab.news("c", isLost: true)
        #expect(neighbors.allSatisfy { adjacencies.table[$0].status.isDown })
        #expect(lab.interface("be0").isLinkUp)
        for port in ["a", "b", "c"] { lab.interface(port).isLinkUp = false }
        #expect(!lab.interface("be0").isLinkUp && !lab.interface("be0.7").isLinkUp)
        lab.news("b", isLost: false)
        lab.interface("b").isLinkUp = true
        #expect(lab.interface("be0.7").isLinkUp)
        #expect(neighbors.allSatisfy { !adjacencies.table[$0].status.isDown })
    }

    @Test func `too few members, standbys, and an operator's hand`() throws {
        let lab = try BundleLab(
            "  be0: {type: bundle, lacp: off, minimum-links: 2, maximum-links: 2,\n"
                + "        members: [{port: a, priority: 9}, b, {port: c, priority: 1}]}\n")
        #expect(lab.states() == ["active", "standby: 2 links are used at most", "active"])
        lab.news("a", isLost: true)
        #expect(lab.manager.table[1].status.sending == 0b110)
        lab.interface("a").isLinkUp = false
        #expect(lab.states() == ["down: no link", "active", "active"] && lab.interface("be0").isLinkUp)
        lab.interface("c").isAdminUp = false
        #expect(lab.states()[2] == "down: administratively down" && !lab.interface("be0").isLinkUp)
        lab.interface("c").isAdminUp = true
        #expect(lab.interface("be0").isLinkUp)
    }

    @Test func `its MTU is the least of its members', its address the first one's or its own`() throws {
        let lab = try BundleLab(
            "  e: {type: test, mac: 02:00:00:00:00:05, mtu: 1400}\n"
                + "  be0: {type: bundle, lacp: off, members: [a, e]}\n"
                + "  be1: {type: bundle, lacp: off, members: [b, c], mac: 02:00:00:00:01:01, mtu: 1450}\n")
        #expect(lab.interface("be0").mtu == 1400 && lab.interface("be0").mac == lab.interface("a").mac)
        #expect(lab.interface("be1").mtu == 1450)
        #expect(MACAddress(littleEndian: lab.interface("be1").mac) == MACAddress(0x0200_0000_0101))
        lab.interface("b").mtu = 1300
        #expect(lab.interface("be1").mtu == 1300)
        lab.interface("b").mtu = 1500
        #expect(lab.interface("be1").mtu == 1450)
    }

    @Test func `a bundle is a member of a bridge like any port`() throws {
        let lab = try BundleLab(
            "  be0: {type: bundle, lacp: off, members: [a, b]}\nbridges:\n  blue: {members: [be0, d]}\n")
        let frame = PacketBuilder().ethernet(from: MACAddress(0x0a00_0000_0001), to: .broadcast, type: .experimental)
            .payload(count: 46).bytes
        for port in ["a", "b"] { #expect(lab.send([frame], at: port).frames == ["d": [frame]]) }
        #expect(lab.send([frame], at: "d").frames.values.flatMap(\.self) == [frame])
        for port in ["a", "b"] { lab.news(port, isLost: true) }
        #expect(lab.send([frame], at: "d").drops == ["bundle-output/no-member": 1])
    }

    /// Features of `device-input` that are the bundle's own come after its members'.
    @Test func `worker handoff on the bundle`() throws {
        let lab = try BundleLab("  be0: {type: bundle, lacp: off, members: [a, b], handoff: true}\n")
        let arcs = lab.engine.graphSnapshot().featureArcs.first { $0.name == "device-input" }
        #expect(arcs?.features.map(\.node).suffix(2) == ["worker-handoff", "bundle-input"])
        let station = MACAddress(littleEndian: lab.interface("be0").mac)
        #expect(lab.send([BundleLab.datagram(1, to: station)], at: "a").drops == ["ethernet-input/ip4-disabled": 1])
        let calls = lab.engine.nodeSamples().filter { $0.node == "worker-handoff" }.map(\.counters.packets)
        #expect(calls == [1])
    }
}
