// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// Reverse path checks by routes that the golden cases have not.
@Suite @ControlPlane struct IP6ReversePathTests {
    let lab: IP6Lab
    private let destination = IP6Lab.b.ip

    init() throws {
        lab = try IP6Lab()
        try lab.ip.setReversePath(.strict, on: lab.lan.interface)
    }

    private func frame(from source: IPv6Address) -> [UInt8] {
        lab.fromA.ipv6(from: source, to: destination).udp(from: 1, to: 2).bytes
    }

    private func passes(_ source: IPv6Address, sourceLocation: SourceLocation = #_sourceLocation) {
        let frame = lab.toB.ipv6(from: source, to: destination, hopLimit: 63).udp(from: 1, to: 2).bytes
        lab.bench.send(
            [self.frame(from: source)], at: lab.lan, expect: [(lab.wan, [frame])], sourceLocation: sourceLocation)
    }

    private func fails(_ source: IPv6Address, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
        lab.bench.send(
            [frame(from: source)], at: lab.lan, drops: ["ip6-urpf/\(reason)": 1], sourceLocation: sourceLocation)
    }

    /// Any of several paths will do, whichever the packet's own flow would take.
    @Test func severalPaths() throws {
        let paths = [(IP6Lab.a.ip, lab.lan), (IP6Lab.b.ip, lab.wan)].map {
            Path.neighbor(.v6($0.0), on: $0.1.interface)
        }
        try lab.ip.fib.setRoute(IPPrefix("2001:db8:50::/48")!, paths)
        for host in 1..<32 as Range<UInt64> {
            passes(IPv6Address(high: 0x2001_0db8_0050_0000, low: host))
        }
        fails(IP6Lab.far, "wrong-interface")
    }

    @Test func backups() throws {
        var path = Path.neighbor(.v6(IP6Lab.b.ip), on: lab.wan.interface)
        path.backup = [.neighbor(.v6(IP6Lab.a.ip), on: lab.lan.interface)]
        try lab.ip.fib.setRoute(IPPrefix("2001:db8:51::/48")!, [path])
        passes(IPv6Address("2001:db8:51::1")!)
    }

    @Test func otherTable() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        let prefix = IPPrefix("2001:db8:52::/48")!
        try lab.ip.fib.setRoute(prefix, [.neighbor(.v6(IP6Lab.a.ip), on: lab.lan.interface)], in: red)
        try lab.ip.fib.setRoute(prefix, [Path(.table(red.index))])
        passes(IPv6Address("2001:db8:52::1")!)
    }

    /// An advertisement of an own address by another station, as it comes to all nodes.
    private func claim(_ address: IPv6Address, hopLimit: UInt8 = 255) -> [UInt8] {
        PacketBuilder().ethernet(from: IP6Lab.a.mac, to: MACAddress(multicast: IPv6Address.allNodes))
            .ipv6(from: address, to: .allNodes, hopLimit: hopLimit)
            .discovery(
                NeighborAdvertisement(
                    target: address, station: IP6Lab.a.mac, isRouter: false, isSolicited: false, isOverriding: true)
            ).bytes
    }

    /// Who claims an own address on the link must be heard (RFC 4862 section 5.4); nobody else may use it.
    @Test(arguments: [ReversePathMode.strict, .loose]) func conflictsAreHeard(mode: ReversePathMode) throws {
        try lab.ip.setReversePath(mode, on: lab.lan.interface)
        let outcome = lab.bench.outcome(of: [(lab.lan, claim(IP6Lab.lanIP))])
        #expect(outcome.drops == [:])
        #expect(lab.ip.neighbors.counters.conflicts == 1)
        lab.bench.send([claim(IP6Lab.lanIP, hopLimit: 254)], at: lab.lan, drops: ["ip6-urpf/own-source": 1])
        fails(IP6Lab.lanIP, "own-source")
        #expect(lab.ip.neighbors.counters.conflicts == 1)
    }

    @Test func duplicatesAreHeard() throws {
        lab.ip.neighbors.policy.ip6Probes = 1
        lab.ip.neighbors.policy.retransmitInterval = 60_000
        let own = IPv6Address("2001:db8:c::1")!
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:c::1/64")!, to: lab.lan.interface)
        #expect(lab.bench.step(until: { !lab.lan.takeSent().isEmpty }))
        fails(own, "no-route")
        lab.bench.send([claim(own, hopLimit: 254)], at: lab.lan, drops: ["ip6-urpf/no-route": 1])
        #expect(lab.ip.interfaces.all(of: lab.lan.interface.index).last?.state == .tentative)
        lab.bench.send([claim(own)], at: lab.lan)
        #expect(lab.ip.interfaces.all(of: lab.lan.interface.index).last?.state == .duplicate)
    }

    @Test func modes() throws {
        fails(IP6Lab.far, "wrong-interface")
        try lab.ip.setReversePath(.loose, on: lab.lan.interface)
        passes(IP6Lab.far)
        fails(IPv6Address("2001:db8:99::1")!, "no-route")
        try lab.ip.setReversePath(nil, on: lab.lan.interface)
        passes(IPv6Address("2001:db8:99::1")!)
    }
}
