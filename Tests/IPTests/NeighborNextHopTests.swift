// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

// Neighbours that routes need, and the router's own addresses.
extension NeighborTests {
    // MARK: - Next hops

    static let far = IPv4Address(30, 1, 1, 1)
    var adjacency: AdjacencyIndex? {
        lab.ip.neighbors[NeighborTests.c.ip, lab.wan.interface]?.adjacency
    }
    var failures: AdjacencyStatus.Failures? {
        adjacency.map { lab.ip.fib.adjacencies.table[$0].status.failures }
    }

    /// A next hop that is silent is a failure, which routes go round, until it speaks again.
    @Test func silentNextHopIsAFailure() throws {
        let prefix = IPPrefix("30.0.0.0/8")!
        try lab.ip.addRoute(prefix, via: .v4(NeighborTests.c.ip))
        _ = lab.bench.outcome(of: [(lab.lan, datagram(1, to: NeighborTests.far))])
        let index = try #require(adjacency)
        var told: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                told += lab.lan.takeSent()
                return state == .unreachable && !told.isEmpty
            }))
        #expect(failures == .neighbor)
        #expect(lab.ip.neighbors.counters.unanswered == 1)
        // It is asked further, by all stations.
        _ = lab.wan.takeSent()
        var asked: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                asked += lab.wan.takeSent()
                return asked.count == 2
            }))
        #expect(asked == [request(), request()])
        _ = lab.bench.outcome(of: [(lab.wan, reply())])
        #expect(failures == [])
        #expect(adjacency == index)
        lab.bench.send(
            [datagram(2, to: NeighborTests.far)], at: lab.lan,
            expect: [(lab.wan, [forwarded(2, ip: NeighborTests.far)])])
        // Without the route its silence concerns nobody.
        lab.ip.fib.removeRoute(prefix)
        lab.ip.neighbors.flush()
        #expect(state == nil)
    }

    /// What is to be ready before it is needed is asked for without a packet, and its loss is seen without one.
    @Test func keptResolved() throws {
        let adjacencies = lab.ip.fib.adjacencies
        let before = adjacencies.count
        let index = try adjacencies.adjacency(to: .v4(NeighborTests.c.ip), on: lab.wan.interface)
        lab.ip.neighbors.keepResolved(index, every: 20)
        lab.bench.settle()
        #expect(lab.wan.takeSent() == [request()])
        _ = lab.bench.outcome(of: [(lab.wan, reply())])
        #expect(adjacencies.table[index].status.isReady)
        // Asked again and again, without a packet to it.
        #expect(lab.bench.step(until: { state == .probe }))
        lab.bench.settle()
        #expect(lab.wan.takeSent() == [request(to: NeighborTests.c.mac)])
        _ = lab.bench.outcome(of: [(lab.wan, reply())])
        #expect(state == .reachable)
        #expect(lab.bench.step(until: { state == .unreachable }))
        #expect(
            lab.wan.takeSent().prefix(3) == [
                request(to: NeighborTests.c.mac), request(to: NeighborTests.c.mac), request(to: NeighborTests.c.mac),
            ])
        #expect(adjacencies.table[index].status.failures == .neighbor)
        // After the link was away it is asked for again by itself.
        lab.wan.interface.isLinkUp = false
        #expect(state == nil)
        #expect(adjacencies.table[index].status.failures == .link)
        lab.wan.interface.isLinkUp = true
        #expect(state == .incomplete)
        lab.ip.neighbors.stopKeeping(index, every: 20)
        lab.ip.neighbors.flush()
        lab.bench.settle()
        #expect(adjacencies.count == before)
    }

    /// A new hardware address goes into the adjacency in place: routes keep theirs.
    @Test func indexOutlivesTheHardwareAddress() throws {
        try lab.ip.addRoute(IPPrefix("30.0.0.0/8")!, via: .v4(NeighborTests.c.ip))
        _ = lab.bench.outcome(of: [(lab.lan, datagram(1, to: NeighborTests.far))])
        _ = lab.bench.outcome(of: [(lab.wan, reply())])
        let index = try #require(adjacency)
        let moved = MACAddress(0x0200_0000_00d4)
        _ = lab.bench.outcome(of: [(lab.wan, reply(from: moved))])
        #expect(adjacency == index)
        lab.bench.send(
            [datagram(2, to: NeighborTests.far)], at: lab.lan,
            expect: [(lab.wan, [forwarded(2, to: moved, ip: NeighborTests.far)])])
    }

    // MARK: - Own addresses

    /// RFC 5227 section 2.1: asked for three times, used when nobody has it.
    @Test func ownAddressIsAskedForFirst() throws {
        lab.ip.neighbors.policy.ip4Probes = 3
        let own = IPv4Address(10, 7, 0, 1)
        try lab.ip.interfaces.add(InterfaceAddress("10.7.0.1/24")!, to: lab.wan.interface)
        #expect(lab.ip.fib.forwarding(to: .v4(own)) == .tentative)
        var sent: [[UInt8]] = []
        let isUsed = lab.bench.step(until: {
            sent += lab.wan.takeSent()
            return lab.ip.fib.forwarding(to: .v4(own))?.kind == .local && sent.count == 4
        })
        #expect(isUsed)
        let probe = PacketBuilder().ethernet(from: lab.wan.mac, to: .broadcast)
            .arp(.probe(for: own, from: lab.wan.mac)).padded().bytes
        let announcement = PacketBuilder().ethernet(from: lab.wan.mac, to: .broadcast)
            .arp(.announcement(of: own, at: lab.wan.mac)).padded().bytes
        #expect(sent == [probe, probe, probe, announcement])
    }

    /// An answer, an announcement or another's probe: the address is somebody else's.
    @Test(arguments: [0, 1, 2]) func ownAddressIsTaken(kind: Int) throws {
        lab.ip.neighbors.policy.ip4Probes = 3
        let own = IPv4Address(10, 7, 0, 1)
        try lab.ip.interfaces.add(InterfaceAddress("10.7.0.1/24")!, to: lab.wan.interface)
        #expect(lab.bench.step(until: { !lab.wan.takeSent().isEmpty }))
        let other = NeighborTests.c.mac
        let packets = [
            ARPPacket(.reply, senderMAC: other, senderIP: own, targetMAC: lab.wan.mac, targetIP: .any),
            .announcement(of: own, at: other), .probe(for: own, from: other),
        ]
        lab.bench.send([arp(packets[kind], to: .broadcast)], at: lab.wan)
        #expect(lab.ip.interfaces.all(of: lab.wan.interface.index).map(\.state) == [.usable, .duplicate])
        #expect(lab.ip.fib.forwarding(to: .v4(own)) == nil)
        #expect(lab.ip.neighbors.counters.conflicts == 1)
    }

    /// RFC 1027: for what is behind another port, not for the port's own hosts, not for what has no route.
    @Test func proxyAnswersForOthers() {
        let asked = requestToUs(for: IPLab.a.ip)
        lab.bench.send([asked], at: lab.wan, drops: ["arp-input/not-for-us": 1])
        lab.ip.neighbors.setProxy(true, on: lab.wan.interface)
        let answer = PacketBuilder().ethernet(from: lab.wan.mac, to: NeighborTests.c.mac)
            .arp(
                ARPPacket(
                    .reply, senderMAC: lab.wan.mac, senderIP: IPLab.a.ip, targetMAC: NeighborTests.c.mac,
                    targetIP: NeighborTests.c.ip)
            ).padded().bytes
        lab.bench.send([asked], at: lab.wan, expect: [(lab.wan, [answer])])
        for other in [IPLab.b.ip, IPLab.far, IPv4Address(10, 1, 0, 77), IPv4Address(99, 0, 0, 1)] {
            lab.bench.send([requestToUs(for: other)], at: lab.wan)
        }
        #expect(lab.ip.neighbors.counters.proxyReplies == 1)
    }
}
