// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// What the router tells hosts of itself, and what it makes of other routers (RFC 4861 section 6).
@Suite @ControlPlane struct NDRouterTests {
    private static let prefix = IPv6Prefix("2001:db8:b::/64")!

    private func lab(_ change: (inout RouterAdvertisementPolicy) -> Void = { _ in }) throws -> NDLab {
        var policy = RouterAdvertisementPolicy()
        change(&policy)
        return try NDLab { ip, lab in ip.neighbors.advertiser.set(policy, on: lab.wan.interface) }
    }

    private func frame(_ message: RouterAdvertisement, _ lab: NDLab) -> [UInt8] {
        var message = message
        message.station = lab.wan.mac
        return PacketBuilder()
            .ethernet(from: lab.wan.mac, to: MACAddress(multicast: IPv6Address.allNodes))
            .ipv6(from: NDLab.wanLink, to: .allNodes, hopLimit: 255).discovery(message).bytes
    }

    private func next(_ lab: NDLab) -> [[UInt8]] {
        var sent: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                sent += lab.wan.takeSent()
                return !sent.isEmpty
            }))
        return sent
    }

    @Test func advertises() throws {
        let lab = try lab { policy in
            policy.isManaged = true
            policy.mtu = 1400
            policy.dnsServers = [IPv6Address("2001:db8::53")!]
            policy.preference = .high
        }
        let expected = RouterAdvertisement(
            isManaged: true, preference: .high, mtu: 1400, prefixes: [NDPrefix(NDRouterTests.prefix)],
            dnsServers: .init([IPv6Address("2001:db8::53")!], lifetime: 1800))
        #expect(next(lab) == [frame(expected, lab)])
        // The last word: a default router no more.
        lab.ip.willStop()
        lab.bench.settle()
        var farewell = expected
        farewell.routerLifetime = 0
        #expect(lab.wan.takeSent() == [frame(farewell, lab)])
        #expect(lab.lan.takeSent().isEmpty)
    }

    /// Many that ask get one answer, and not before three seconds have passed since the last.
    @Test func answersAreRateLimited() throws {
        let lab = try lab()
        #expect(next(lab).count == 1)
        let question = lab.said(RouterSolicitation(station: NDLab.c.mac), from: NDLab.cLink, to: .allRouters)
        let began = Clock.now
        lab.bench.send([question, question, question], at: lab.wan)
        #expect(lab.ip.neighbors.counters.routerSolicitationsReceived == 3)
        #expect(lab.neighbor(NDLab.cLink)?.state == .stale)
        // Announcements of addresses come meanwhile.
        let answer = frame(RouterAdvertisement(prefixes: [NDPrefix(NDRouterTests.prefix)]), lab)
        var sent: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                sent += lab.wan.takeSent().filter { $0 == answer }
                return !sent.isEmpty
            }))
        #expect(sent.count == 1)
        #expect(Clock.seconds(Clock.now &- began) > 2.4)
    }

    @Test func nobodyAdvertisesUnasked() throws {
        let lab = try NDLab()
        let question = lab.said(RouterSolicitation(station: nil), from: .any, to: .allRouters)
        lab.bench.send([question], at: lab.wan)
        let end = Clock.now &+ Clock.ticks(milliseconds: 700)
        #expect(lab.bench.step(until: { Clock.now > end }))
        #expect(lab.wan.takeSent().isEmpty)
    }

    @Test func othersAreComparedAndNotBelieved() throws {
        let lab = try lab { $0.mtu = 1500 }
        #expect(next(lab).count == 1)
        lab.bench.send(
            [lab.question(for: NDLab.wanLink, from: NDLab.cLink)], at: lab.wan,
            expect: [
                (lab.wan, [lab.answer(NDLab.wanLink, to: NDLab.cLink)])
            ])
        let same = RouterAdvertisement(station: NDLab.c.mac, mtu: 1500, prefixes: [NDPrefix(NDRouterTests.prefix)])
        lab.bench.send([lab.said(same, from: NDLab.cLink, to: .allNodes)], at: lab.wan)
        #expect(lab.ip.neighbors.counters.routerAdvertisementsInconsistent == 0)
        #expect(lab.neighbor(NDLab.cLink)?.isRouter == true)
        var other = same
        other.mtu = 9000
        other.prefixes.append(NDPrefix(IPv6Prefix("2001:db8:bad::/64")!))
        lab.bench.send([lab.said(other, from: NDLab.cLink, to: .allNodes)], at: lab.wan)
        #expect(lab.ip.neighbors.counters.routerAdvertisementsReceived == 2)
        #expect(lab.ip.neighbors.counters.routerAdvertisementsInconsistent == 1)
        #expect(lab.word(IPv6Address("2001:db8:bad::1")!, on: lab.wan) == "none")
        #expect(lab.ip.fib.forwarding(to: .v6(IPv6Address("2001:db8:9999::1")!)) == nil)
    }
}
