// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// Sub-interfaces and the BVI as members of a bridge domain, and whole ports with tagged frames.
@Suite @ControlPlane struct BridgeInterfaceTests {
    private typealias Lab = BridgeLab

    @Test func `a whole port passes frames with whatever tags they have`() throws {
        let lab = try Lab("  lan: {members: [a, b]}\n")
        for depth in 1...3 {
            var builder = PacketBuilder().ethernet(from: Lab.mac(1), to: Lab.mac(2))
            for tag in 1...depth { builder = builder.vlan(UInt16(tag)) }
            let tagged = builder.payload(count: 46).bytes
            lab.send([tagged], at: "a", expect: ["b": [tagged]])
        }
    }

    private static let subinterfaces = """
          a.7: {type: vlan, parent: a, dot1q: 7}
          a.9: {type: vlan, parent: a, dot1q: 9, second-dot1q: 3}
          b.7: {type: vlan, parent: b, dot1q: 7}
          b.8: {type: vlan, parent: b, dot1q: 8}

        """

    @Test func `tags stay, and have to be the sub-interface's`() throws {
        let lab = try Lab("  lan: {members: [a.7, b.7, b.8, c]}\n", interfaces: Self.subinterfaces)
        let frame = Lab.frame(1, 2, vlan: 7)
        lab.send(
            [frame], at: "a", expect: ["b": [frame], "c": [frame]], drops: ["bridge-output/tags-differ": 1])
        #expect(lab.port(of: 1) == "a.7")
        let answer = Lab.frame(2, 1, vlan: 7)
        lab.send([answer], at: "b", expect: ["a": [answer]])
        // Another VLAN's sub-interface, and no tag at all.
        lab.send([Lab.frame(3, 1, vlan: 8)], at: "b", drops: ["bridge-output/tags-differ": 1])
        lab.send([Lab.frame(4, 1)], at: "c", drops: ["bridge-output/tags-differ": 1])
        let counted = lab.engine.counters(of: lab.engine.interface(named: "a.7")?.index ?? 0)
        #expect(counted.rxPackets == 1 && counted.txPackets == 1)
    }

    @Test func `beside a bridged sub-interface the port is as selective as ever`() throws {
        let lab = try Lab(
            "  lan: {members: [a.7, c]}\n",
            interfaces: Self.subinterfaces + "  a.5: {type: vlan, parent: a, dot1q: 5, addresses: [10.0.0.1/24]}\n")
        lab.settle()
        _ = lab.takeSent()
        lab.send([Lab.frame(1, 2)], at: "a", drops: ["ethernet-input/not-for-us": 1])
        lab.send([Lab.frame(1, 2, vlan: 5)], at: "a", drops: ["ethernet-input/not-for-us": 1])
        lab.send([Lab.frame(1, 2, vlan: 0)], at: "a", drops: ["ethernet-input/not-for-us": 1])
        lab.send([Lab.frame(1, 2, vlan: 6)], at: "a", drops: ["ethernet-input/vlan-unknown": 1])
        lab.engine.interface(named: "a.7")?.isAdminUp = false
        lab.send([Lab.frame(1, 2, vlan: 7)], at: "a", drops: ["ethernet-input/interface-down": 1])
    }

    @Test func `two tags`() throws {
        let lab = try Lab("  lan: {members: [a.9, c]}\n", interfaces: Self.subinterfaces)
        func tagged(_ inner: UInt16, _ source: Int, _ destination: Int) -> [UInt8] {
            PacketBuilder().ethernet(from: Lab.mac(source), to: Lab.mac(destination)).vlan(9).vlan(inner)
                .payload(count: 46).bytes
        }
        lab.send([tagged(3, 1, 2)], at: "a", expect: ["c": [tagged(3, 1, 2)]])
        lab.send([tagged(3, 2, 1)], at: "c", expect: ["a": [tagged(3, 2, 1)]])
        lab.send([tagged(4, 2, 1)], at: "c", drops: ["bridge-output/tags-differ": 1])
        lab.send([Array(tagged(3, 2, 1).prefix(20))], at: "c", drops: ["bridge-output/tags-differ": 1])
        lab.send([Array(tagged(3, 2, 1).prefix(16))], at: "c", drops: ["bridge-output/tags-differ": 1])
    }

    // MARK: - BVI

    private static let bvi = MACAddress(0x0200_0000_00ff)
    private static let host = (ip: IPv4Address(10, 0, 0, 2), mac: BridgeLab.mac(1))

    private func bviLab() throws -> Lab {
        let lab = try Lab(
            "  lan: {members: [a, b, irb]}\n",
            interfaces: "  irb: {type: bvi, mac: '\(Self.bvi)', addresses: [10.0.0.1/24]}\n")
        // Own addresses are announced.
        lab.settle()
        _ = lab.takeSent()
        return lab
    }

    @Test func `the router answers through its BVI`() throws {
        let lab = try bviLab()
        let request = PacketBuilder().ethernet(from: Self.host.mac, to: .broadcast).arp(
            ARPPacket(
                .request, senderMAC: Self.host.mac, senderIP: Self.host.ip, targetMAC: .zero,
                targetIP: IPv4Address(10, 0, 0, 1))
        ).bytes
        lab.ports["a"]?.receive([request])
        lab.settle()
        let sent = lab.takeSent()
        // The request is flooded to the other port; the answer goes to where the host is, and nowhere else.
        #expect(sent["b"] == [request])
        #expect(sent["a"]?.count == 1)
        #expect(sent["a"]?.first.map { EthernetAddresses($0) } == EthernetAddresses(Self.bvi, Self.host.mac))

        func echo(_ message: ICMPv4Message, from: (IPv4Address, MACAddress), to: (IPv4Address, MACAddress)) -> [UInt8] {
            PacketBuilder().ethernet(from: from.1, to: to.1).ipv4(from: from.0, to: to.0).icmp(message)
                .payload(count: 32).bytes
        }
        let router = (IPv4Address(10, 0, 0, 1), Self.bvi)
        lab.ports["a"]?.receive([
            echo(.echoRequest(identifier: 1, sequence: 1), from: (Self.host.ip, Self.host.mac), to: router)
        ])
        lab.settle()
        let answered = lab.takeSent()
        #expect(answered["a"]?.count == 1 && answered["b"] == nil)
        let counted = lab.engine.counters(of: lab.engine.interface(named: "irb")?.index ?? 0)
        #expect(counted.rxPackets == 2 && counted.txPackets >= 2)
    }

    @Test func `its station cannot be claimed, and strangers' frames do not come up`() throws {
        let lab = try bviLab()
        let claim = Lab.frame(Self.bvi, .broadcast)
        lab.ports["b"]?.receive([claim])
        lab.settle()
        #expect(lab.takeSent()["a"] == [claim])
        #expect(lab.store.total.fixed == 1)
        // Neither to the BVI: unknown stations are not the router's.
        lab.send([Lab.frame(1, 9)], at: "a", expect: ["b": [Lab.frame(1, 9)]])
    }

    private struct EthernetAddresses: Equatable {
        let source: MACAddress
        let destination: MACAddress

        init(_ source: MACAddress, _ destination: MACAddress) {
            self.source = source
            self.destination = destination
        }

        init(_ frame: [UInt8]) {
            destination = MACAddress(frame[0], frame[1], frame[2], frame[3], frame[4], frame[5])
            source = MACAddress(frame[6], frame[7], frame[8], frame[9], frame[10], frame[11])
        }
    }
}
