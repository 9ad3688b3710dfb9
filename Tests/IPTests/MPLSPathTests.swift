// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// IP packets into label-switched paths (RFC 3031 section 3.10, RFC 3443 section 3.6).
@Suite("MPLS: imposition") @ControlPlane struct MPLSPathTests {
    let mpls: MPLSLab

    init() throws { mpls = try MPLSLab(mtu: 600) }

    private func send(_ frame: [UInt8], _ expect: [(BenchPort, [[UInt8]])], drops: [String: UInt64] = [:]) {
        mpls.bench.send([frame], at: mpls.lan, expect: expect, drops: drops)
    }

    @Test func `pushed labels begin at 255 and class 0 in pipe mode`() throws {
        try mpls.route(mpls.path(mpls.red, [300, 200]))
        send(
            mpls.datagram(mpls.lab.fromA, ttl: 9, tos: 0xb8),
            [(mpls.red, [mpls.datagram(mpls.labelled(mpls.toRed, [(300, 255), (200, 255)]), ttl: 8, tos: 0xb8)])])
    }

    @Test func `uniform mode copies the TTL after its decrement, and the precedence`() throws {
        try mpls.route(mpls.path(mpls.red, [300, 200], .uniform))
        let stack = mpls.labelled(mpls.toRed, [(300, 8), (200, 8)], trafficClass: 5)
        send(mpls.datagram(mpls.lab.fromA, ttl: 9, tos: 0xb8), [(mpls.red, [mpls.datagram(stack, ttl: 8, tos: 0xb8)])])
    }

    @Test func `a packet with TTL 1 goes back as an ICMP error`() throws {
        try mpls.route(mpls.path(mpls.red, [200]))
        mpls.lab.expectError(.timeExceeded, about: mpls.datagram(mpls.lab.fromA, ttl: 1), drop: "ttl-expired")
    }

    @Test func `a link broadcast is not forwarded`() throws {
        try mpls.route(mpls.path(mpls.red, [200]))
        let frame = mpls.datagram(PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast))
        send(frame, [], drops: ["ip4-path/link-broadcast": 1])
    }

    @Test func `the MTU that the sender hears of is the link's less the labels`() throws {
        try mpls.route(mpls.path(mpls.red, [300, 200]))
        let fits = mpls.datagram(mpls.lab.fromA, df: true, count: 592 - 28)
        let sent = mpls.datagram(
            mpls.labelled(mpls.toRed, [(300, 255), (200, 255)]), ttl: 63, df: true, count: 592 - 28)
        send(fits, [(mpls.red, [sent])])
        mpls.lab.expectError(
            .unreachable(.fragmentationNeeded, nextHopMTU: 592),
            about: mpls.datagram(mpls.lab.fromA, df: true, count: 593 - 28), drop: "fragmentation-needed")
    }

    @Test func `each fragment has the whole stack`() throws {
        try mpls.route(mpls.path(mpls.red, [300, 200]))
        func packet(_ link: PacketBuilder, _ ttl: UInt8, _ units: UInt16, more: Bool) -> PacketBuilder {
            link.ipv4(
                from: IPLab.a.ip, to: MPLSLab.destination, timeToLive: ttl, moreFragments: more, fragmentUnits: units,
                protocol: IPProtocol(rawValue: 99))
        }
        let data = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let stack = mpls.labelled(mpls.toRed, [(300, 255), (200, 255)])
        // 592 - 20 = 572, of which 568 are whole units.
        let first = packet(stack, 63, 0, more: true).payload(Array(data[..<568])).bytes
        let second = packet(stack, 63, 71, more: false).payload(Array(data[568...])).bytes
        send(packet(mpls.lab.fromA, 64, 0, more: false).payload(data).bytes, [(mpls.red, [first, second])])
    }

    @Test func `own packets keep their TTL`() throws {
        try mpls.ip.fib.setRoute(IPPrefix("10.0.0.2/32")!, [mpls.path(mpls.red, [200])])
        let echo = mpls.lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, identification: 7)
            .icmp(.echoRequest(identifier: 1, sequence: 1)).bytes
        let reply = mpls.labelled(mpls.toRed, [(200, 255)])
            .ipv4(from: IPLab.lanIP, to: IPLab.a.ip, timeToLive: 64, identification: 7)
            .icmp(ICMPv4Message(type: .echoReply, code: 0, rest: 0x0001_0001)).bytes
        send(echo, [(mpls.red, [reply])])
    }

    @Test func `IPv6 packets take labels too, towards an IPv4 next hop`() throws {
        let (source, far) = (IPv6Address("2001:db8::2")!, IPv6Address("2001:db8:9::9")!)
        try mpls.ip.interfaces.add(InterfaceAddress("2001:db8::1/64")!, to: mpls.lan.interface)
        mpls.bench.settle()
        _ = mpls.bench.outcome(of: [])
        func packet(_ link: PacketBuilder, _ hopLimit: UInt8, count: Int = 20) -> [UInt8] {
            link.ipv6(from: source, to: far, hopLimit: hopLimit, trafficClass: 0xb8).udp(from: 1, to: 2)
                .payload(count: count).bytes
        }
        for mode in TTLMode.allCases {
            try mpls.ip.fib.setRoute(IPPrefix("2001:db8:9::/48")!, [mpls.path(mpls.red, [300, 2], mode)])
            let ttl: UInt8 = mode == .pipe ? 255 : 8
            let stack = mpls.labelled(mpls.toRed, [(300, ttl), (2, ttl)], trafficClass: mode == .pipe ? 0 : 5)
            send(packet(mpls.lab.fromA, 9), [(mpls.red, [packet(stack, 8)])])
        }
        let longest = 592 - 48
        let stack = mpls.labelled(mpls.toRed, [(300, 8), (2, 8)], trafficClass: 5)
        send(packet(mpls.lab.fromA, 9, count: longest), [(mpls.red, [packet(stack, 8, count: longest)])])
        let tooLong = mpls.bench.outcome(of: [(mpls.lan, packet(mpls.lab.fromA, 9, count: longest + 1))])
        #expect(tooLong.drops["ip6-icmp-error/packet-too-big"] == 1)
        let expired = mpls.bench.outcome(of: [(mpls.lan, packet(mpls.lab.fromA, 1))])
        #expect(expired.drops["ip6-icmp-error/hop-limit-exceeded"] == 1)
    }

    @Test func `eight labels fit in front of a packet, nine are refused`() throws {
        let labels = (0..<8).map { UInt32(100 + $0) }
        try mpls.route(mpls.path(mpls.red, labels))
        let stack = mpls.labelled(mpls.toRed, labels.map { ($0, 255) })
        send(mpls.datagram(mpls.lab.fromA), [(mpls.red, [mpls.datagram(stack, ttl: 63)])])
        #expect(throws: RouteError.self) { try mpls.route(mpls.path(mpls.red, labels + [500])) }
    }

    @Test func `implicit null and reserved labels are never sent`() {
        for label: UInt32 in [1, 3, 7, 13, 15, 1 << 20] {
            #expect(throws: RouteError.self) { try mpls.route(mpls.path(mpls.red, [label])) }
        }
    }
}

