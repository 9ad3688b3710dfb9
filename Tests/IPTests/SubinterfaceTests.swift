// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import IP
import Testing
import Wire

/// `type: vlan`: what a file may say of sub-interfaces, and how they follow their port. What becomes of frames is in the
/// cases of ethernet-input and vlan-output.
@Suite @ControlPlane struct SubinterfaceTests {
    private func router(_ text: String) throws -> Router {
        let router = try Router(YAMLReader.read(text: "interfaces:\n" + text, name: "r.yaml"))
        try router.prepare()
        return router
    }

    private func errors(_ text: String) -> [String] {
        configurationErrors("interfaces:\n" + text)
    }

    private let port = "  lan0: {type: 'null', mac: 02:00:00:00:00:01}\n"

    @Test func `what stands above its port in the file is created after it`() throws {
        let router = try router("  lan0.7: {type: vlan, parent: lan0, dot1q: 7, addresses: [10.0.0.1/24]}\n" + port)
        let interface = try #require(router.engine.interface(named: "lan0.7"))
        #expect(interface.mac == router.engine.interface(named: "lan0")?.mac)
        #expect(interface.flags.isSuperset(of: [.usable, .ip4]))
        let ip = try #require(router.registry.module(IPModule.self))
        #expect(ip.fib.main.ip4.longestMatch(IPv4Address("10.0.0.9")!)?.prefix.description == "10.0.0.0/24")
    }

    @Test func `a second tag costs four bytes of the packet, a first one none`() throws {
        let router = try router(
            port + """
                  one: {type: vlan, parent: lan0, dot1q: 7}
                  two: {type: vlan, parent: lan0, dot1ad: 7, second-dot1q: 1}
                  low: {type: vlan, parent: lan0, dot1q: 8, mtu: 1400}
                """)
        let engine = router.engine
        let mtus = { ["one", "two", "low"].map { engine.interface(named: $0)!.mtu } }
        #expect(mtus() == [1500, 1496, 1400])
        let lan = try #require(engine.interface(named: "lan0"))
        lan.mtu = 1300
        #expect(mtus() == [1300, 1296, 1300])
        lan.mtu = 1500
        #expect(mtus() == [1500, 1496, 1400])
    }

    @Test func `its link is up while its port can be used`() throws {
        let router = try router(port + "  lan0.7: {type: vlan, parent: lan0, dot1q: 7}\n")
        let lan = try #require(router.engine.interface(named: "lan0"))
        let interface = try #require(router.engine.interface(named: "lan0.7"))
        for (isAdminUp, isLinkUp) in [(true, false), (false, true), (true, true)] {
            lan.isAdminUp = isAdminUp
            lan.isLinkUp = isLinkUp
            #expect(interface.isLinkUp == (isAdminUp && isLinkUp))
        }
        lan.mac = 0x0900_0000_0002
        #expect(interface.mac == lan.mac)
    }

    /// The thread with the kernel's news knows the port alone.
    @Test func `a lost link of its port is its own, ahead of the control side`() throws {
        let router = try router(
            port + "  lan0.7: {type: vlan, parent: lan0, dot1q: 7, addresses: [10.0.0.1/24]}\n")
        let engine = router.engine
        let lan = try #require(engine.interface(named: "lan0"))
        let interface = try #require(engine.interface(named: "lan0.7"))
        let adjacencies = try #require(router.registry.module(IPModule.self)).fib.adjacencies
        let neighbor = try adjacencies.adjacency(to: .v4(IPv4Address(10, 0, 0, 2)), on: interface)
        #expect(!adjacencies.table[neighbor].status.isDown)
        engine.linkAlarm.sound(lan.index, isLost: true, at: Clock.now)
        #expect(adjacencies.table[neighbor].status.isDown && interface.isLinkUp)
        lan.isLinkUp = false
        engine.linkAlarm.sound(lan.index, isLost: false, at: Clock.now)
        #expect(adjacencies.table[neighbor].status.isDown)
        lan.isLinkUp = true
        #expect(!adjacencies.table[neighbor].status.isDown)
    }

    @Test func `all 4,094 VLANs of a port, and inner ones besides`() throws {
        var text = port
        for vlan in 1...4094 { text += "  lan0.\(vlan): {type: vlan, parent: lan0, dot1q: \(vlan)}\n" }
        for vlan in 1...4094 {
            text += "  lan0.9.\(vlan): {type: vlan, parent: lan0, dot1q: 9, second-dot1q: \(vlan)}\n"
        }
        let router = try router(text)
        let interfaces = router.engine.interfaces
        let ready = interfaces.filter { $0.isLinkUp }
        #expect(interfaces.count == 1 + 2 * 4094)
        #expect(ready.count == interfaces.count)
    }

    @Test(arguments: [
        (
            "  x: {type: vlan, parent: lan1, dot1q: 7}\n",
            "r.yaml:3:27: interfaces.x.parent: there is no interface 'lan1'; did you mean 'lan0'?"
        ),
        (
            "  x: {type: vlan, parent: x, dot1q: 7}\n",
            "r.yaml:3:27: interfaces.x.parent: x stands, by way of others, on itself; name the port below it"
        ),
        (
            "  x: {type: vlan, parent: lan0}\n",
            "r.yaml:3:6: interfaces.x: 'x' has no tag; give it one of 'dot1q:', 'dot1ad:', 'untagged: true' and 'default: "
                + "true'"
        ),
        (
            "  x: {type: vlan, parent: lan0, dot1q: 1, dot1ad: 1}\n",
            "r.yaml:3:6: interfaces.x: 'x' says twice which outer tags its frames have; give it one of 'dot1q:', 'dot1ad:', "
                + "'untagged: true' and 'default: true'"
        ),
        (
            "  x: {type: vlan, parent: lan0, dot1q: 1}\n  y: {type: vlan, parent: lan0, dot1q: 1}\n",
            "r.yaml:4:6: interfaces.y: lan0's frames with dot1q 1 are x's already; give one of them other tags"
        ),
        (
            "  x: {type: vlan, parent: lan0, dot1q: 1}\n  y: {type: vlan, parent: x, dot1q: 2}\n",
            "r.yaml:4:27: interfaces.y.parent: x is a sub-interface itself; name its port, and the second tag with "
                + "'second-dot1q:'"
        ),
        (
            "  x: {type: vlan, parent: lan0, dot1q: 1, second-dot1q: 2, mtu: 1500}\n",
            "r.yaml:3:65: interfaces.x.mtu: 1500 bytes do not fit: lan0 takes 1496 with these tags; give 1496 or less"
        ),
    ]) func `mistakes are said where they stand`(text: String, expected: String) {
        #expect(errors(port + text) == [expected])
    }
}
