// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import IP
import Testing
import Wire

@testable import Fuzzing

/// Loses packets.
private struct LeakyNode: Node {
    static let name = "leaky"

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, NoReason> { .kept }
}

/// Frees packets and says nothing.
private struct SwallowingNode: Node {
    static let name = "swallowing"

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count { context.decide(position, Verdict<NoNext, NoReason>.kept) }
        context.free(frame.indices, count: frame.count)
    }
}

/// Writes into the header without mending the checksum.
private struct ScribblingNode: Node {
    static let name = "scribbling"

    enum Next: UInt16, NextNode {
        case rewrite

        var node: String { "ip4-rewrite" }
    }

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> {
        packet.bytes.store(packet.bytes.load(at: 4, as: UInt8.self) ^ 1, at: 4)
        return .to(.rewrite)
    }
}

@ControlPlane
private final class Faults: Module {
    nonisolated static let name = "faults"

    init() {}

    func register(in registry: Registry) {
        registry.add(NodeDescriptor(LeakyNode.self) { _ in LeakyNode() })
        registry.add(NodeDescriptor(SwallowingNode.self) { _ in SwallowingNode() })
        registry.add(NodeDescriptor(ScribblingNode.self) { _ in ScribblingNode() })
    }
}

/// What the fuzzer holds against the router is found when it is there.
@Suite("Fuzz: faults are found")
struct InvariantTests {
    @ControlPlane
    private func failure(_ detours: [String: String]) throws -> String {
        let fuzzer = try PacketFuzzer(seed: 1, detours: detours, modules: [Faults.self])
        do {
            try fuzzer.run(count: 2560)
        } catch {
            return "\(error)"
        }
        return "none"
    }

    @Test func lostBuffers() async throws {
        #expect(try await failure(["ip4-input/lookup": "leaky"]).contains("buffers are not back"))
    }

    @Test func packetsThatVanish() async throws {
        #expect(try await failure(["ip4-input/lookup": "swallowing"]).contains(" packets came to ip4-lookup, "))
    }

    @Test func packetsThatAreMisled() async throws {
        #expect(try await failure(["ip4-rewrite/arp": "ip4-icmp-error"]).hasPrefix("0 packets came to ip4-arp, "))
    }

    @Test func wrongPacketsSent() async throws {
        let text = try await failure(["ip4-lookup/rewrite": "scribbling"])
        #expect(text.contains("sent a packet with a wrong header checksum"))
    }

    @Test(arguments: [
        ("", "a source address that is not the port's"), ("0200", "no whole Ethernet header"),
        ("ffffffffffff02000000000288b5", "a type that was not asked for"),
        ("02000000000102000000000208060001080006040001", "no whole ARP packet"),
        ("0200000001020200000000020800450000140000000000110000", "no IPv4 header"),
    ])
    func sentPacketsAreJudged(text: String, complaint: String) {
        var frame = PacketFuzzer.frames(text).first ?? [UInt8](repeating: 0, count: 60)
        let check = SentPacketCheck(mac: MACAddress(2, 0, 0, 0, 0, 2), mtu: 600)
        #expect(frame.withBytes { check.complaint(about: $0) }?.description == complaint)
    }

    @Test(arguments: [
        (PacketBuilder.sent(ttl: 0), "no time to live"),
        (PacketBuilder.sent().payload(count: 700), "more than the MTU"),
        (PacketBuilder.sent().padded(), "a wrong total length"),
        (PacketBuilder.sent(to: IPv4Address(224, 0, 0, 1)), "a destination that is not one host"),
        (PacketBuilder.sent().payload(count: 20), nil),
    ])
    func sentIPv4IsJudged(packet: PacketBuilder, complaint: String?) {
        let check = SentPacketCheck(mac: MACAddress(2, 0, 0, 0, 0, 2), mtu: 600)
        #expect(packet.withFrame { check.complaint(about: $0) }?.description == complaint)
    }

    /// The packet that an error in `sentErrorsAreJudged` quotes, but for what is wrong with it.
    private static let asked = PacketBuilder().ipv4(from: peer, to: far).udp(from: 1, to: 2).payload(count: 8)
    private static let asked6 = PacketBuilder().ipv6(from: peer6, to: far6).udp(from: 1, to: 2).payload(count: 8)
    private static let (peer, far) = (IPv4Address(10, 1, 0, 2), IPv4Address(192, 0, 2, 1))
    private static let (peer6, far6) = (IPv6Address("2001:db8:1::2")!, IPv6Address("2001:db8:9::9")!)

    private static func error4(_ message: ICMPv4Message, _ quoted: PacketBuilder) -> PacketBuilder {
        PacketBuilder.sent(ttl: 255, protocol: .icmp).icmp(message).payload(quoted.bytes)
    }

