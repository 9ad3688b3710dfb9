// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Ethernet

/// Pairs of interfaces whose frames leave by the other.
@Suite @ControlPlane struct CrossConnectTests {
    private typealias Lab = BridgeLab

    @Test func `whatever comes in by one end leaves by the other`() throws {
        let lab = try Lab("  lan: {members: [c, d]}\ncross-connects: {line: [a, b]}\n")
        let frames = [
            Lab.frame(1, 2), Lab.frame(Lab.mac(1), .broadcast), Lab.frame(Lab.mac(1), MACAddress(0x0180_c200_0002)),
            Lab.frame(1, 2, vlan: 7),
        ]
        lab.send(frames, at: "a", expect: ["b": frames])
        lab.send(frames, at: "b", expect: ["a": frames])
        #expect(lab.store.fdb.entries.isEmpty)
        lab.engine.interface(named: "b")?.mtu = 68
        lab.send([Lab.frame(1, 2) + [UInt8](repeating: 0, count: 60)], at: "a", drops: ["cross-connect/too-long": 1])
        lab.engine.interface(named: "b")?.isLinkUp = false
        lab.send([frames[0]], at: "a", drops: ["interface-output/interface-down": 1])
    }

    @Test func `sub-interfaces are connected by their tags`() throws {
        let lab = try Lab(
            "  lan: {members: [c, d]}\ncross-connects: {line: [a.7, b.7]}\n",
            interfaces: "  a.7: {type: vlan, parent: a, dot1q: 7}\n  b.7: {type: vlan, parent: b, dot1q: 7}\n")
        let frame = Lab.frame(1, 2, vlan: 7)
        lab.send([frame], at: "a", expect: ["b": [frame]])
        lab.send([Lab.frame(1, 2, vlan: 8)], at: "a", drops: ["ethernet-input/vlan-unknown": 1])
    }

    @Test func `show cross-connect has both ends with their packets`() async throws {
        let lab = try Lab("  lan: {members: [c, d]}\ncross-connects: {line: [a, b]}\n")
        lab.send([Lab.frame(1, 2)], at: "a", expect: ["b": [Lab.frame(1, 2)]])
        #expect(
            try await lab.run("show cross-connect") == [["line", "a", "up", "1", "0"], ["line", "b", "up", "0", "1"]])
    }

    @Test(arguments: [
        ("{line: [a]}", "a cross-connect has 1 ends"),
        ("{line: [a, b], other: [b, d]}", "b is an end of line already"),
        ("{line: [a, nosuch]}", "there is no interface 'nosuch'"),
        ("{line: [a, c]}", "c is a member of a bridge as well"),
        ("{line: [a, irb]}", "irb is a member of bridges only"),
        ("{line: [a, routed]}", "routed has addresses"),
    ])
    func `what cannot be connected is said`(section: String, expected: String) throws {
        let errors = BridgeLab.errors(
            "  lan: {members: [c]}\ncross-connects: \(section)\n",
            interfaces: """
                  irb: {type: bvi, mac: '02:00:00:00:00:09'}
                  routed: {type: test, mac: 02:00:00:00:00:0a, addresses: [10.0.0.1/24]}

                """)
        #expect(errors.contains { $0.contains(expected) }, "\(errors)")
    }
}