/// What happens to packets in label-switched paths while neighbours are down (RFC 4090, RFC 5286).
@Suite("MPLS: protection") @ControlPlane struct MPLSProtectionTests {
    let mpls: MPLSLab

    init() throws { mpls = try MPLSLab() }

    private var packet: [UInt8] { mpls.datagram(mpls.labelled(mpls.lab.fromA, [(100, 64)])) }

    private func expect(_ port: BenchPort, _ link: PacketBuilder, _ stack: [(label: UInt32, ttl: UInt8)]) {
        mpls.bench.send([packet], at: mpls.lan, expect: [(port, [mpls.datagram(mpls.labelled(link, stack))])])
    }

    @Test func `one-to-one: the backup has a label of its own`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200], backup: mpls.path(mpls.blue, [300])))
        expect(mpls.red, mpls.toRed, [(200, 63)])
        mpls.fail(mpls.red)
        expect(mpls.blue, mpls.toBlue, [(300, 63)])
        let list = try #require(mpls.labels.entry(MPLSLabel(rawValue: 100), isBottom: true)?.list)
        #expect(mpls.ip.fib.pathLists[list]?.state == .usable)
        mpls.fail(mpls.red, false)
        expect(mpls.red, mpls.toRed, [(200, 63)])
    }

    @Test func `the first packet on the backup leaves its time`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200], backup: mpls.path(mpls.blue, [300])))
        let index = try #require(mpls.ip.fib.paths.indices.last)
        #expect(mpls.ip.fib.paths.table[index].firstOnBackup == 0)
        mpls.fail(mpls.red)
        expect(mpls.blue, mpls.toBlue, [(300, 63)])
        let first = mpls.ip.fib.paths.indices.map { mpls.ip.fib.paths.table[$0].firstOnBackup }.max() ?? 0
        #expect(first > 0)
        expect(mpls.blue, mpls.toBlue, [(300, 63)])
        #expect(mpls.ip.fib.paths.indices.map { mpls.ip.fib.paths.table[$0].firstOnBackup }.max() == first)
    }

    /// The bypass's labels go on top of the one that the merge point expects (RFC 4090 section 3.2).
    @Test func `facility: one bypass of the neighbour for all paths through it`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200]))
        try mpls.route(mpls.path(mpls.red, [201]))
        let bypass = try mpls.ip.fib.pathLists.acquire([mpls.path(mpls.blue, [500, 600])])
        let backup = try #require(bypass.loadBalance.map { mpls.ip.fib.pathLists.loadBalances.results(of: $0)[0] })
        mpls.ip.fib.adjacencies.setBackup(backup, of: mpls.adjacency(mpls.red))
        mpls.fail(mpls.red)
        expect(mpls.blue, mpls.toBlue, [(500, 255), (600, 255), (200, 63)])
        let imposed = mpls.datagram(mpls.labelled(mpls.toBlue, [(500, 255), (600, 255), (201, 255)]), ttl: 63)
        mpls.bench.send([mpls.datagram(mpls.lab.fromA)], at: mpls.lan, expect: [(mpls.blue, [imposed])])
        #expect(mpls.ip.fib.adjacencies.table[mpls.adjacency(mpls.red)].firstOnBackup > 0)
        // Its labels count when the packet's sender is told how long it may be.
        mpls.lab.expectError(
            .unreachable(.fragmentationNeeded, nextHopMTU: 1488),
            about: mpls.datagram(mpls.lab.fromA, df: true, count: 1489 - 28), drop: "fragmentation-needed")
        mpls.fail(mpls.blue)
        let outcome = mpls.bench.outcome(of: [(mpls.lan, packet)])
        #expect(outcome.frames.isEmpty)
        // Where, depends on whether the control side has noticed that the backup cannot be used either.
        #expect(outcome.drops.keys.allSatisfy { ["mpls-lookup/unreachable", "mpls-rewrite/unreachable"].contains($0) })
        #expect(outcome.drops.values.reduce(0, +) == 1)
    }

    @Test func `another neighbour with the same label`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200]))
        mpls.ip.fib.adjacencies.setBackup(Forwarding(.rewrite, mpls.adjacency(mpls.blue)), of: mpls.adjacency(mpls.red))
        mpls.fail(mpls.red)
        expect(mpls.blue, mpls.toBlue, [(200, 63)])
    }

    @Test func `a backup without labels: the label comes off`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200], backup: mpls.path(mpls.blue, [])))
        mpls.fail(mpls.red)
        mpls.bench.send([packet], at: mpls.lan, expect: [(mpls.blue, [mpls.datagram(mpls.toBlue, ttl: 63)])])
    }

    @Test func `an IP packet takes the labels of its path's backup`() throws {
        try mpls.route(mpls.path(mpls.red, [], backup: mpls.path(mpls.blue, [300, 400])))
        let frame = mpls.datagram(mpls.lab.fromA)
        mpls.bench.send([frame], at: mpls.lan, expect: [(mpls.red, [mpls.datagram(mpls.toRed, ttl: 63)])])
        mpls.fail(mpls.red)
        let stack = mpls.labelled(mpls.toBlue, [(300, 255), (400, 255)])
        mpls.bench.send([frame], at: mpls.lan, expect: [(mpls.blue, [mpls.datagram(stack, ttl: 63)])])
    }

    /// A loop-free alternate through a tunnel (RFC 7490): the neighbour's backup pushes labels on plain IP packets.
    @Test func `a remote alternate of a neighbour without labels`() throws {
        try mpls.route(mpls.path(mpls.red, []))
        let tunnel = try mpls.ip.fib.pathLists.acquire([mpls.path(mpls.blue, [700])])
        let backup = try #require(tunnel.loadBalance.map { mpls.ip.fib.pathLists.loadBalances.results(of: $0)[0] })
        mpls.ip.fib.adjacencies.setBackup(backup, of: mpls.adjacency(mpls.red))
        mpls.fail(mpls.red)
        mpls.bench.send(
            [mpls.datagram(mpls.lab.fromA)], at: mpls.lan,
            expect: [(mpls.blue, [mpls.datagram(mpls.labelled(mpls.toBlue, [(700, 255)]), ttl: 63)])])
    }

    @Test func `without a backup the packet is dropped by name, and never sent without its label`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200]))
        mpls.fail(mpls.red)
        mpls.bench.send([packet], at: mpls.lan, drops: ["mpls-lookup/unreachable": 1])
    }
}
