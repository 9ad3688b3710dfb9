// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Backups of IPv6 next hops and prefixes:
///
///     host a —— lan [router] wan 2001:db8:1::1/64 —— next hop b 2001:db8:1::2, fe80::2 —— 2001:db8:20::/48
///                            alt 2001:db8:2::1/64, 10.2.0.1/24 —— next hop c 2001:db8:2::2, fe80::2, 10.2.0.2
@Suite @ControlPlane struct FastRerouteIPv6Tests {
    private static let c = (ip: IPv6Address("2001:db8:2::2")!, mac: MACAddress(0x0200_0000_00c2))
    private static let c4 = IPv4Address(10, 2, 0, 2)

    private let lab: IP6Lab
    private let alt: BenchPort
    private var frr: FastReroute { lab.ip.fastReroute }
    private var fib: FIB { lab.ip.fib }
    private var toC: PacketBuilder { PacketBuilder().ethernet(from: alt.mac, to: FastRerouteIPv6Tests.c.mac) }

    init() throws {
        lab = try IP6Lab(start: false)
        alt = lab.bench.addPort("alt", mac: MACAddress(0x0200_0000_0003))
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:2::1/64")!, to: alt.interface)
        try lab.ip.interfaces.add(InterfaceAddress("10.2.0.1/24")!, to: alt.interface)
        for address in [.v6(FastRerouteIPv6Tests.c.ip), .v6(IP6Lab.linkLocal), .v4(FastRerouteIPv6Tests.c4)]
            as [IPAddress]
        {
            try lab.ip.neighbors.addStatic(address, at: FastRerouteIPv6Tests.c.mac, on: alt.interface)
        }
        lab.ip.fastReroute.policy = RestorationPolicy(waitToRestore: 0, holdDown: 0)
        try lab.bench.start()
    }

    private func path(_ address: IPv6Address, _ port: BenchPort) -> Path { .neighbor(.v6(address), on: port.interface) }

    private func expect(
        _ port: BenchPort, _ start: PacketBuilder, to destination: IPv6Address = IP6Lab.far,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let frame = start.ipv6(from: IP6Lab.a.ip, to: destination, hopLimit: 63).udp(from: 1000, to: 53)
            .payload(count: 20).bytes
        lab.bench.send(
            [lab.datagram(to: destination)], at: lab.lan, expect: [(port, [frame])], sourceLocation: sourceLocation)
    }

    /// What interfaces announce when they come up is not what the tests are about.
    private func discardSent() {
        lab.bench.settle()
        for port in lab.bench.ports { _ = port.takeSent() }
    }

    /// A failure of b by `trigger`, and its end.
    private func fail(_ trigger: FastRerouteLab.Trigger, _ b: AdjacencyIndex, _ isDown: Bool = true) {
        switch trigger {
        case .carrier: lab.wan.interface.isLinkUp = !isDown
        case .adminDown: lab.wan.interface.isAdminUp = !isDown
        case .neighbor: fib.adjacencies.setFailure(.neighbor, isDown, b)
        case .bfd:
            if isDown { fib.adjacencies.table.setBFDDown(b, true) }
            fib.adjacencies.setBFDDown(isDown, b)
        case .command: frr.setOutOfUse(b, isDown)
        }
    }

    @Test(arguments: FastRerouteLab.Trigger.allCases)
    func switchesAndReturns(trigger: FastRerouteLab.Trigger) throws {
        try frr.protect(.v6(IP6Lab.b.ip), on: lab.wan.interface, by: path(FastRerouteIPv6Tests.c.ip, alt))
        let b = try fib.adjacencies.adjacency(to: .v6(IP6Lab.b.ip), on: lab.wan.interface)
        expect(lab.wan, lab.toB)
        fail(trigger, b)
        expect(alt, toC)
        fail(trigger, b, false)
        discardSent()
        expect(lab.wan, lab.toB)
        let event = try #require(frr.switches.first)
        #expect(frr.switches.count == 1)
        #expect(event.reason == trigger.reason && event.nextHop == .v6(IP6Lab.b.ip))
        #expect(event.backup == "2001:db8:2::2 on alt" && event.firstPacket != nil && event.restored != nil)
    }

