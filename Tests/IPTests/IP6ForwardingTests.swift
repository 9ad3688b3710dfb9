// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// IPv6 packets through the router, by routes that the golden cases have not.
@Suite @ControlPlane struct IP6ForwardingTests {
    let lab: IP6Lab

    init() throws { lab = try IP6Lab() }

    private func set(_ prefix: String, _ paths: [Path], in table: VRF? = nil) throws {
        try lab.ip.fib.setRoute(IPPrefix(prefix)!, paths, in: table)
    }

    @Test func longestPrefix() throws {
        try set("2001:db8:20::/64", [Path(.discard(.blackhole))])
        try set("2001:db8:20::3/128", [.neighbor(.v6(IP6Lab.b.ip), on: lab.wan.interface)])
        lab.bench.send(
            [
                lab.datagram(to: IP6Lab.far), lab.datagram(to: IPv6Address("2001:db8:20::4")!),
                lab.datagram(to: IPv6Address("2001:db8:20:1::4")!),
            ], at: lab.lan,
            expect: [
                (
                    lab.wan,
                    [
                        lab.forwarded(to: IP6Lab.far),
                        lab.forwarded(to: IPv6Address("2001:db8:20:1::4")!),
                    ]
                )
            ], drops: ["ip6-no-forwarding/blackhole": 1])
    }

    @Test func routeTypes() throws {
        try set("2001:db8:30::/48", [Path(.discard(.unreachable))])
        try set("2001:db8:31::/48", [Path(.discard(.prohibit))])
        let unreachable = lab.datagram(to: IPv6Address("2001:db8:30::1")!)
        lab.expectError(.unreachable(.address), about: unreachable, drop: "address-unreachable")
        let prohibited = lab.datagram(to: IPv6Address("2001:db8:31::1")!)
        lab.expectError(.unreachable(.prohibited), about: prohibited, drop: "prohibited")
        lab.expectError(
            .unreachable(.noRoute), about: lab.datagram(to: IPv6Address("2001:db8:32::1")!), drop: "no-route")
    }

    /// Each flow keeps its path, and both paths are used.
    @Test func severalPaths() throws {
        let c = (ip: IPv6Address("2001:db8:1::3")!, mac: MACAddress(0x0200_0000_00c2))
        try lab.ip.neighbors.addStatic(.v6(c.ip), at: c.mac, on: lab.wan.interface)
        let paths = [IP6Lab.b.ip, c.ip].map { Path.neighbor(.v6($0), on: lab.wan.interface) }
        try set("2001:db8:20::/48", paths)
        func macs(_ ports: Range<UInt16>) -> [[UInt8]] {
            let frames = ports.map { (lab.lan, lab.datagram(to: IP6Lab.far, from: $0)) }
            return (lab.bench.outcome(of: frames).frames["wan"] ?? []).map { Array($0.prefix(6)) }
        }
        let first = macs(1000..<1128)
        #expect(first.count == 128)
        #expect(Set(first).count == 2)
        #expect(macs(1000..<1128) == first)
        lab.bench.checkBalance()
    }

