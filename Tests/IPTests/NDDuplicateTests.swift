// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Two stations with one hardware address (RFC 4862 section 5.4.5).
@Suite @ControlPlane struct NDDuplicateTests {
    /// RFC 4862 section 5.4.5: a duplicate of the address that is made of the MAC says that the MAC is one: no packet of IPv6
    /// goes in or out there, until the link comes up anew.
    @Test func duplicateOfTheMACStopsIPv6() throws {
        let lab = try NDLab(probes: 1)
        let index = lab.wan.interface.index
        let interfaces = try #require(lab.ip.interfaces)
        func states() -> [String: OwnAddress.State] {
            interfaces.all(of: index).reduce(into: [:]) { $0["\($1.address)"] = $1.state }
        }
        #expect(lab.bench.step(until: { states().values.allSatisfy { $0 == .usable } }))
        try lab.ip.neighbors.addStatic(.v6(NDLab.c.ip), at: NDLab.c.mac, on: lab.wan.interface)
        let far = IPv6Address("2001:db8:ff::1")!
        try lab.ip.fib.setRoute(
            IPPrefix("2001:db8:ff::/48")!, [.neighbor(.v6(NDLab.c.ip), on: lab.wan.interface)])
        func bounce() {
            lab.wan.interface.isLinkUp = false
            lab.wan.interface.isLinkUp = true
        }
        interfaces.decide(.v6(NDLab.wanLink), on: lab.wan.interface, .tentative)
        _ = lab.bench.outcome(of: [(lab.wan, lab.question(for: NDLab.wanLink, from: .any))])
        #expect(
            states() == [
                "10.1.0.1": .usable, "fe80::ff:fe00:2": .duplicate, "2001:db8:b::1": .stopped,
            ])
        #expect(interfaces.isStopped(index))
        #expect(lab.wan.interface.details.contains { $0.name == "ipv6" && $0.value.hasPrefix("stopped") })
        #expect(lab.wan.interface.flags.isSuperset(of: .ip4) && !lab.wan.interface.flags.contains(.ip6))
        // Nothing in, nothing out; IPv4 goes on.
        let refused = lab.bench.outcome(of: [(lab.wan, lab.question())])
        #expect(refused.drops == ["ethernet-input/ip6-disabled": 1] && refused.frames["wan"] == nil)
        for destination in [NDLab.c.ip, far] {
            let outcome = lab.bench.outcome(of: [(lab.lan, lab.datagram(to: destination))])
            #expect(outcome.frames["wan"] == nil && outcome.frames["lan"]?.isEmpty == false, "\(outcome)")
        }
        #expect(
            lab.bench.outcome(of: [(lab.lan, lab.lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.b.ip).bytes)])
                .frames["wan"]?.count == 1)
        // An address that is given meanwhile waits too.
        try interfaces.add(InterfaceAddress("2001:db8:c::1/64")!, to: lab.wan.interface)
        #expect(states()["2001:db8:c::1"] == .stopped)
        bounce()
        #expect(!interfaces.isStopped(index))
        #expect(lab.bench.step(until: { states().values.allSatisfy { $0 == .usable } }), "\(states())")
        #expect(lab.wan.interface.flags.contains(.ip6) && lab.wan.interface.details.isEmpty)
        lab.bench.settle()
        _ = lab.wan.takeSent()
        #expect(lab.bench.outcome(of: [(lab.lan, lab.datagram(to: far))]).frames["wan"]?.count == 1)
        lab.bench.checkBalance()
    }

    /// One that was given is lost alone (RFC 4862 section 5.4.5), and giving another ends the stop.
    @Test func duplicateOfAGivenLinkLocalAddressStopsNothing() throws {
        let lab = try NDLab(probes: 1)
        let interfaces = try #require(lab.ip.interfaces)
        func lose(_ address: IPv6Address) {
            interfaces.decide(.v6(address), on: lab.wan.interface, .tentative)
            _ = lab.bench.outcome(of: [(lab.wan, lab.question(for: address, from: .any))])
        }
        #expect(lab.bench.step(until: { lab.ip.neighbors.probes.isEmpty }))
        lose(NDLab.wanLink)
        #expect(interfaces.isStopped(lab.wan.interface.index))
        let given = IPv6Address("fe80::1")!
        try interfaces.add(InterfaceAddress("fe80::1/64")!, to: lab.wan.interface)
        #expect(!interfaces.isStopped(lab.wan.interface.index))
        #expect(lab.bench.step(until: { lab.ip.neighbors.probes.isEmpty }))
        lose(given)
        #expect(!interfaces.isStopped(lab.wan.interface.index))
        #expect(interfaces.isUsable(.v6(NDLab.wanIP), on: lab.wan.interface.index))
    }
}
