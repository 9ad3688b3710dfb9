// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing
import Wire

@testable import IP

/// IPv6 on links that are too short for it (RFC 8200 section 5).
@Suite @ControlPlane struct ShortLinkTests {
    @Test(arguments: [
        ("{type: \"null\", mtu: 1280, addresses: [\"2001:db8::1/64\"]}", nil),
        ("{type: \"null\", mtu: 1279, addresses: [10.0.0.1/24]}", nil),
        ("{type: \"null\", mtu: 1279, addresses: [\"2001:db8::1/64\"]}", 1279),
        ("{type: \"null\", mtu: 600, link-local: [ipv6]}", 600),
    ])
    func inTheFile(entry: String, mtu: Int?) {
        let expected = mtu.map {
            "r.yaml:2:29: interfaces.lan0.mtu: lan0 has IPv6 and packets of \($0) bytes, where IPv6 wants 1280; "
                + "give 1280 or more, or take the IPv6 addresses off lan0"
        }
        #expect(configurationErrors("interfaces:\n  lan0: \(entry)") == (expected.map { [$0] } ?? []))
    }

    /// A sub-interface's packets are as long as its port's, less a second tag.
    @Test func subinterfaces() {
        let found = configurationErrors(
            """
            interfaces:
              lan0: {type: "null", mtu: 1280}
              lan0.7: {type: vlan, parent: lan0, dot1q: 7, addresses: ["2001:db8:7::1/64"]}
              lan0.8: {type: vlan, parent: lan0, dot1q: 8, second-dot1q: 9, addresses: ["2001:db8:8::1/64"]}
            """)
        #expect(
            found == [
                "r.yaml:2:29: interfaces.lan0.mtu: lan0.8 has IPv6 and packets of 1276 bytes, where IPv6 wants 1280; "
                    + "give 1280 or more, or take the IPv6 addresses off lan0.8"
            ])
    }

    /// Where the device has the MTU: IPv6 stops, and goes on when the link is long enough.
    @Test func learned() throws {
        let lab = try IP6Lab(wanMTU: 1279)
        let (index, interfaces) = (lab.wan.interface.index, lab.ip.interfaces!)
        #expect(interfaces.isStopped(index) && !lab.wan.interface.flags.contains(.ip6))
        #expect(interfaces.all(of: index).allSatisfy { $0.state == .stopped })
        #expect(lab.wan.interface.details.map(\.value) == ["stopped: the MTU is below 1280"])
        let refused = lab.bench.outcome(of: [(lab.lan, lab.datagram(to: IP6Lab.far))])
        #expect(refused.frames["wan"] == nil, "\(refused)")
        lab.wan.interface.mtu = 1280
        #expect(!interfaces.isStopped(index) && lab.wan.interface.flags.contains(.ip6))
        #expect(lab.wan.interface.details.isEmpty)
        lab.bench.settle()
        _ = lab.wan.takeSent()
        lab.bench.send(
            [lab.datagram(to: IP6Lab.far)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(to: IP6Lab.far)])])
        lab.wan.interface.mtu = 1000
        #expect(interfaces.isStopped(index))
        // IPv4 knows no such limit, and without an address of IPv6 there is nothing to stop.
        for own in interfaces.all(of: index) { interfaces.remove(own.value, from: lab.wan.interface) }
        #expect(!interfaces.isStopped(index) && lab.wan.interface.details.isEmpty)
        try interfaces.add(InterfaceAddress("10.1.0.1/24")!, to: lab.wan.interface)
        #expect(!interfaces.isStopped(index) && lab.wan.interface.flags.contains(.ip4))
    }
}
