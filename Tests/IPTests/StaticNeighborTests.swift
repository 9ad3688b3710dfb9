// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Static neighbours whose loss somebody wants to see: they are asked, and their addresses stay what the operator said.
@Suite @ControlPlane struct StaticNeighborTests {
    private let lab: IPLab
    private let b: AdjacencyIndex

    init() throws {
        lab = try IPLab()
        lab.ip.neighbors.policy.requests = 2
        let key = NeighborKey(interface: lab.wan.interface.index, address: .v4(IPLab.b.ip))
        b = try #require(lab.ip.fib.adjacencies.existing(key))
    }

    private var isLost: Bool { lab.ip.fib.adjacencies.table[b].status.failures.contains(.neighbor) }
    private var neighbor: Neighbor? { lab.ip.neighbors[.v4(IPLab.b.ip), lab.wan.interface] }

    private var question: [UInt8] {
        lab.toB.arp(.request(for: IPLab.b.ip, from: lab.wan.mac, IPLab.wanIP)).padded().bytes
    }

    private func answer(by mac: MACAddress = IPLab.b.mac) -> [UInt8] {
        PacketBuilder().ethernet(from: mac, to: lab.wan.mac).arp(
            ARPPacket.request(for: IPLab.b.ip, from: lab.wan.mac, IPLab.wanIP).reply(from: mac)
        ).padded().bytes
    }

    private func datagram() -> [UInt8] {
        lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far).udp(from: 1, to: 2).payload(count: 20).bytes
    }

    /// Without an interval there is nothing to keep: it is resolved.
    @Test func notAskedWithoutAnInterval() {
        lab.ip.neighbors.keepResolved(b)
        #expect(neighbor?.timer == nil)
        lab.bench.send([], at: lab.lan)
        #expect(neighbor?.state == .static)
    }

    @Test func silenceIsAFailure() throws {
        lab.ip.neighbors.keepResolved(b, every: 20)
        // As long as it answers, by unicast, it is in use.
        for _ in 0..<5 {
            var asked: [[UInt8]] = []
            #expect(
                lab.bench.step(until: {
                    asked += lab.wan.takeSent()
                    return !asked.isEmpty
                }))
            #expect(asked == [question])
            _ = lab.bench.outcome(of: [(lab.wan, answer())])
            #expect(!isLost)
        }
        // Another station's answer is none.
        var asked = 0
        #expect(
            lab.bench.step(until: {
                let sent = lab.wan.takeSent().count
                asked += sent
                if sent > 0 { lab.wan.send(answer(by: MACAddress(0x0200_0000_00ee))) }
                return isLost
            }))
        #expect(asked >= 2)
        #expect(neighbor?.state == .static && neighbor?.mac == IPLab.b.mac)
        lab.expectLost(datagram())
        #expect(lab.ip.neighbors.counters.lost == 1)
        // It is asked further, and believed again when it answers.
        #expect(lab.bench.step(until: { !lab.wan.takeSent().isEmpty }))
        _ = lab.bench.outcome(of: [(lab.wan, answer())])
        #expect(!isLost)
        #expect(lab.bench.outcome(of: [(lab.lan, datagram())]).frames["wan"]?.isEmpty == false)
    }

    /// Who ends the probing does not leave the neighbour out of use.
    @Test func endsWithItsKeeper() {
        lab.ip.neighbors.keepResolved(b, every: 20)
        #expect(lab.bench.step(until: { isLost }))
        lab.ip.neighbors.stopKeeping(b, every: 20)
        #expect(!isLost && neighbor?.timer == nil)
    }

    /// While the link is down nobody is asked, and nobody is lost for it.
    @Test func linkDown() {
        lab.wan.interface.isLinkUp = false
        lab.ip.neighbors.keepResolved(b, every: 10)
        let until = Clock.now &+ Clock.ticks(milliseconds: 100)
        #expect(lab.bench.step(until: { Clock.now > until }))
        #expect(!isLost && lab.wan.takeSent().isEmpty)
    }

    @Test func ip6() throws {
        let lab = try NDLab { _, lab in lab.ip.neighbors.policy.requests = 2 }
        try lab.ip.neighbors.addStatic(.v6(NDLab.c.ip), at: NDLab.c.mac, on: lab.wan.interface)
        let key = NeighborKey(interface: lab.wan.interface.index, address: .v6(NDLab.c.ip))
        let c = try #require(lab.ip.fib.adjacencies.existing(key))
        lab.ip.neighbors.keepResolved(c, every: 20)
        var asked: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                asked += lab.wan.takeSent()
                return lab.ip.neighbors.isLost(lab.neighbor()!)
            }))
        #expect(asked == [[UInt8]](repeating: lab.solicitation(at: NDLab.c.mac), count: asked.count))
        _ = lab.bench.outcome(of: [(lab.wan, lab.advertisement())])
        #expect(!lab.ip.neighbors.isLost(lab.neighbor()!))
    }
}

extension IPLab {
    /// The sender hears that the host is unreachable, whatever else leaves meanwhile.
    fileprivate func expectLost(_ frame: [UInt8]) {
        let outcome = bench.outcome(of: [(lan, frame)])
        #expect(outcome.drops == ["ip4-icmp-error/next-hop-down": 1])
        #expect(outcome.frames["lan"]?.count == 1)
    }
}
