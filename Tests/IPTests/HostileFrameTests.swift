// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// Frames that nobody would send in good faith: no crash, no lost buffer, and the router goes on as before.
@Suite @ControlPlane struct HostileFrameTests {
    let lab: IPLab

    init() throws {
        lab = try IPLab(wanMTU: 576)
        lab.ip.neighbors.policy.retransmitInterval = 10
    }

    /// One right packet for each way through the graph.
    private var seeds: [[UInt8]] {
        let toRouter = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP)
        let transit = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far)
        return [
            transit.udp(from: 1, to: 2).payload(count: 30),
            transit.payload(count: 1200),
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, dontFragment: true).payload(count: 1200),
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 1).payload(count: 20),
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, options: [7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0]).payload(
                count: 600),
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, moreFragments: true, fragmentUnits: 8100).payload(
                count: 800),
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPv4Address(10, 1, 0, 9)).payload(count: 20),
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPv4Address(99, 0, 0, 1)).payload(count: 20),
            toRouter.icmp(.echoRequest(identifier: 1, sequence: 2)).payload(count: 33),
            toRouter.udp(from: 1, to: 2).payload(count: 10), toRouter.tcp(from: 1, to: 2, flags: .syn),
            toRouter.payload(count: 10), toRouter.icmp(.unreachable(.host)).payload(count: 28),
            PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast)
                .arp(.request(for: IPLab.lanIP, from: IPLab.a.mac, IPv4Address(10, 0, 0, 7))).padded(),
            PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast)
                .arp(.announcement(of: IPLab.a.ip, at: IPLab.a.mac)).padded(),
        ].map(\.bytes)
    }

    /// Changes a few bytes near the front, where the headers are; cuts some; often mends the IPv4 checksum, so that the
    /// change gets further than the first check.
    private func spoiled(_ seed: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var frame = seed
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let reach = Bool.random(using: &random) ? min(frame.count, 64) : frame.count
            frame[Int.random(in: 12..<reach, using: &random)] = .random(in: .min ... .max, using: &random)
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
            frame.removeLast(Int.random(in: 0..<frame.count, using: &random))
        }
        if Int.random(in: 0..<4, using: &random) > 0 { mendChecksum(&frame) }
        return frame
    }

    private func mendChecksum(_ frame: inout [UInt8]) {
        guard frame.count >= 34, frame[12] == 8, frame[13] == 0 else { return }
        var header = Array(frame[14..<min(frame.count, 14 + max(20, Int(frame[14] & 15) * 4))])
        header[10] = 0
        header[11] = 0
        let sum = header.withBytes { window in
            var sum = InternetChecksum()
            sum.add(window)
            return sum.value
        }
        frame[24] = UInt8(sum >> 8)
        frame[25] = UInt8(sum & 0xff)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func survives(seed: UInt64) {
        var random = SplitMix(state: seed)
        let seeds = seeds
        for _ in 0..<20 {
            let frames = (0..<256).map { _ in spoiled(seeds.randomElement(using: &random)!, &random) }
            let ports = [lab.lan, lab.wan]
            _ = lab.bench.outcome(of: frames.map { (ports.randomElement(using: &random)!, $0) })
            // Fragments to the router wait for others.
            #expect(lab.engine.buffersInUse == lab.ip.buffersInReassembly)
        }
        let good = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far).udp(from: 1, to: 2).payload(count: 9).bytes
        let sent = lab.toB.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 63).udp(from: 1, to: 2).payload(count: 9)
            .bytes
        #expect(lab.bench.outcome(of: [(lab.lan, good)]).frames["wan"]?.contains(sent) == true)
    }

    /// Every node has words for what it saw, whatever the packet was.
    @Test func tracesAnything() async throws {
        var random = SplitMix(state: 5)
        try await lab.engine.addTrace(at: "ethernet-input", count: 200, filter: nil)
        let seeds = seeds
        let frames = seeds + (0..<100).map { _ in spoiled(seeds.randomElement(using: &random)!, &random) }
        _ = lab.bench.outcome(of: frames.map { (lab.lan, $0) })
        let packets = await lab.engine.traces().packets
        #expect(packets.count == frames.count)
        let nodes = Set(packets.flatMap { $0.steps.map(\.node) })
        let own: Set = [
            "arp-input", "ip4-input", "ip4-options", "ip4-lookup", "ip4-rewrite", "ip4-fragment", "ip4-glean",
            "ip4-local",
            "ip4-icmp-echo", "ip4-icmp-error", "ip4-no-forwarding",
        ]
        #expect(nodes.isSuperset(of: own))
        #expect(packets.allSatisfy { $0.steps.allSatisfy { !own.contains($0.node) || !$0.text.isEmpty } })
    }

    @Test func tracesAPing() async throws {
        try await lab.engine.addTrace(at: "ethernet-input", count: 1, filter: nil)
        let ping = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP).icmp(.echoRequest(identifier: 7, sequence: 9))
            .bytes
        _ = lab.bench.outcome(of: [(lab.lan, ping)])
        let steps = await lab.engine.traces().packets.first?.steps ?? []
        #expect(
            steps.dropFirst().prefix(6).map { "\($0.node): \($0.text)" } == [
                "ip4-input: 10.0.0.2 -> 10.0.0.1, protocol 1, ttl 64, length 28",
                "ip4-lookup: 10.0.0.1: local 16", "ip4-local: 10.0.0.2 -> 10.0.0.1, ICMP",
                "ip4-icmp-echo: echo request from 10.0.0.2, id 7, sequence 9",
                "ip4-lookup: 10.0.0.2: rewrite 18",
                "ip4-rewrite: adjacency 18: next hop 10.0.0.2, interface 1, ttl was 64",
            ])
    }
}

/// A small generator whose state can be printed and given again (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
