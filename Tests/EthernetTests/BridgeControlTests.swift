// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// Control frames, port states, and what plugins do with bridges.
@Suite @ControlPlane struct BridgeControlTests {
    private typealias Lab = BridgeLab

    private func control(_ last: UInt64) -> [UInt8] { Lab.frame(Lab.mac(1), MACAddress(0x0180_c200_0000 | last)) }

    @Test func `by default BPDUs pass, and what is for one link does not`() throws {
        let lab = try Lab("  lan: {members: [a, b, c]}\n")
        for last: UInt64 in [0x00, 0x08] {
            lab.send([control(last)], at: "a", expect: ["b": [control(last)], "c": [control(last)]])
        }
        for last: UInt64 in [0x01, 0x02, 0x03, 0x0e, 0x0f] {
            lab.send([control(last)], at: "a", drops: ["bridge-control/control-frame": 1])
        }
        #expect(lab.port(of: 1) == nil, "control frames teach nothing")
        // The next sixteen addresses are like any group's.
        lab.send([control(0x10)], at: "a", expect: ["b": [control(0x10)], "c": [control(0x10)]])
    }

    @Test func `each port does with control frames what it is told`() throws {
        let lab = try Lab(
            """
              lan:
                members:
                - {interface: a, control-frames: {bpdu: punt, slow-protocols: tunnel, lldp: punt, other: tunnel}}
                - {interface: b, control-frames: {bpdu: drop}}

            """)
        var heard: [(String, [UInt8])] = []
        lab.send([control(0)], at: "a", drops: ["bridge-control/nobody-listens": 1])
        lab.store.listen(to: .bpdu) { heard.append(($0.name, $1)) }
        lab.send([control(0)], at: "a")
        #expect(heard.map(\.0) == ["a"] && heard.map(\.1) == [control(0)])
        lab.send([control(0x0e)], at: "a", drops: ["bridge-control/nobody-listens": 1])
        lab.send([control(2)], at: "a", expect: ["b": [control(2)]])
        lab.send([control(1)], at: "a", expect: ["b": [control(1)]])
        lab.send([control(0)], at: "b", drops: ["bridge-control/control-frame": 1])
        lab.store.setAction(.tunnel, for: .bpdu, of: lab.engine.interface(named: "b")!)
        lab.send([control(0)], at: "b", expect: ["a": [control(0)]])
    }

    @Test func `a port that blocks still punts BPDUs, and tunnels none`() throws {
        let lab = try Lab(
            "  lan: {members: [{interface: a, control-frames: {bpdu: punt}}, b]}\n")
        var count = 0
        lab.store.listen(to: .bpdu) { _, _ in count += 1 }
        for name in ["a", "b"] { lab.store.setState(.blocking, of: lab.engine.interface(named: name)!) }
        lab.send([control(0)], at: "a")
        #expect(count == 1)
        lab.send([control(0)], at: "b", drops: ["bridge-control/port-not-forwarding": 1])
    }

    @Test func `states go by instance, and a flush of an instance leaves the others alone`() throws {
        let lab = try Lab(
            "  one: {members: [a.1, b.1]}\n  two: {members: [a.2, b.2]}\n",
            interfaces: """
                  a.1: {type: vlan, parent: a, dot1q: 1}
                  a.2: {type: vlan, parent: a, dot1q: 2}
                  b.1: {type: vlan, parent: b, dot1q: 1}
                  b.2: {type: vlan, parent: b, dot1q: 2}

                """)
        let port = lab.engine.interface(named: "a")!
        func frame(_ vlan: UInt16) -> [UInt8] { Lab.frame(Lab.mac(1), .broadcast, vlan: vlan) }
        lab.store.setInstances([2: 5], of: port)
        lab.store.setState(.learning, of: port, instance: 5)
        lab.send([frame(1)], at: "a", expect: ["b": [frame(1)]])
        lab.send([frame(2)], at: "a", drops: ["bridge-input/port-not-forwarding": 1])
        #expect(lab.port(of: 1, in: 1) == "a.1" && lab.port(of: 1, in: 2) == "a.2")
        #expect(lab.store.flush(port, instance: 5) == 1)
        #expect(lab.port(of: 1, in: 1) == "a.1" && lab.port(of: 1, in: 2) == nil)
        lab.store.setState(.forwarding, of: port, instance: 5)
        lab.store.setState(.blocking, of: port)
        lab.send([frame(2)], at: "a", expect: ["b": [frame(2)]])
        lab.send([frame(1)], at: "a", drops: ["bridge-input/port-not-forwarding": 1])
        #expect(lab.store.flush(port) == 2 && lab.store.flush(domain: "two") == 0)
        #expect(lab.store.flush(domain: "three") == nil)
    }

    private func arp(
        _ operation: ARPOperation = .request, from sender: String = "10.0.0.1", for target: String, vlan: UInt16? = nil
    ) -> [UInt8] {
        let packet = ARPPacket(
            operation, senderMAC: Lab.mac(1), senderIP: IPv4Address(sender)!, targetMAC: .zero,
            targetIP: IPv4Address(target)!)
        let plain = PacketBuilder().ethernet(from: Lab.mac(1), to: .broadcast, type: vlan == nil ? .arp : nil)
        let tagged = vlan.map { plain.vlan(VLANTag(identifier: $0), type: .arp) } ?? plain
        return tagged.arp(packet).bytes
    }

    @Test func `requests for known addresses are answered, others flooded`() throws {
        let lab = try Lab(
            "  lan: {members: [a, b, c], arp-termination: {10.0.0.7: '0a:00:00:00:00:07', 10.0.0.1: '0a:00:00:00:00:01'}}\n"
        )
        let reply = ARPPacket(
            .reply, senderMAC: Lab.mac(7), senderIP: IPv4Address("10.0.0.7")!, targetMAC: Lab.mac(1),
            targetIP: IPv4Address("10.0.0.1")!)
        let answer = PacketBuilder().ethernet(from: Lab.mac(7), to: Lab.mac(1), type: .arp).arp(reply).bytes
        lab.send([arp(for: "10.0.0.7")], at: "a", expect: ["a": [answer]])
        let flooded = [
            arp(for: "10.0.0.8"), arp(.reply, for: "10.0.0.7"), arp(for: "10.0.0.1"),
            Array(arp(for: "10.0.0.7").prefix(41)), Lab.frame(Lab.mac(1), .broadcast),
        ]
        lab.send(flooded, at: "a", expect: ["b": flooded, "c": flooded])
    }

    @Test func `an answer to a tagged request has its tags`() throws {
        let lab = try Lab(
            "  lan: {members: [a.1, b.1], arp-termination: {10.0.0.7: '0a:00:00:00:00:07'}}\n",
            interfaces: """
                  a.1: {type: vlan, parent: a, dot1q: 1}
                  b.1: {type: vlan, parent: b, dot1q: 1}

                """)
        lab.ports["a"]?.receive([arp(for: "10.0.0.7", vlan: 1)])
        lab.settle()
        let sent = lab.takeSent()
        #expect(sent.keys.sorted() == ["a"])
        let frame = try #require(sent["a"]?.first)
        #expect(Array(frame[0..<6]) == [0x0a, 0, 0, 0, 0, 1] && Array(frame[12..<18]) == [0x81, 0, 0, 1, 0x08, 0x06])
    }
}
