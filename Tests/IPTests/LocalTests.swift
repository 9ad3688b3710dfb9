// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// Packets to the router itself.
@Suite @ControlPlane struct LocalTests {
    let lab: IPLab

    init() throws { lab = try IPLab() }

    private func ping(
        to destination: IPv4Address = IPLab.lanIP, count: Int = 56, ttl: UInt8 = 64, options: [UInt8] = []
    ) -> PacketBuilder {
        lab.fromA.ipv4(
            from: IPLab.a.ip, to: destination, timeToLive: ttl, trafficClass: 0x28, identification: 77,
            dontFragment: true,
            options: options
        ).icmp(.echoRequest(identifier: 0x1234, sequence: 5)).payload(count: count)
    }

    private func pong(from source: IPv4Address = IPLab.lanIP, count: Int = 56) -> PacketBuilder {
        lab.toA.ipv4(
            from: source, to: IPLab.a.ip, timeToLive: 64, trafficClass: 0x28, identification: 77, dontFragment: true
        ).icmp(.echoReply(identifier: 0x1234, sequence: 5)).payload(count: count)
    }

    @Test(arguments: [0, 1, 2, 3, 17, 55, 56, 57, 255, 1471, 1472])
    func answersPing(count: Int) {
        lab.bench.send([ping(count: count).bytes], at: lab.lan, expect: [(lab.lan, [pong(count: count).bytes])])
    }

    /// An address of another port is the router's too.
    @Test func answersForAllItsAddresses() {
        lab.bench.send([ping(to: IPLab.wanIP).bytes], at: lab.lan, expect: [(lab.lan, [pong(from: IPLab.wanIP).bytes])])
    }

    @Test(arguments: [0, 1] as [UInt8]) func deliversWhateverTheTTL(ttl: UInt8) {
        lab.bench.send([ping(ttl: ttl).bytes], at: lab.lan, expect: [(lab.lan, [pong().bytes])])
    }

    @Test func answersPaddedPing() {
        let frame = ping(count: 1).padded().bytes
        lab.bench.send([frame], at: lab.lan, expect: [(lab.lan, [pong(count: 1).bytes])])
    }

    /// Options were about the way here: the answer has none but the recorded route (`Cases/ip4-icmp-echo`).
    @Test func answersPingWithOptions() {
        lab.bench.send([ping(options: [0x94, 4, 0, 0]).bytes], at: lab.lan, expect: [(lab.lan, [pong().bytes])])
    }