    /// Link-local next hops, as routing protocols give them: the same address on two links is two neighbours.
    @Test func linkLocalNextHops() throws {
        try fib.setRoute(IPPrefix("2001:db8:30::/48")!, [path(IP6Lab.linkLocal, lab.wan)])
        try frr.protect(.v6(IP6Lab.linkLocal), on: lab.wan.interface, by: path(IP6Lab.linkLocal, alt))
        let destination = IPv6Address("2001:db8:30::7")!
        expect(lab.wan, lab.toB, to: destination)
        lab.wan.interface.isLinkUp = false
        expect(alt, toC, to: destination)
        #expect(frr.switches.map(\.backup) == ["fe80::2 on alt"])
    }

    /// One backup for all that leads over a link, of either family.
    @Test func linkBackup() throws {
        try fib.setRoute(IPPrefix("2001:db8:30::/48")!, [path(IP6Lab.linkLocal, lab.wan)])
        try frr.protect(lab.wan.interface, by: path(FastRerouteIPv6Tests.c.ip, alt))
        lab.wan.interface.isLinkUp = false
        for destination in [IP6Lab.far, IPv6Address("2001:db8:30::7")!] { expect(alt, toC, to: destination) }
    }

    /// A neighbour is a MAC address on a link: it takes packets of the other family too.
    @Test func backupOfTheOtherFamily() throws {
        try frr.protect(
            .v6(IP6Lab.b.ip), on: lab.wan.interface,
            by: .neighbor(.v4(FastRerouteIPv6Tests.c4), on: alt.interface))
        lab.wan.interface.isLinkUp = false
        expect(alt, toC)
    }

    /// A backup of one prefix's path moves that prefix alone.
    @Test func backupOfAPath() throws {
        var protected = path(IP6Lab.b.ip, lab.wan)
        protected.backup = [path(FastRerouteIPv6Tests.c.ip, alt)]
        try fib.setRoute(IPPrefix("2001:db8:40::/48")!, [protected])
        let destination = IPv6Address("2001:db8:40::7")!
        let b = try fib.adjacencies.adjacency(to: .v6(IP6Lab.b.ip), on: lab.wan.interface)
        expect(lab.wan, lab.toB, to: destination)
        fib.adjacencies.setFailure(.neighbor, true, b)
        expect(alt, toC, to: destination)
        // The route without a backup is withdrawn, but the next hop is there to be unreachable.
        lab.expectError(.unreachable(.address), about: lab.datagram(to: IP6Lab.far), drop: "next-hop-down")
        fib.adjacencies.setFailure(.neighbor, false, b)
        expect(lab.wan, lab.toB, to: destination)
    }

    @Test func bothDownIsUnreachable() throws {
        try frr.protect(.v6(IP6Lab.b.ip), on: lab.wan.interface, by: path(FastRerouteIPv6Tests.c.ip, alt))
        let b = try fib.adjacencies.adjacency(to: .v6(IP6Lab.b.ip), on: lab.wan.interface)
        let c = try fib.adjacencies.adjacency(to: .v6(FastRerouteIPv6Tests.c.ip), on: alt.interface)
        for index in [b, c] { fib.adjacencies.table.setBFDDown(index, true) }
        lab.expectError(.unreachable(.address), about: lab.datagram(to: IP6Lab.far), drop: "next-hop-down")
    }

    @Test(arguments: [10, 50_000])
    func storesDoNotDependOnPrefixes(prefixes: Int) throws {
        try frr.protect(.v6(IP6Lab.b.ip), on: lab.wan.interface, by: path(FastRerouteIPv6Tests.c.ip, alt))
        let list = try fib.pathLists.acquire([path(IP6Lab.b.ip, lab.wan)])
        func address(_ number: Int) -> IPv6Address { IPv6Address(high: 0x2001_0db9_0000_0000 | UInt64(number), low: 0) }
        try fib.batch { () throws(RouteError) in
            for number in 0..<prefixes { try fib.setRoute(.v6(IPv6Prefix(address(number), length: 64)), list) }
        }
        let stores = fib.adjacencies.statusStores
        let b = try fib.adjacencies.adjacency(to: .v6(IP6Lab.b.ip), on: lab.wan.interface)
        fib.adjacencies.setFailure(.neighbor, true, b)
        #expect(fib.adjacencies.statusStores - stores == 1)
        for number in [0, prefixes / 2, prefixes - 1] { expect(alt, toC, to: address(number)) }
        #expect(fib.reprogramming.waiting == 0)
    }
}