    private static func error6(_ message: ICMPv6Message, _ quoted: PacketBuilder) -> PacketBuilder {
        PacketBuilder.sent6().icmp6(message).payload(quoted.bytes)
    }

    @Test(arguments: [
        (error4(.unreachable(.host), asked), nil),
        (error4(.unreachable(.host), asked.payload(count: 560)), "an ICMP error longer than 576 bytes"),
        (error4(.timeExceeded, PacketBuilder()), "an ICMP error about nothing"),
        (
            error4(.timeExceeded, PacketBuilder().ipv4(from: far, to: peer).udp(from: 1, to: 2)),
            "an ICMP error for another than the sender"
        ),
        (
            error4(.timeExceeded, PacketBuilder().ipv4(from: peer, to: IPv4Address(224, 0, 0, 5)).udp(from: 1, to: 2)),
            "an ICMP error about a packet to many"
        ),
        (
            error4(.timeExceeded, PacketBuilder().ipv4(from: peer, to: far, fragmentUnits: 3, protocol: .udp)),
            "an ICMP error about a later fragment"
        ),
        (
            error4(.timeExceeded, PacketBuilder().ipv4(from: peer, to: far).icmp(.timeExceeded)),
            "an ICMP error about an ICMP error"
        ),
        (
            error4(
                .timeExceeded, PacketBuilder().ipv4(from: peer, to: far).icmp(.echoRequest(identifier: 1, sequence: 1))),
            nil
        ),
        (
            error4(.unreachable(.fragmentationNeeded, nextHopMTU: 600), asked),
            "a 'fragmentation needed' about a packet that may be cut"
        ),
        (error4(.parameterProblem(pointer: 20), asked), "a pointer behind the header"),
        (PacketBuilder.sent(ttl: 255), "a protocol that the router does not speak"),
        (error6(.unreachable(.address), asked6), nil),
        (error6(.unreachable(.address), asked6.payload(count: 1250)), "an ICMPv6 error longer than 1,280 bytes"),
        (error6(.packetTooBig(mtu: 1280), asked6), "an MTU that does not explain the error"),
        (
            error6(.timeExceeded, PacketBuilder().ipv6(from: far6, to: peer6).udp(from: 1, to: 2)),
            "an ICMPv6 error for another than the sender"
        ),
        (
            error6(.timeExceeded, PacketBuilder().ipv6(from: peer6, to: .allNodes).udp(from: 1, to: 2)),
            "an ICMPv6 error about a packet to many"
        ),
        (
            error6(
                .timeExceeded, PacketBuilder().ipv6(from: peer6, to: far6).destinationOptions([]).icmp6(.timeExceeded)),
            "an ICMPv6 error about an ICMPv6 error"
        ),
        (
            error6(.timeExceeded, PacketBuilder().ipv6(from: peer6, to: far6).fragment6(units: 3, identification: 7)),
            "an ICMPv6 error about a later fragment"
        ),
        (
            error6(
                .parameterProblem(.headerField, pointer: 42),
                PacketBuilder().ipv6(from: peer6, to: far6).fragment6(units: 3, identification: 7)),
            nil
        ),
        (PacketBuilder.sent6().fragment6(identification: 7).payload(count: 8), "a fragment that is the whole packet"),
        (
            PacketBuilder.sent6().fragment6(moreFragments: true, identification: 7).payload(count: 9),
            "a fragment, not the last, of a wrong length"
        ),
        (PacketBuilder.sent6().fragment6(units: 2, identification: 7), "a fragment without data"),
        (PacketBuilder.sent6().fragment6(units: 2, identification: 7).payload(count: 9), nil),
        (PacketBuilder.sent6().tcp(from: 1, to: 2, flags: .syn), "a protocol that the router does not speak"),
        (PacketBuilder.sent6(linkLocal: 64).tcp(from: 1, to: 2, flags: [.rst, .ack], acknowledgement: 9), nil),
        (PacketBuilder.sent6(linkLocal: 64).tcp(from: 1, to: 2, flags: .rst, sequenceNumber: 9), nil),
        (PacketBuilder.sent6(linkLocal: 64).tcp(from: 1, to: 2, flags: .syn), "TCP that is no reset"),
        (
            PacketBuilder.sent6(linkLocal: 64).tcp(from: 1, to: 2, flags: .rst, acknowledgement: 9),
            "a reset that acknowledges without saying so"
        ),
        (
            PacketBuilder.sent6(linkLocal: 64).tcp(from: 1, to: 2, flags: [.rst, .ack], sequenceNumber: 9),
            "a reset with a sequence number of its own"
        ),
        (
            PacketBuilder.sent6(linkLocal: 64).tcp(from: 1, to: 2, flags: .rst).payload(count: 4),
            "TCP that is not a header alone"
        ),
        (PacketBuilder.sent6(linkLocal: 254).udp(from: 1, to: 3785), nil),
        (
            PacketBuilder.sent6(linkLocal: 254).udp(from: 1, to: 3784),
            "a group or a link-local address, and is not the router's own"
        ),
    ])
    func sentErrorsAreJudged(packet: PacketBuilder, complaint: String?) {
        let check = SentPacketCheck(mac: MACAddress(2, 0, 0, 0, 0, 2), mtu: 1500)
        #expect(packet.withFrame { check.complaint(about: $0) }?.description == complaint)
    }

