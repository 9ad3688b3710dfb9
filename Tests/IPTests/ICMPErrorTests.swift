// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// What the router tells senders, and when it keeps silent (RFC 1812 section 4.3.2, RFC 1122 section 3.2.2).
@Suite @ControlPlane struct ICMPErrorTests {
    let lab: IPLab

    init() throws { lab = try IPLab() }

    private func packet(
        to destination: IPv4Address = IPLab.far, from source: IPv4Address = IPLab.a.ip, ttl: UInt8 = 1, count: Int = 20
    ) -> PacketBuilder {
        lab.fromA.ipv4(from: source, to: destination, timeToLive: ttl).udp(from: 4000, to: 53).payload(count: count)
    }

    // MARK: - Which error

    @Test(arguments: [0, 1] as [UInt8]) func timeExceeded(ttl: UInt8) {
        lab.expectError(.timeExceeded, about: packet(ttl: ttl).bytes, drop: "ttl-expired")
    }

    @Test func timeExceededOnTheWayToAConnectedHost() {
        let frame = packet(to: IPv4Address(10, 1, 0, 77)).bytes
        lab.expectError(.timeExceeded, about: frame, drop: "ttl-expired")
    }

    @Test func noRoute() {
        let frame = packet(to: IPv4Address(99, 0, 0, 1), ttl: 64).bytes
        lab.expectError(.unreachable(.net), about: frame, drop: "no-route")
    }

    @Test func unreachableRoute() throws {
        try lab.ip.fib.setRoute(IPPrefix("30.0.0.0/8")!, [Path(.discard(.unreachable))])
        let frame = packet(to: IPv4Address(30, 0, 0, 1), ttl: 64).bytes
        lab.expectError(.unreachable(.host), about: frame, drop: "host-unreachable")
    }

    @Test func prohibitRoute() throws {
        try lab.ip.fib.setRoute(IPPrefix("30.0.0.0/8")!, [Path(.discard(.prohibit))])
        let frame = packet(to: IPv4Address(30, 0, 0, 1), ttl: 64).bytes
        lab.expectError(.unreachable(.administrativelyProhibited), about: frame, drop: "prohibited")
    }

    // MARK: - How much of the packet

    /// As much as makes the whole error 576 bytes, no more; all of it when it is shorter; never the link's padding.
    @Test(arguments: [0, 1, 7, 8, 519, 520, 521, 1400])
    func quotes(count: Int) {
        let frame = packet(count: count).bytes
        lab.expectError(.timeExceeded, about: frame, drop: "ttl-expired")
        let length = lab.bench.outcome(of: [(lab.lan, frame)]).frames["lan"]?.first?.count ?? 0
        #expect(length == 14 + min(576, 28 + 28 + count))
    }

    @Test func doesNotQuotePadding() {
        let frame = packet(count: 0)
        let outcome = lab.bench.outcome(of: [(lab.lan, frame.padded(to: 90).bytes)])
        #expect(outcome.frames["lan"]?.first?.count == 14 + 28 + 28)
    }

    // MARK: - Silence

