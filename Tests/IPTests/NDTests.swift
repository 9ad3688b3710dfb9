// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// Neighbor discovery between neighbours: finding them, being found, losing them (RFC 4861 section 7, RFC 4862 section 5.4).
@Suite @ControlPlane struct NDTests {
    private let lab: NDLab
    private static let moved = MACAddress(0x0200_0000_00d4)

    init() throws { lab = try NDLab() }

    private var state: NeighborState? { lab.neighbor()?.state }
    private var counters: NeighborCounters { lab.ip.neighbors.counters }

    private func resolve() {
        lab.bench.send([lab.datagram(1)], at: lab.lan, expect: [(lab.wan, [lab.solicitation()])])
        lab.bench.send([lab.advertisement()], at: lab.wan, expect: [(lab.wan, [lab.forwarded(1)])])
    }

    // MARK: - Resolution

    @Test func resolvesConnectedHost() {
        lab.bench.send(
            [lab.datagram(1), lab.datagram(2)], at: lab.lan, expect: [(lab.wan, [lab.solicitation()])])
        #expect(state == .incomplete)
        lab.bench.send(
            [lab.advertisement(router: true)], at: lab.wan,
            expect: [(lab.wan, [lab.forwarded(1), lab.forwarded(2)])])
        #expect(state == .reachable)
        #expect(lab.neighbor()?.isRouter == true)
        #expect(lab.word(NDLab.c.ip, on: lab.wan) == "rewrite")
        lab.bench.send([lab.datagram(3)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(3)])])
    }

    @Test func advertisementWithoutStationResolvesNothing() {
        lab.bench.send([lab.datagram(1)], at: lab.lan, expect: [(lab.wan, [lab.solicitation()])])
        lab.bench.send([lab.advertisement(at: nil)], at: lab.wan)
        #expect(state == .incomplete)
    }

    @Test func asksThreeTimesThenRefuses() {
        _ = lab.bench.outcome(of: [(lab.lan, lab.datagram())])
        var asked = 1
        var told: [[UInt8]] = []
        let isRefused = lab.bench.step(until: {
            asked += lab.wan.takeSent().filter { $0 == lab.solicitation() }.count
            told += lab.lan.takeSent()
            return !told.isEmpty
        })
        #expect(isRefused)
        #expect(asked == 3)
        #expect(told.count == 1)
        // Address unreachable (RFC 4861 section 7.2.2).
        #expect(told.first.map { Array($0[54..<56]) } == [1, 3])
        #expect(state == nil)
        #expect(lab.word(NDLab.c.ip, on: lab.wan) == "glean")
        lab.bench.checkBalance()
    }

    /// An IPv4 route through an IPv6 next hop waits for neighbor discovery.
    @Test func ip4ThroughNextHopOnTheLink() throws {
        let path = Path(.neighbor(.v6(NDLab.cLink), lab.wan.interface.index))
        try lab.ip.fib.setRoute(IPPrefix("30.0.0.0/8")!, [path])
        let far = IPv4Address(30, 1, 1, 1)
        let packet = lab.lab.fromA.ipv4(from: IPLab.a.ip, to: far).udp(from: 1, to: 2).bytes
        let sent = PacketBuilder().ethernet(from: lab.wan.mac, to: NDLab.c.mac)
            .ipv4(from: IPLab.a.ip, to: far, timeToLive: 63).udp(from: 1, to: 2).bytes
        lab.bench.send([packet], at: lab.lan, expect: [(lab.wan, [lab.solicitation(for: NDLab.cLink)])])
        let told = lab.said(
            NeighborAdvertisement(
                target: NDLab.cLink, station: NDLab.c.mac, isRouter: true, isSolicited: true, isOverriding: true),
            from: NDLab.cLink, to: NDLab.wanLink)
        lab.bench.send([told], at: lab.wan, expect: [(lab.wan, [sent])])
        lab.bench.send([packet], at: lab.lan, expect: [(lab.wan, [sent])])
    }

    // MARK: - Answers

    @Test func answersSolicitations() {
        lab.bench.send([lab.question()], at: lab.wan, expect: [(lab.wan, [lab.answer()])])
        #expect(state == .stale)
        #expect(lab.neighbor()?.isRouter == false)
        lab.bench.send([lab.datagram(3)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(3)])])
        lab.bench.send(
            [lab.question(for: NDLab.wanLink, from: NDLab.cLink)], at: lab.wan,
            expect: [(lab.wan, [lab.answer(NDLab.wanLink, to: NDLab.cLink)])])
        #expect(lab.neighbor(NDLab.cLink)?.state == .stale)
    }

    /// A unicast solicitation may come without the station's address: the frame's source is where it came from.
    @Test func answersWithoutAStation() {
        let bare = lab.said(NeighborSolicitation(target: NDLab.wanIP, station: nil))
        lab.bench.send([bare], at: lab.wan, expect: [(lab.wan, [lab.answer()])])
        #expect(state == nil)
    }

    @Test func answersProbesToAll() {
        lab.bench.send(
            [lab.question(from: .any)], at: lab.wan, expect: [(lab.wan, [lab.answer(to: nil)])])
        #expect(state == nil)
    }

    /// Every router of the network has this address: none overrides the other.
    @Test func answersForAnycast() {
        let anycast = IPv6Address("2001:db8:b::")!
        lab.bench.send(
            [lab.question(for: anycast)], at: lab.wan,
            expect: [(lab.wan, [lab.answer(anycast, overrides: false, from: NDLab.wanLink)])])
    }

    /// Another port's address has the same group as one of this port's; the others' groups nobody here listens to.
    @Test(arguments: [
        ("2001:db8:b::99", "ip6-local/not-joined"), ("2001:db8:a::1", "nd-input/not-for-us"),
        ("fe80::99", "ip6-local/not-joined"),
    ])
    func doesNotAnswerForOthers(target: String, reason: String) {
        lab.bench.send([lab.question(for: IPv6Address(target)!)], at: lab.wan, drops: [reason: 1])
    }

    @Test func ignoresSendersOffTheNetwork() throws {
        try lab.ip.addRoute(IPPrefix("2001:db8:9::/64")!, via: .v6(NDLab.a.ip))
        let stranger = IPv6Address("2001:db8:9::9")!
        lab.bench.send([lab.question(from: stranger)], at: lab.wan)
        #expect(counters.senderOffSubnet == 1)
        lab.bench.send(
            [lab.question(from: IPv6Address("2001:db8:99::9")!)], at: lab.wan, drops: ["ip6-local/no-route-back": 1])
        #expect(lab.ip.neighbors.count == 3)
    }

    // MARK: - News

    @Test func unaskedNewsCreatesNothing() {
        lab.bench.send([lab.advertisement(), lab.advertisement(solicited: false)], at: lab.wan)
        #expect(state == nil)
        #expect(counters.unsolicited == 2)
    }

    /// RFC 4861 section 7.2.5, with and without override.
    @Test func overrideFlagCounts() throws {
        resolve()
        let index = try #require(lab.neighbor()?.adjacency)
        lab.bench.send([lab.advertisement(at: NDTests.moved, overrides: false)], at: lab.wan)
        #expect(state == .stale)
        #expect(lab.neighbor()?.mac == NDLab.c.mac)
        #expect(counters.notOverriding == 1)
        lab.bench.send([lab.advertisement(at: NDTests.moved, solicited: false)], at: lab.wan)
        #expect(state == .stale)
        #expect(lab.neighbor()?.mac == NDTests.moved)
        // The adjacency is the same, and what goes through it goes to the new station.
        #expect(lab.neighbor()?.adjacency == index)
        lab.bench.send([lab.datagram(3)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(3, to: NDTests.moved)])])
        lab.bench.send([lab.advertisement()], at: lab.wan)
        #expect(state == .reachable)
        #expect(lab.neighbor()?.mac == NDLab.c.mac)
    }

    @Test func staticEntriesAreNotMoved() throws {
        try lab.ip.neighbors.addStatic(.v6(NDLab.c.ip), at: NDLab.c.mac, on: lab.wan.interface)
        lab.bench.send([lab.advertisement(at: NDTests.moved)], at: lab.wan)
        _ = lab.bench.outcome(of: [(lab.wan, lab.question(by: NDTests.moved))])
        #expect(state == .static)
        #expect(lab.neighbor()?.mac == NDLab.c.mac)
    }

    /// It is defended, but not in a duel.
    @Test func ownAddressCannotBeClaimed() {
        let claim = lab.advertisement(of: NDLab.wanIP, solicited: false)
        lab.bench.send([claim], at: lab.wan, expect: [(lab.wan, [lab.answer(to: nil)])])
        lab.bench.send([claim], at: lab.wan)
        #expect(counters.conflicts == 2)
        #expect(lab.word(NDLab.wanIP, on: lab.wan) == "local")
    }

    // MARK: - Silence

    @Test func reachabilityIsConfirmedByUnicast() {
        lab.ip.neighbors.policy.reachableTime = 20
        lab.ip.neighbors.policy.delayTime = 20
        resolve()
        #expect(lab.bench.step(until: { state == .stale }))
        lab.bench.send([lab.datagram(2)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(2)])])
        #expect(lab.bench.step(until: { state == .probe }))
        lab.bench.settle()
        #expect(lab.wan.takeSent() == [lab.solicitation(at: NDLab.c.mac)])
        _ = lab.bench.outcome(of: [(lab.wan, lab.advertisement(at: nil))])
        #expect(state == .reachable)
        // Another protocol's word is as good.
        #expect(lab.bench.step(until: { state == .stale }))
        lab.ip.neighbors.confirm(lab.neighbor()!.adjacency)
        #expect(state == .reachable)
    }

    @Test func silentNextHopIsAFailure() throws {
        let far = IPv6Address("2001:db8:ffff::1")!
        try lab.ip.addRoute(IPPrefix("2001:db8:ffff::/48")!, via: .v6(NDLab.c.ip))
        _ = lab.bench.outcome(of: [(lab.lan, lab.datagram(1, to: far))])
        #expect(lab.bench.step(until: { state == .unreachable }))
        let index = try #require(lab.neighbor()?.adjacency)
        #expect(lab.ip.fib.adjacencies.table[index].status.failures == .neighbor)
        // What it says by itself is enough to try it again.
        _ = lab.bench.outcome(of: [(lab.wan, lab.question())])
        #expect(lab.ip.fib.adjacencies.table[index].status.isReady)
        #expect(state == .stale)
        _ = lab.wan.takeSent()
        lab.bench.send([lab.datagram(2, to: far)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(2, ip: far)])])
    }

    // MARK: - Own addresses

    /// RFC 4862 section 5.4: asked for from ::, not used before the time is over.
    @Test func ownAddressIsAskedForFirst() throws {
        lab.ip.neighbors.policy.ip6Probes = 1
        let own = IPv6Address("2001:db8:c::1")!
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:c::1/64")!, to: lab.wan.interface)
        #expect(lab.word(own, on: lab.wan) == "tentative")
        var sent: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                sent += lab.wan.takeSent()
                return lab.word(own, on: lab.wan) == "local" && sent.count == 2
            }))
        let probe = PacketBuilder().ethernet(from: lab.wan.mac, to: MACAddress(multicast: own.solicitedNode))
            .ipv6(from: .any, to: own.solicitedNode, hopLimit: 255)
            .discovery(NeighborSolicitation(target: own, station: nil)).bytes
        #expect(sent == [probe, lab.answer(own, to: nil)])
    }

    /// An advertisement, or another's probe: the address is somebody else's. Our own probe, come back, says nothing.
    @Test(arguments: [0, 1, 2]) func ownAddressIsTaken(kind: Int) throws {
        lab.ip.neighbors.policy.ip6Probes = 1
        lab.ip.neighbors.policy.retransmitInterval = 300
        let own = IPv6Address("2001:db8:c::1")!
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:c::1/64")!, to: lab.wan.interface)
        #expect(lab.bench.step(until: { !lab.wan.takeSent().isEmpty }))
        let packets = [
            lab.advertisement(of: own, solicited: false), lab.question(for: own, from: .any),
            lab.question(for: own, from: .any, by: lab.wan.mac),
        ]
        lab.bench.send([packets[kind]], at: lab.wan)
        #expect(lab.bench.step(until: { lab.ip.interfaces.all(of: lab.wan.interface.index).last?.state != .tentative }))
        #expect(lab.ip.interfaces.all(of: lab.wan.interface.index).last?.state == (kind == 2 ? .usable : .duplicate))
        #expect(lab.word(own, on: lab.wan) == (kind == 2 ? "local" : "none"))
    }

    /// What was learned goes with the link, and is asked for anew when it is back.
    @Test func linkFlapForgets() throws {
        let far = IPv6Address("2001:db8:ffff::1")!
        try lab.ip.addRoute(IPPrefix("2001:db8:ffff::/48")!, via: .v6(NDLab.c.ip))
        resolve()
        lab.bench.send([lab.datagram(2, to: far)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(2, ip: far)])])
        let index = try #require(lab.neighbor()?.adjacency)
        lab.wan.interface.isLinkUp = false
        #expect(state == nil)
        #expect(lab.ip.fib.adjacencies.table[index].status.failures == .link)
        #expect(lab.ip.fib.forwarding(to: .v6(far)) == nil)
        lab.wan.interface.isLinkUp = true
        lab.bench.settle()
        _ = lab.wan.takeSent()
        #expect(lab.ip.fib.adjacencies.table[index].status.failures == [])
        lab.bench.send([lab.datagram(3, to: far)], at: lab.lan, expect: [(lab.wan, [lab.solicitation()])])
        lab.bench.send([lab.advertisement()], at: lab.wan, expect: [(lab.wan, [lab.forwarded(3, ip: far)])])
        #expect(lab.neighbor()?.adjacency == index)
    }

    /// The port gets another hardware address: it is announced, and what leaves carries it.
    @Test func ownHardwareAddressChanges() {
        resolve()
        let mac = MACAddress(0x0200_0000_0077)
        lab.wan.interface.mac = mac.littleEndianValue
        lab.bench.settle()
        let sent = lab.wan.takeSent()
        #expect(sent.contains(lab.answer(to: nil)) && sent.contains(lab.answer(NDLab.wanLink, to: nil)))
        #expect(sent.allSatisfy { Array($0[6..<12]) == [2, 0, 0, 0, 0, 0x77] })
        lab.bench.send([lab.datagram(2)], at: lab.lan, expect: [(lab.wan, [lab.forwarded(2)])])
        lab.bench.send([lab.question()], at: lab.wan, expect: [(lab.wan, [lab.answer()])])
    }

    @Test func comingUpAnnounces() {
        lab.wan.interface.isLinkUp = false
        let before = lab.bench.drops
        lab.wan.interface.isLinkUp = true
        lab.bench.settle()
        let arp = PacketBuilder().ethernet(from: lab.wan.mac, to: .broadcast)
            .arp(.announcement(of: IPLab.wanIP, at: lab.wan.mac)).padded().bytes
        let news = [arp, lab.answer(to: nil), lab.answer(NDLab.wanLink, to: nil)]
        lab.lab.expectEqual(lab.bench.outcome(since: before), .init(frames: ["wan": news]))
    }
}
