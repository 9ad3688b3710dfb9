// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Answering for hosts behind the router (RFC 4861 section 7.2.8); what is answered the golden cases show.
@Suite @ControlPlane struct NDProxyTests {
    private static let behind = IPv6Address("2001:db8:a::77")!

    private let lab: NDLab

    init() throws {
        lab = try NDLab()
        try lab.ip.neighbors.setNDProxy(.all, on: lab.wan.interface)
    }

    private func answer(_ target: IPv6Address, from source: IPv6Address = NDLab.wanLink) -> [UInt8] {
        PacketBuilder().ethernet(from: lab.wan.mac, to: NDLab.c.mac)
            .ipv6(from: source, to: NDLab.c.ip, hopLimit: 255)
            .discovery(
                NeighborAdvertisement(
                    target: target, station: lab.wan.mac, isRouter: false, isSolicited: true, isOverriding: false)
            ).bytes
    }

    /// With no list it is whatever another interface leads to, as with proxy ARP.
    @Test func answersForAllThatIsElsewhere() throws {
        let remote = IPv6Address("2001:db8:ff::1")!
        try lab.ip.fib.setRoute(IPPrefix("2001:db8:ff::/48")!, [.neighbor(.v6(NDLab.a.ip), on: lab.lan.interface)])
        for target in [NDProxyTests.behind, remote] {
            lab.bench.send([lab.question(for: target)], at: lab.wan)
            var sent: [[UInt8]] = []
            #expect(
                lab.bench.step(until: {
                    sent += lab.wan.takeSent()
                    return !sent.isEmpty
                }))
            #expect(sent == [answer(target)])
        }
        #expect(lab.ip.neighbors.counters.proxyReplies == 2)
        // Who asked is known from then on.
        #expect(lab.neighbor()?.mac == NDLab.c.mac)
        #expect(lab.ip.neighbors.proxied == 0)
    }

    @Test func unicastIsAnsweredAtOnce() {
        let question = lab.said(
            NeighborSolicitation(target: NDProxyTests.behind, station: NDLab.c.mac), to: NDProxyTests.behind)
        lab.bench.send([question], at: lab.wan, expect: [(lab.wan, [answer(NDProxyTests.behind)])])
    }

    /// Others' packets pass, those of discovery's shape among them: from beyond the link, or about a link's address.
    @Test func passesTheRest() throws {
        let remote = IPv6Address("2001:db8:ff::1")!
        try lab.ip.fib.setRoute(IPPrefix("2001:db8:ff::/48")!, [.neighbor(.v6(NDLab.a.ip), on: lab.lan.interface)])
        let far = lab.said(NeighborSolicitation(target: remote, station: nil), to: remote, hopLimit: 64)
        #expect(lab.bench.outcome(of: [(lab.wan, far)]).frames["lan"]?.count == 1)
        let link = lab.question(for: IPv6Address("fe80::77")!)
        #expect(lab.bench.outcome(of: [(lab.wan, link)]).drops == ["ip6-local/not-joined": 1])
    }

    /// The flood of a scan is cut, by name.
    @Test func isLimited() {
        let questions = (0..<2500).map { lab.question(for: IPv6Address(high: NDProxyTests.behind.high, low: $0 << 8)) }
        let outcome = lab.bench.outcome(of: questions.map { (lab.wan, $0) })
        #expect(outcome.drops["ip6-nd-proxy/throttled"] ?? 0 > 0)
        #expect(lab.ip.neighbors.proxied < 2500)
        #expect(lab.bench.step(until: { lab.ip.neighbors.proxied == 0 }))
    }

    /// Single addresses' groups are joined, and left again.
    @Test func groups() throws {
        let (address, other) = (IPv6Address("2001:db8:a::5")!, IPv6Address("2001:db8:a::6")!)
        let before = lab.ip.interfaces.groups(on: lab.wan.interface.index)
        func set(_ texts: [String]?) throws {
            let scope = texts.map { NDProxyScope.prefixes($0.map { IPv6Prefix($0)! }) }
            try lab.ip.neighbors.setNDProxy(scope, on: lab.wan.interface)
        }
        try set(["\(address)/128", "2001:db8:b::/64"])
        #expect(lab.ip.interfaces.groups(on: lab.wan.interface.index).contains(address.solicitedNode))
        try set(["\(other)/128"])
        #expect(!lab.ip.interfaces.groups(on: lab.wan.interface.index).contains(address.solicitedNode))
        try set(nil)
        #expect(lab.ip.interfaces.groups(on: lab.wan.interface.index) == before)
        lab.bench.send([lab.question(for: other)], at: lab.wan, drops: ["ip6-local/not-joined": 1])
    }
}
