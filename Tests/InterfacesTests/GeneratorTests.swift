// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Interfaces

@Suite("Generator")
@ControlPlane
struct GeneratorTests {
    /// What a generator with these keys sends, as a capture recorded it.
    func output(_ entry: DriverLab.Node, workers: Int = 1) throws -> [[UInt8]] {
        let lab = try DriverLab(workers: workers)
        let source = try lab.add("gen0", entry)
        lab.connect(source, to: try lab.add("out", ["type": "pcap", "write": "\(lab.path("out"))"]))
        try lab.engine.build()
        lab.engine.runToEnd()
        #expect(lab.engine.buffersInUse == 0)
        #expect(lab.drops.isEmpty)
        return try lab.records("out").map(\.bytes)
    }

    func words(_ packets: [[UInt8]]) -> [String] {
        packets.map { packet in
            var packet = packet
            return packet.withBytes { PacketDescription($0).description }
        }
    }

    @Test("a capture is replayed in a loop, byte for byte, whatever the lengths")
    func replay() throws {
        let lab = try DriverLab()
        let packets = [0, 1, 60, 63, 64, 65, 128, 129, 255, 256, 257, 1514, 1792].map { length in
            (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ length) }
        }
        let path = try lab.capture("in", packets)
        #expect(try output(["type": "generator", "read": "\(path)", "loops": 50]) == (0..<50).flatMap { _ in packets })
        #expect(
            try output(["type": "generator", "read": "\(path)", "loops": 50, "count": 15]) == packets + packets[..<2])
    }

    @Test("ranges, lists, steps and prefixes advance with each packet")
    func fields() throws {
        let packets = try output([
            "type": "generator", "loops": 1, "mac": "02:00:00:00:00:07",
            "packets": [
                [
                    "ethernet": ["source": "02:00:00:00:01:00-02:00:00:00:01:01"],
                    "ipv4": [
                        "source": "10.0.0.1-10.0.0.3", "destination": ["192.0.2.0/31", "198.51.100.7"],
                        "ttl": ["values": "10-20", "step": 5],
                    ],
                    "udp": ["source": 4000, "destination": "53-55"],
                ]
            ],
        ])
        #expect(
            words(packets) == [
                "02:00:00:00:01:00 > 02:00:00:00:00:07 IPv4 10.0.0.1 > 192.0.2.0 UDP 4000 > 53",
                "02:00:00:00:01:01 > 02:00:00:00:00:07 IPv4 10.0.0.2 > 192.0.2.1 UDP 4000 > 54",
                "02:00:00:00:01:00 > 02:00:00:00:00:07 IPv4 10.0.0.3 > 198.51.100.7 UDP 4000 > 55",
            ])
        #expect(packets.map { $0[22] } == [10, 15, 20])
        #expect(packets.allSatisfy { $0.count == 60 })
    }

    @Test("random values repeat with the seed, stay in their range and reach all of it")
    func random() throws {
        func run(_ seed: DriverLab.Node) throws -> [[UInt8]] {
            try output([
                "type": "generator", "loops": 1, "seed": seed,
                "packets": [
                    [
                        "count": 500,
                        "ipv4": [
                            "source": ["values": "10.0.0.10-10.0.0.19", "order": "random"], "destination": "10.1.0.1",
                        ],
                    ]
                ],
            ])
        }
        let one = try run(1)
        #expect(try one == run(1))
        #expect(try one != run(2))
        #expect(Set(one.map { $0[29] }) == Set(10...19))
    }

    @Test("tags, transports, payload and sizes")
    func layers() throws {
        let packets = try output([
            "type": "generator", "loops": 1, "mac": "02:00:00:00:00:07",
            "packets": [
                [
                    "ethernet": ["source": "02:00:00:00:00:01"],
                    "vlan": [["id": 5, "kind": "service", "priority": 3], 7], "size": 64,
                ],
                [
                    "ethernet": ["source": "02:00:00:00:00:01"],
                    "ipv4": ["source": "10.0.0.1", "destination": "10.0.0.2"],
                    "tcp": ["source": 1, "destination": 2, "flags": ["syn", "ece"]],
                ],
            ],
        ])
        #expect(packets[0].count == 64)
        #expect(Array(packets[0][12..<20]) == [0x88, 0xa8, 0x60, 5, 0x81, 0, 0, 7])
        #expect(packets[1][47] == TCPFlags([.syn, .ece]).rawValue)
        let sized = try output([
            "type": "generator", "loops": 1,
            "packets": [
                [
                    "ipv4": ["source": "10.0.0.1", "destination": "10.0.0.2", "dscp": 46, "dont-fragment": true],
                    "icmp": ["identifier": 7, "sequence": "1-3"], "payload": "de ad BEef", "size": [60, "1513-1514"],
                ]
            ],
        ])
        #expect(sized.map(\.count) == [60, 1513, 1514])
        for (number, packet) in sized.enumerated() {
            #expect(Array(packet[42..<46]) == [0xde, 0xad, 0xbe, 0xef])
            #expect(packet[15] == 46 << 2 && packet[20] == 0x40)
            var packet = Array(packet[14...])
            packet.withBytes { bytes in
                let ip = IPv4View(bytes)
                let message = ip.flatMap { ICMPv4View($0.payload) }
                #expect(ip?.isChecksumRight == true)
                #expect(message?.isChecksumRight == true)
                #expect(message?.sequence == UInt16(number + 1) && message?.identifier == 7)
            }
        }
    }

    @Test("IPv6, ICMPv6 and labels")
    func longHeaders() throws {
        let packets = try output([
            "type": "generator", "loops": 1, "mac": "02:00:00:00:00:07",
            "packets": [
                [
                    "mpls": [["label": "100-101", "ttl": 9, "class": 5], 2],
                    "ipv6": [
                        "source": "2001:db8::1", "destination": "2001:db8:0:ffff::-2001:db8:1::", "hop-limit": 3,
                        "flow-label": 7, "dscp": 46,
                    ],
                    "udp": ["source": 1, "destination": 2], "count": 2,
                ],
                [
                    "ipv6": ["source": "2001:db8::/64", "destination": "2001:db8::2"],
                    "icmp6": ["identifier": 7, "sequence": 9], "size": 100, "count": 2,
                ],
            ],
        ])
        #expect(packets.count == 4)
        #expect(Array(packets[1][12..<22]) == [0x88, 0x47, 0, 6, 0x5a, 9, 0, 0, 0x21, 64])
        let udp = PacketBuilder().ipv6(
            from: IPv6Address("2001:db8::1")!, to: IPv6Address("2001:db8:0:ffff::1")!, hopLimit: 3,
            trafficClass: 46 << 2, flowLabel: 7
        ).udp(from: 1, to: 2).bytes
        #expect(Array(packets[1][22...]) == udp)
        let echo = PacketBuilder().ipv6(from: IPv6Address("2001:db8::1")!, to: IPv6Address("2001:db8::2")!)
            .icmp6(.echoRequest(identifier: 7, sequence: 9)).payload(count: 100 - 62).bytes
        #expect(Array(packets[3][14...]) == echo && Array(packets[3][12..<14]) == [0x86, 0xdd])
    }

    @Test("the simple IMIX")
    func imix() throws {
        let packets = try output(["type": "generator", "loops": 1, "packets": [["size": "imix"]]])
        #expect(packets.count == 12)
        #expect(Dictionary(grouping: packets, by: \.count).mapValues(\.count) == [60: 7, 590: 4, 1514: 1])
    }

    @Test("one worker generates unless all are to; then each does its part")
    func workers() throws {
        let packets: DriverLab.Node = [
            ["count": 100, "ipv4": ["source": "10.0.0.0-10.0.0.99", "destination": "10.0.0.1"]]
        ]
        let one = try output(["type": "generator", "loops": 2, "packets": packets], workers: 3)
        let all = try output(["type": "generator", "loops": 2, "packets": packets, "workers": "all"], workers: 3)
        #expect(one.count == 200 && all.count == 200)
        #expect(one.map { $0[29] } == (0..<200).map { $0 % 100 })
        #expect(Set(all) == Set(one))
    }

    @Test("a rate sleeps between packets, and keeps on")
    func rate() async throws {
        let lab = try DriverLab()
        let source = try lab.add(
            "gen0", ["type": "generator", "count": 40, "rate": "200pps", "packets": [["size": 60]]])
        let sink = try lab.add("out", ["type": "null"])
        lab.connect(source, to: sink)
        try lab.engine.build()
        lab.engine.start()
        #expect(await eventually { lab.engine.isFinished })
        lab.engine.stop()
        #expect(lab.engine.counters(of: sink.index).txPackets == 40)
        let worker = try #require(lab.engine.workerSamples().first)
        #expect(worker.counters.sleeps > 5, "it slept between packets")
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test("the pace spreads packets evenly and does not catch up after a stall")
    func pace() {
        let second = UInt64(Clock.frequency)
        var pace = Pace(packetsPerSecond: 1000)
        var sent = 0
        var most = 0
        for tick in 0..<10_000 {
            let count = pace.allowance(1000 + UInt64(tick) * second / 10_000, upTo: 256)
            pace.spend(count)
            sent += count
            most = max(most, count)
        }
        #expect((999...1001).contains(sent))
        #expect(most == 1)
        let wait = pace.nanosecondsUntilNext(1000 + second)
        #expect((0...1_001_000).contains(wait))
        // Ten seconds later: a frame, not ten thousand packets.
        #expect(pace.allowance(1000 + 11 * second, upTo: 20_000) == 256)
    }

    @Test("what a frame could not hold, for want of buffers, is sent later")
    func shortOfBuffers() throws {
        let lab = try DriverLab(buffers: 256)
        let source = try lab.add("gen0", ["type": "generator", "count": 1000, "packets": [["size": 60]]])
        let sink = try lab.add("out", ["type": "null"])
        lab.connect(source, to: sink)
        try lab.engine.build()
        lab.engine.runToEnd()
        #expect(lab.engine.counters(of: sink.index).txPackets == 1000)
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test("many packets are loaded without copying them about")
    func manyPackets() throws {
        let lab = try DriverLab()
        let writer = try CaptureWriter(path: lab.path("in"))
        var packet = PcapDriverTests.packets(1)[0]
        for number in 0..<65536 { try packet.withBytes { try writer.write($0, nanoseconds: UInt64(number)) } }
        try writer.close()
        var skipped = 0
        let source = try PacketSource(capture: lab.path("in"), longest: 1792, skipped: &skipped)
        #expect(source.count == 65536 && source.byteCount == 65536 * 60 && source.longest == 60 && skipped == 0)
    }

    @Test("what can be wrong in the file is said at its place")
    func errors() throws {
        let lab = try DriverLab()
        let long = try lab.capture("long", [[UInt8](repeating: 1, count: 4000)])
        func expect(_ entry: DriverLab.Node, _ text: String) {
            let problem = lab.problem(entry, name: "gen0") ?? "nothing"
            #expect(problem.contains(text), "\(problem)")
        }
        func packet(_ packet: DriverLab.Node, _ text: String) {
            expect(["type": "generator", "packets": [packet]], text)
        }
        expect(["type": "generator"], "one of 'read' and 'packets' says what to generate")
        expect(["type": "generator", "read": "x", "packets": [["size": 60]]], "give one of them, not both")
        expect(["type": "generator", "packets": []], "0 elements are given")
        expect(["type": "generator", "read": "/nowhere"], "cannot open the capture '/nowhere'")
        expect(["type": "generator", "read": "\(long)"], "holds no packets that fit in a buffer: 1 are too long")
        expect(["type": "generator", "packets": [["size": 60]], "rate": "0pps"], "no packet would ever be sent")
        expect(["type": "generator", "packets": [["size": 60]], "rate": "fast"], "interfaces.gen0.rate")
        packet(["udp": ["source": 1, "destination": 2]], "'udp' needs an IP header before it; add 'ipv4:' or 'ipv6:'")
        packet(
            ["ipv4": ["source": "10.0.0.1", "destination": "10.0.0.300"]], "interfaces.gen0.packets[0].ipv4.destination"
        )
        packet(
            ["ipv4": ["source": "10.0.0.9-10.0.0.1", "destination": "10.0.0.3"]],
            "packets[0].ipv4.source: '10.0.0.9-10.0.0.1'")
        packet(["ipv4": ["source": "10.0.0.1"]], "'destination' is missing")
        packet(["size": 1793], "the packets do not fit in a buffer, which holds 1792 bytes")
        packet(["size": 59], "packets[0].size")
        packet(["payload": "abc"], "'abc' is not hexadecimal bytes")
        packet(["vlan": 4096], "packets[0].vlan")
        packet(
            [
                "ipv4": ["source": "10.0.0.1", "destination": "10.0.0.2"], "udp": ["source": 1, "destination": 2],
                "icmp": ["code": 0],
            ], "udp and icmp exclude each other")
        packet(
            [
                "ipv4": ["source": "10.0.0.1", "destination": "10.0.0.2"],
                "ipv6": ["source": "::1", "destination": "::2"],
            ], "ipv4 and ipv6 exclude each other")
        packet(
            ["ipv4": ["source": "10.0.0.1", "destination": "10.0.0.2"], "icmp6": ["code": 0]],
            "'icmp6' needs an IP header before it; add 'ipv6:'")
        packet(["ipv6": ["source": "::1", "destination": "10.0.0.1"]], "packets[0].ipv6.destination")
        packet(["mpls": ["label": 1_048_576]], "packets[0].mpls")
    }
}