    @Test(arguments: [(false, "a wrong ICMP checksum"), (true, "a wrong ICMPv6 checksum")])
    func wrongChecksumsAreFound(isIPv6: Bool, complaint: String) {
        let packet =
            isIPv6
            ? InvariantTests.error6(.unreachable(.address), InvariantTests.asked6)
            : InvariantTests.error4(.unreachable(.host), InvariantTests.asked)
        var frame = packet.bytes
        frame[frame.count - 1] ^= 1
        let check = SentPacketCheck(mac: MACAddress(2, 0, 0, 0, 0, 2), mtu: 1500)
        #expect(frame.withBytes { check.complaint(about: $0) }?.description == complaint)
    }

    @Test func sentLabelsAreJudged() {
        let check = SentPacketCheck(mac: MACAddress(2, 0, 0, 0, 0, 2), mtu: 600)
        func complaint(_ label: UInt32, ttl: UInt8 = 64, count: Int = 20) -> String? {
            PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 2), to: MACAddress(2, 0, 0, 0, 2, 2))
                .mpls(label: label, timeToLive: ttl).payload(count: count)
                .withFrame { check.complaint(about: $0) }?.description
        }
        #expect(complaint(200) == nil)
        #expect(complaint(0) == nil)
        #expect(complaint(3) == "a reserved label on top")
        #expect(complaint(200, ttl: 0) == "no time to live")
        #expect(complaint(200, count: 600) == "more than the MTU")
    }

    /// The restless graph is one: its BFD sessions come up, and next hops change.
    @Test @ControlPlane
    func nextHopsFailAndSessionsComeUp() throws {
        let fuzzer = try PacketFuzzer(.protected, seed: 1)
        try fuzzer.run(count: 100_000)
        let module = try #require(fuzzer.router.registry.module(IPModule.self))
        #expect(Set(module.fastReroute.switches.map(\.reason)).isSuperset(of: [.bfdDown, .command, .linkDown]))
        #expect(fuzzer.feed.discriminators.count >= 3)
    }

    @Test func aFailureNamesTheInputAndMakesItAgain() async throws {
        let seeds = [Array("one two three".utf8)]
        let fuzzer = TextFuzzer("test", { TextMutator(seeds: seeds, words: []) }) { input in
            if input.count > 20 { throw FuzzFailure("too long") }
        }
        let failure = await #expect(throws: FuzzFailure.self) { try await fuzzer.run(seed: 1, count: 10000) }
        let text = try #require(failure?.description)
        let number = try #require(text.split(whereSeparator: { !$0.isNumber }).first.flatMap { UInt64($0) })
        #expect(text == "test, input \(number): too long")
        #expect(fuzzer.input(seed: 1, number: number).count > 20)
    }

    @Test func randomNumbersComeEverywhere() {
        var random = FuzzRandom(seed: 1, number: 1)
        #expect(Set((0..<1000).map { _ in random.below(16) }).count == 16)
        var other = FuzzRandom(seed: 1, number: 2)
        #expect(random.next() != other.next())
    }
}

extension PacketBuilder {
    fileprivate static func sent(
        ttl: UInt8 = 64, to destination: IPv4Address = IPv4Address(10, 1, 0, 2),
        protocol: IPProtocol = IPProtocol(rawValue: 99)
    ) -> PacketBuilder {
        PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 2), to: MACAddress(2, 0, 0, 0, 2, 2))
            .ipv4(from: IPv4Address(10, 0, 0, 2), to: destination, timeToLive: ttl, protocol: `protocol`)
    }

    fileprivate static func sent6(linkLocal limit: UInt8) -> PacketBuilder {
        PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 2), to: MACAddress(2, 0, 0, 0, 2, 2))
            .ipv6(from: IPv6Address("fe80::1")!, to: IPv6Address("fe80::2")!, hopLimit: limit)
    }

    fileprivate static func sent6() -> PacketBuilder {
        PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 2), to: MACAddress(2, 0, 0, 0, 2, 2))
            .ipv6(from: IPv6Address("2001:db8:1::1")!, to: IPv6Address("2001:db8:1::2")!, hopLimit: 255)
    }
}