    /// A table of its own: the same address means something else there, and packets of both tables may share a frame.
    @Test func tables() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        try set("2001:db8:20::/48", [Path(.discard(.prohibit))], in: red)
        try lab.ip.interfaces.bind(lab.wan.interface, to: red)
        // It announces its addresses.
        lab.bench.settle()
        _ = lab.wan.takeSent()
        try lab.ip.neighbors.addStatic(.v6(IP6Lab.b.ip), at: IP6Lab.b.mac, on: lab.wan.interface)
        try set("\(IP6Lab.b.ip)/128", [.neighbor(.v6(IP6Lab.b.ip), on: lab.wan.interface)], in: red)
        let fromB = lab.fromB.ipv6(from: IP6Lab.b.ip, to: IP6Lab.far).udp(from: 1, to: 2).bytes
        try set("2001:db8:20::/48", [Path(.discard(.blackhole))])
        let outcome = lab.bench.outcome(of: [
            (lab.lan, lab.datagram(to: IP6Lab.far)), (lab.wan, fromB), (lab.lan, lab.datagram(to: IP6Lab.far)),
        ])
        #expect(outcome.drops == ["ip6-no-forwarding/blackhole": 2, "ip6-icmp-error/prohibited": 1])
        #expect(outcome.frames["wan"]?.count == 1)
        #expect(outcome.frames["lan"] == nil)
    }

    /// A table that asks another.
    @Test func tableThatLeaks() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        try set("2001:db8:40::/48", [.neighbor(.v6(IP6Lab.b.ip), on: lab.wan.interface)], in: red)
        try set("2001:db8:40::/48", [Path(.table(red.index))])
        let destination = IPv6Address("2001:db8:40::1")!
        lab.bench.send(
            [lab.datagram(to: destination)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(to: destination)])])
        try set("2001:db8:41::/48", [Path(.table(.main))], in: red)
        try set("2001:db8:41::/48", [Path(.table(red.index))])
        lab.bench.send(
            [lab.datagram(to: IPv6Address("2001:db8:41::1")!)], at: lab.lan, drops: ["ip6-no-forwarding/route-loop": 1])
    }

    /// An IPv4 next hop carries IPv6 packets: who has its address, and what the packet is, are two things.
    @Test func overAnIPv4NextHop() throws {
        let next = (ip: IPv4Address(10, 1, 0, 9), mac: MACAddress(0x0200_0000_00d2))
        try lab.ip.interfaces.add(InterfaceAddress("10.1.0.1/24")!, to: lab.wan.interface)
        // It announces its addresses.
        lab.bench.settle()
        _ = lab.wan.takeSent()
        try lab.ip.neighbors.addStatic(.v4(next.ip), at: next.mac, on: lab.wan.interface)
        try set("2001:db8:20::/48", [.neighbor(.v4(next.ip), on: lab.wan.interface)])
        let frame = PacketBuilder().ethernet(from: lab.wan.mac, to: next.mac)
            .ipv6(from: IP6Lab.a.ip, to: IP6Lab.far, hopLimit: 63).udp(from: 1000, to: 53).payload(count: 20).bytes
        lab.bench.send([lab.datagram(to: IP6Lab.far)], at: lab.lan, expect: [(lab.wan, [frame])])
    }

    /// One link-local address on two links is two neighbours.
    @Test func linkLocalNeighbors() throws {
        let ping = ICMPv6Message.echoRequest(identifier: 1, sequence: 1)
        let pong = ICMPv6Message.echoReply(identifier: 1, sequence: 1)
        for (port, host, from) in [(lab.lan, IP6Lab.a, lab.fromA), (lab.wan, IP6Lab.b, lab.fromB)] {
            let own = try #require(lab.ip.interfaces.linkLocal(of: port.interface.index))
            let request = from.ipv6(from: IP6Lab.linkLocal, to: own).icmp6(ping).bytes
            let reply = PacketBuilder().ethernet(from: port.mac, to: host.mac)
                .ipv6(from: own, to: IP6Lab.linkLocal).icmp6(pong).bytes
            lab.bench.send([request], at: port, expect: [(port, [reply])])
        }
    }

    /// While the neighbour is down its backup carries the packets; before the control side has heard of it, and without one,
    /// the sender is told.
    @Test func backup() throws {
        let c = (ip: IPv6Address("2001:db8:1::3")!, mac: MACAddress(0x0200_0000_00c2))
        try lab.ip.neighbors.addStatic(.v6(c.ip), at: c.mac, on: lab.wan.interface)
        let keys = [IP6Lab.b.ip, c.ip].map { NeighborKey(interface: lab.wan.interface.index, address: .v6($0)) }
        let adjacencies = lab.ip.fib.adjacencies
        let (b, other) = (try #require(adjacencies.existing(keys[0])), try #require(adjacencies.existing(keys[1])))
        let route = try #require(lab.ip.fib.forwarding(to: .v6(IP6Lab.far)))
        #expect(route == Forwarding(.rewrite, b))
        adjacencies.table.setBFDDown(b, true)
        lab.expectError(
            .unreachable(.address), about: lab.datagram(to: IP6Lab.far), drop: "next-hop-down")
        adjacencies.setBackup(Forwarding(.rewrite, other), of: b)
        let frame = PacketBuilder().ethernet(from: lab.wan.mac, to: c.mac)
            .ipv6(from: IP6Lab.a.ip, to: IP6Lab.far, hopLimit: 63).udp(from: 1000, to: 53).payload(count: 20).bytes
        lab.bench.send([lab.datagram(to: IP6Lab.far)], at: lab.lan, expect: [(lab.wan, [frame])])
    }

    @Test func countsByAdjacency() throws {
        let key = NeighborKey(interface: lab.wan.interface.index, address: .v6(IP6Lab.b.ip))
        let index = try #require(lab.ip.fib.adjacencies.existing(key))
        let before = lab.ip.fib.adjacencies.counters.count(of: index)
        let frame = lab.datagram(to: IP6Lab.far)
        _ = lab.bench.outcome(of: [(lab.lan, frame), (lab.lan, frame)])
        let after = lab.ip.fib.adjacencies.counters.count(of: index)
        #expect(after.packets - before.packets == 2)
        #expect(after.bytes - before.bytes == UInt64(2 * frame.count))
    }
}