    @Test func aboutICMPErrors() {
        let errors: [ICMPv4Message] = [
            .unreachable(.net), .unreachable(.fragmentationNeeded), .timeExceeded, .parameterProblem(pointer: 20),
            ICMPv4Message(type: .redirect), ICMPv4Message(type: .sourceQuench),
        ]
        let frames = errors.map {
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 1).icmp($0).payload(count: 28).bytes
        }
        lab.bench.send(frames, at: lab.lan, drops: ["ip4-icmp-error/about-icmp-error": UInt64(errors.count)])
    }

    /// ICMP so short that its type is missing may be an error.
    @Test func aboutICMPWithoutType() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 1, protocol: .icmp).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-error/about-icmp-error": 1])
    }

    @Test func aboutICMPQueriesItSpeaks() {
        for type in [.echoRequest, .echoReply, .timestampRequest] as [ICMPv4Type] {
            let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 1)
                .icmp(ICMPv4Message(type: type, rest: 0x0001_0001)).payload(count: 12).bytes
            lab.expectError(.timeExceeded, about: frame, drop: "ttl-expired")
        }
    }

    @Test func aboutLaterFragments() {
        let later = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 1, fragmentUnits: 10).payload(count: 8)
        lab.bench.send([later.bytes], at: lab.lan, drops: ["ip4-icmp-error/later-fragment": 1])
        let first = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 1, moreFragments: true).payload(
            count: 8)
        lab.expectError(.timeExceeded, about: first.bytes, drop: "ttl-expired")
    }

    @Test func aboutPacketsInLinkBroadcasts() {
        let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast)
            .ipv4(from: IPLab.a.ip, to: IPv4Address(99, 0, 0, 1)).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-error/to-many-stations": 1])
    }

    /// Sources that are not one other host: broadcast addresses of attached networks, the router's own.
    @Test(arguments: ["10.0.0.255", "10.1.0.0", "10.0.0.1", "10.1.0.1"])
    func toNobody(source: String) {
        let frame = packet(from: IPv4Address(source)!).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-error/from-no-host": 1])
    }

    /// What `ip4-input` drops as malformed never gets so far as to cause an error.
    @Test func aboutMalformedPackets() {
        lab.bench.send([packet().overwrite(at: 24, 1, 2).bytes], at: lab.lan, drops: ["ip4-input/bad-checksum": 1])
    }

    /// The router's own packets that go nowhere are dropped, and told to nobody.
    @Test func aboutOwnPackets() {
        // The answer to a ping from an address behind the router, to which there is no way back.
        let error = lab.bench.engine.inject(
            Array(packet(to: IPv4Address(99, 0, 0, 1), ttl: 64).bytes.dropFirst(14)), at: "ip4-lookup")
        #expect(error)
        let before = lab.bench.drops
        lab.bench.settle()
        lab.expectEqual(lab.bench.outcome(since: before), .init(drops: ["ip4-icmp-error/own-packet": 1]))
    }

    // MARK: - Limits

    /// One source gets a burst and then a trickle; another one is not affected, nor is transit traffic.
    @Test func limitsPerSource() {
        let flood = [[UInt8]](repeating: packet().bytes, count: 500)
        let transit = packet(ttl: 64).bytes
        let outcome = lab.bench.outcome(of: (flood + [transit] + flood).map { (lab.lan, $0) })
        let sent = outcome.frames["lan"]?.count ?? 0
        #expect((20...100).contains(sent), "\(sent) errors")
        #expect(outcome.drops["ip4-icmp-error/ttl-expired"] == UInt64(sent))
        #expect(outcome.drops["ip4-icmp-error/rate-limited"] == UInt64(1000 - sent))
        #expect(outcome.frames["wan"]?.count == 1)
        let other = packet(from: IPv4Address(10, 0, 0, 9)).bytes
        lab.bench.registry.engine.clearErrors()
        let answer = lab.bench.outcome(of: [(lab.lan, other)])
        #expect(answer.drops == ["ip4-icmp-error/ttl-expired": 1])
        lab.bench.checkBalance()
    }

    /// Many sources together are limited too, and after a while all is as before.
    @Test func limitsInAll() {
        let flood = (0..<2000 as Range<UInt32>).map {
            packet(from: IPv4Address(IPv4Address(20, 9, 0, 0).value + $0)).bytes
        }
        let outcome = lab.bench.outcome(of: flood.map { (lab.lan, $0) })
        let limited = outcome.drops["ip4-icmp-error/rate-limited"] ?? 0
        #expect(limited > 0)
        #expect(outcome.frames["wan"]?.count == 2000 - Int(limited))
        let isBack = lab.bench.step(until: {
            let late = lab.bench.outcome(of: [(lab.lan, packet().bytes)])
            return late.frames["lan"]?.count == 1
        })
        #expect(isBack)
    }
}
