// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

// What becomes of entries in time, and how many there may be.
extension NeighborTests {
    // MARK: - Age and change

    /// What nothing is sent to is asked nothing; what is used is asked by unicast, and used meanwhile.
    @Test func agedEntriesAreAskedByUnicastThenDeleted() {
        lab.ip.neighbors.policy.reachableTime = 20
        lab.ip.neighbors.policy.delayTime = 60
        _ = lab.bench.outcome(of: [(lab.lan, datagram(1))])
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, [forwarded(1)])])
        #expect(state == .reachable)
        #expect(lab.bench.step(until: { state == .stale }))
        lab.bench.send([datagram(2)], at: lab.lan, expect: [(lab.wan, [forwarded(2)])])
        #expect(lab.bench.step(until: { state == .delay }))
        #expect(lab.wan.takeSent() == [])
        #expect(lab.bench.step(until: { state == .probe }))
        lab.bench.send(
            [datagram(3)], at: lab.lan, expect: [(lab.wan, [request(to: NeighborTests.c.mac), forwarded(3)])])
        // An answer makes it as good as new; silence ends it.
        lab.bench.send([reply()], at: lab.wan)
        #expect(state == .reachable)
        #expect(lab.bench.step(until: { state == .stale }))
        lab.bench.send([datagram(4)], at: lab.lan, expect: [(lab.wan, [forwarded(4)])])
        #expect(lab.bench.step(until: { state == nil }))
        #expect(lab.wan.takeSent() == [[UInt8]](repeating: request(to: NeighborTests.c.mac), count: 3))
        #expect(hostRoute.isEmpty)
    }

    @Test func unusedEntriesGo() {
        lab.ip.neighbors.policy.unusedTime = 150
        lab.bench.send([requestToUs()], at: lab.wan, expect: [(lab.wan, [answer()])])
        #expect(state == .stale)
        #expect(lab.bench.step(until: { state == nil }))
        #expect(lab.wan.takeSent() == [])
        #expect(hostRoute.isEmpty)
    }

    @Test func linkDownFlushesDynamicEntries() {
        lab.bench.send([requestToUs()], at: lab.wan, expect: [(lab.wan, [answer()])])
        lab.wan.interface.isLinkUp = false
        #expect(state == nil)
        #expect(lab.ip.neighbors[IPLab.b.ip, lab.wan.interface]?.state == .static)
        let before = lab.bench.drops
        lab.wan.interface.isLinkUp = true
        lab.bench.settle()
        let announcement = PacketBuilder().ethernet(from: lab.wan.mac, to: .broadcast)
            .arp(.announcement(of: IPLab.wanIP, at: lab.wan.mac)).padded().bytes
        lab.expectEqual(lab.bench.outcome(since: before), .init(frames: ["wan": [announcement]]))
    }

    @Test func macChangeReachesAdjacencies() {
        lab.wan.interface.mac = MACAddress(0x0200_0000_0077).littleEndianValue
        lab.bench.settle()
        _ = lab.wan.takeSent()
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far).udp(from: 1, to: 2).bytes
        let sent = PacketBuilder().ethernet(from: MACAddress(0x0200_0000_0077), to: IPLab.b.mac)
            .ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 63).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, expect: [(lab.wan, [sent])])
    }

    @Test func tableIsBounded() {
        lab.ip.neighbors.policy.maximum = 3
        _ = lab.bench.outcome(of: [(lab.lan, datagram(1))])
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, [forwarded(1)])])
        // Answered, but not kept: the others are static or have just answered.
        let d = (ip: IPv4Address(10, 1, 0, 34), mac: MACAddress(0x0200_0000_00d4))
        lab.bench.send(
            [requestToUs(from: d.mac, ip: d.ip)], at: lab.wan, expect: [(lab.wan, [answer(to: d.mac, ip: d.ip)])])
        #expect(lab.ip.neighbors.count == 3)
        let frame = datagram(to: d.ip)
        let outcome = lab.bench.outcome(of: [(lab.lan, frame)])
        #expect(outcome.frames["lan"]?.count == 1)
        #expect(outcome.drops == ["ip4-icmp-error/host-unreachable": 1])
        #expect(lab.ip.neighbors.counters.tableFull == 2)
    }

    /// What nothing is sent to makes room for what packets are sent to.
    @Test func unusedMakesRoom() {
        lab.ip.neighbors.policy.maximum = 3
        lab.bench.send([requestToUs()], at: lab.wan, expect: [(lab.wan, [answer()])])
        let other = IPv4Address(10, 1, 0, 34)
        lab.bench.send([datagram(to: other)], at: lab.lan, expect: [(lab.wan, [request(for: other)])])
        #expect(state == nil)
        #expect(lab.ip.neighbors.counters.evicted == 1)
        #expect(lab.ip.neighbors.count == 3)
    }

    /// A scan of the network takes no more than its share, and the oldest go first.
    @Test func scansAreBounded() {
        lab.ip.neighbors.policy.maximumIncomplete = 4
        lab.ip.neighbors.policy.retransmitInterval = 10_000
        for host in 100..<110 as Range<UInt8> {
            _ = lab.bench.outcome(of: [(lab.lan, datagram(to: IPv4Address(10, 1, 0, host)))])
        }
        let known = lab.ip.neighbors.all.filter { $0.state == .incomplete }.map(\.key.address)
        #expect(known == (106..<110).map { .v4(IPv4Address(10, 1, 0, $0)) })
        #expect(lab.ip.neighbors.counters.incompleteDropped == 6)
    }

    /// Of the packets of all neighbours the latest are kept.
    @Test func heldPacketsAreBounded() {
        lab.ip.neighbors.policy.maximumHeld = 3
        lab.ip.neighbors.policy.retransmitInterval = 10_000
        for number in 1...3 as ClosedRange<UInt16> { _ = lab.bench.outcome(of: [(lab.lan, datagram(number))]) }
        _ = lab.bench.outcome(of: [(lab.lan, datagram(4, to: IPv4Address(10, 1, 0, 99)))])
        #expect(lab.ip.neighbors.counters.heldDropped == 1)
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, [forwarded(2), forwarded(3)])])
    }

    /// An older "down" behind a newer "up" would end the peer's BFD session.
    @Test func packetsOfBFDAreNotHeld() throws {
        let adjacency = try lab.ip.fib.adjacencies.adjacency(to: .v4(NeighborTests.c.ip), on: lab.wan.interface)
        let datagram = PacketBuilder().ipv4(from: IPLab.wanIP, to: NeighborTests.c.ip).udp(from: 49152, to: 3784).bytes
        for _ in 0..<2 {
            let flags: BufferFlags = [.locallyOriginated, .pinned]
            #expect(lab.bench.engine.inject(datagram, at: "ip4-rewrite", adjacency: adjacency, flags: flags))
            lab.bench.settle()
        }
        #expect(lab.wan.takeSent() == [request()])
        #expect(lab.ip.neighbors.counters.notHeld == 2)
        lab.bench.send([reply()], at: lab.wan, expect: [])
    }

    /// Entries and adjacencies that come and go leave nothing behind.
    @Test func adjacenciesAreGivenBack() throws {
        let adjacencies = lab.ip.fib.adjacencies.count
        for _ in 0..<3 {
            lab.bench.send([requestToUs()], at: lab.wan, expect: [(lab.wan, [answer()])])
            try lab.ip.addRoute(IPPrefix("30.0.0.0/8")!, via: .v4(NeighborTests.c.ip))
            #expect(lab.ip.fib.adjacencies.count == adjacencies + 1)
            lab.ip.neighbors.flush()
            #expect(lab.ip.fib.adjacencies.count == adjacencies + 1)
            lab.ip.fib.removeRoute(IPPrefix("30.0.0.0/8")!)
            #expect(lab.ip.fib.adjacencies.count == adjacencies)
        }
    }
}
