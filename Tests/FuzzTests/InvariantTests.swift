// SPDX-License-Identifier: Apache-2.0
import Graph
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
        #expect(try await failure(["ethernet-input/arp": "ip4-input"]).hasPrefix("0 packets came to arp-input, "))
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
    fileprivate static func sent(ttl: UInt8 = 64, to destination: IPv4Address = IPv4Address(10, 1, 0, 2))
        -> PacketBuilder
    {
        PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 0, 2), to: MACAddress(2, 0, 0, 0, 2, 2))
            .ipv4(from: IPv4Address(10, 0, 0, 2), to: destination, timeToLive: ttl, protocol: IPProtocol(rawValue: 99))
    }
}