    /// The checksum of the reply is that of the request plus 0x0800, through the wrap (RFC 1624).
    @Test func echoChecksumWraps() {
        for word in [0x0000, 0xf7ff, 0xf800, 0xffff, 0xf7fe, 0x07ff] as [UInt16] {
            let payload = [UInt8(word >> 8), UInt8(word & 0xff)]
            let request = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP)
                .icmp(.echoRequest(identifier: 0, sequence: 0)).payload(payload)
            let reply = lab.toA.ipv4(from: IPLab.lanIP, to: IPLab.a.ip)
                .icmp(.echoReply(identifier: 0, sequence: 0)).payload(payload)
            lab.bench.send([request.bytes], at: lab.lan, expect: [(lab.lan, [reply.bytes])])
        }
    }

    @Test func badICMPChecksumIsSilent() {
        lab.bench.send([ping().overwrite(at: 36, 0, 0).bytes], at: lab.lan, drops: ["ip4-icmp-echo/bad-checksum": 1])
    }

    @Test func shortICMPIsSilent() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, protocol: .icmp).payload([8, 0, 0, 0]).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-echo/truncated": 1])
    }

    @Test func otherICMPIsNotAnswered() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP)
            .icmp(.echoReply(identifier: 1, sequence: 1)).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-echo/not-handled": 1])
    }

    @Test func broadcastPingIsNotAnswered() {
        for address in [IPv4Address.broadcast, IPv4Address(10, 0, 0, 255)] {
            let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast).ipv4(from: IPLab.a.ip, to: address)
                .icmp(.echoRequest(identifier: 1, sequence: 1)).bytes
            lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-echo/broadcast": 1])
        }
    }

    /// A packet to one host in a frame to many is discarded (RFC 1122 section 3.3.6).
    @Test func pingInBroadcastFrameIsNotAnswered() {
        let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast).ipv4(from: IPLab.a.ip, to: IPLab.lanIP)
            .icmp(.echoRequest(identifier: 1, sequence: 1)).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-local/link-broadcast": 1])
    }

    @Test(arguments: [
        ("10.0.0.1", "own-source"), ("10.1.0.1", "own-source"), ("10.0.0.255", "bad-source"),
        ("99.9.9.9", "no-route-back"),
    ])
    func wrongSourcesAreNotAnswered(source: String, reason: String) {
        let frame = lab.fromA.ipv4(from: IPv4Address(source)!, to: IPLab.lanIP)
            .icmp(.echoRequest(identifier: 1, sequence: 1)).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-local/\(reason)": 1])
    }

    // MARK: - UDP, TCP and the rest

    @Test func closedPort() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP).udp(from: 4000, to: 53).payload(count: 5).bytes
        lab.expectError(.unreachable(.port), about: frame, drop: "port-unreachable")
    }

    @Test func badUDPIsSilent() {
        let good = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP).udp(from: 4000, to: 53).payload(count: 5)
        lab.bench.send(
            [
                good.overwrite(at: 40, 0x12, 0x34).bytes, good.overwrite(at: 38, 0, 7).bytes,
                good.overwrite(at: 38, 0, 99).bytes,
            ],
            at: lab.lan, drops: ["ip4-local/bad-udp-checksum": 1, "ip4-local/bad-udp-length": 2])
    }

    @Test func closedTCPPort() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP).tcp(from: 4000, to: 22, flags: .syn).bytes
        let reset = lab.toA.ipv4(from: IPLab.lanIP, to: IPLab.a.ip, dontFragment: true)
            .tcp(from: 22, to: 4000, flags: [.rst, .ack], acknowledgement: 1, window: 0).bytes
        lab.bench.send([frame], at: lab.lan, expect: [(lab.lan, [reset])])
    }

    @Test func unknownProtocol() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, protocol: .ospf).payload(count: 30).bytes
        lab.expectError(.unreachable(.protocol), about: frame, drop: "protocol-unreachable")
    }

    /// A router that answered broadcasts would do so from every router on the link at once.
    @Test func broadcastToClosedPortIsSilent() {
        let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast).ipv4(from: IPLab.a.ip, to: .broadcast)
            .udp(from: 68, to: 67).payload(count: 5).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-icmp-error/to-many-stations": 1])
    }

    // MARK: - Claims

    @Test func processGetsClaimedPort() throws {
        let lab = try IPLab(start: false)
        let inbox = Inbox()
        let process = lab.bench.registry.add(process: "dhcp") { inbox.packets.append($0) }
        try lab.ip.local.claim(udpPort: 67, for: .process(process))
        try lab.bench.start()
        let discover = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast).ipv4(from: .any, to: .broadcast)
            .udp(from: 68, to: 67).payload(count: 40).bytes
        lab.bench.send([discover], at: lab.lan)
        #expect(inbox.packets.map(\.bytes) == [discover])
        #expect(inbox.packets.first?.offset == 14)
        #expect(inbox.packets.first?.rxInterface == lab.lan.interface.index)
        lab.ip.local.release(udpPort: 67)
        lab.bench.send([discover], at: lab.lan, drops: ["ip4-icmp-error/to-many-stations": 1])
    }

    @Test func nodeGetsClaimedProtocol() throws {
        let lab = try IPLab(start: false)
        lab.bench.registry.add(NodeDescriptor(OSPFStub.self) { _ in OSPFStub() })
        try lab.ip.local.claim(.ospf, for: .node(OSPFStub.name))
        #expect(throws: LocalDelivery.Conflict.self) { try lab.ip.local.claim(.ospf, for: .node(OSPFStub.name)) }
        try lab.bench.start()
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, protocol: .ospf).payload(count: 30).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ospf-stub/seen": 1])
    }
}

@ControlPlane
private final class Inbox {
    var packets: [PuntedPacket] = []
}

private struct OSPFStub: Node {
    static let name = "ospf-stub"

    enum Reason: UInt16, DropReason {
        case seen

        var text: String { "came here" }
    }

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, Reason> { .drop(.seen) }
}
