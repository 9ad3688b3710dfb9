// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// IPv6 fragments to the router, and of its own (RFC 8200 section 4.5).
@Suite @ControlPlane struct IP6ReassemblyTests {
    let lab: IP6Lab

    init() throws { lab = try IP6Lab() }

    private func drops(_ reasons: [String: UInt64]) -> [String: UInt64] {
        Dictionary(uniqueKeysWithValues: reasons.map { ("ip6-reassembly/\($0)", $1) })
    }

    @Test(arguments: Array(0..<4).permutations) func anyOrder(order: [Int]) {
        let pieces = lab.pingPieces(count: 53).every(16)
        lab.bench.send(order.map { pieces[$0] }, at: lab.lan, expect: [(lab.lan, [lab.pong(count: 53)])])
    }

    @Test func anyPieces() {
        var random = SplitMix(state: 7)
        for round in 0..<200 as Range<UInt32> {
            let count = Int.random(in: 0...1400, using: &random)
            let pieces = lab.pingPieces(count: count, identification: round)
            let ranges = pieces.atRandom(&random).shuffled(using: &random)
            // Each but the last comes once more behind itself.
            let frames = ranges.dropLast().flatMap { [pieces[$0], pieces[$0]] } + ranges.suffix(1).map { pieces[$0] }
            let doubles = UInt64(ranges.count - 1)
            // A piece alone is a packet of its own.
            lab.bench.send(
                frames, at: lab.lan, expect: [(lab.lan, [lab.pong(count: count)])],
                drops: doubles > 0 ? drops(["duplicate": doubles]) : [:])
        }
    }

    /// RFC 5722: nothing of it is used, nor what comes later; a duplicate is none unless it is the same through and through.
    @Test(arguments: [
        [0..<24, 16..<48], [16..<48, 0..<24], [0..<16, 0..<32], [0..<32, 16..<32], [0..<32, 0..<16],
    ])
    func overlaps(two: [Range<Int>]) {
        let pieces = lab.pingPieces(count: 40)
        lab.bench.send(
            two.map { pieces[$0] } + [pieces[0..<16], pieces[32..<48]], at: lab.lan, drops: drops(["overlap": 4]))
    }

    @Test func piecesOfOneThatCameTogether() {
        let pieces = lab.pingPieces(count: 40)
        lab.bench.send(
            [pieces[0..<16], pieces[16..<32], pieces[0..<32]], at: lab.lan, drops: drops(["overlap": 2]))
    }

    @Test func otherBytesAreNoDuplicate() {
        let pieces = lab.pingPieces(count: 40).every(16)
        var other = pieces[1]
        other[70] ^= 1
        lab.bench.send([pieces[1], other], at: lab.lan, drops: drops(["overlap": 2]))
    }

    /// RFC 6946: a packet with a fragment header that is whole is so, whatever else has its identification.
    @Test func atomicFragment() {
        let pieces = lab.pingPieces(count: 40)
        let outcome = lab.bench.outcome(of: [pieces[0..<16], pieces[0..<48]], at: lab.lan)
        #expect(outcome == .init(frames: ["lan": [lab.pong(count: 40)]]))
        lab.bench.send([pieces[16..<48]], at: lab.lan, expect: [(lab.lan, [lab.pong(count: 40)])])
    }

    @Test func lengthThatIsNoMultipleOfEight() {
        let frame = lab.pingPieces(count: 40)[0..<12, more: true]
        lab.expectError(.parameterProblem(.headerField, pointer: 4), about: frame, drop: "bad-fragment")
    }

    /// Told of although it is a later fragment.
    @Test func beyondTheLongestPacket() {
        let frame = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP)
            .fragment6(units: 8191, moreFragments: true, identification: 3, next: .udp).payload(count: 800).bytes
        lab.expectError(.parameterProblem(.headerField, pointer: 42), about: frame, drop: "bad-fragment")
    }

    @Test func longHeaders() {
        // One that is not known, and wants to be passed over.
        let options = [0x1e, 98] + [UInt8](repeating: 0, count: 98)
        let frame = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP).destinationOptions(options)
            .fragment6(units: 2, identification: 3, next: .udp).payload(count: 80).bytes
        lab.bench.send([frame], at: lab.lan, drops: drops(["headers-too-long": 1]))
    }

    /// Headers in front of the fragment header stay, and name what it named.
    @Test func headersInFront() throws {
        let lab = try IP6Lab(start: false)
        let inbox = Inbox()
        let process = lab.bench.registry.add(process: "receiver") { inbox.packets.append($0) }
        try lab.ip.local.claim(udpPort: 4000, for: .process(process))
        try lab.bench.start()
        let start = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP).hopByHop([1, 0])
            .destinationOptions([1, 4, 0, 0, 0, 0, 1, 0])
        let whole = start.udp(from: 1, to: 4000).payload(count: 1500).bytes
        let pieces = Pieces(ipv6: whole, at: 78) { units, more in
            start.fragment6(units: units, moreFragments: more, identification: 5, next: .udp)
        }
        lab.bench.send(pieces.every(600).reversed(), at: lab.lan)
        #expect(inbox.packets.map(\.bytes) == [whole])
        #expect(inbox.packets.first?.offset == 14)
    }

    /// RFC 6980 section 5: neighbor discovery has no fragments.
    @Test func neighborDiscovery() {
        let solicitation = NeighborSolicitation(target: IP6Lab.lanIP, station: IP6Lab.a.mac)
        let whole = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP, hopLimit: 255).discovery(solicitation).bytes
        let start = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.lanIP, hopLimit: 255)
        let pieces = Pieces(ipv6: whole) { units, more in
            start.fragment6(units: units, moreFragments: more, identification: 6, next: .icmp6)
        }
        lab.bench.send(pieces.every(24), at: lab.lan, drops: ["nd-input/fragmented": 1])
    }

    @Test func timeExceeded() {
        lab.ip.setReassemblyTimeout(.milliseconds(1))
        let pieces = lab.pingPieces(count: 40).every(16)
        let before = lab.bench.drops
        for frame in [pieces[2], pieces[0]] { lab.lan.send(frame) }
        #expect(lab.bench.step { lab.bench.engine.buffersInUse == 0 && lab.bench.drops != before })
        lab.bench.settle()
        let error = lab.errorToA(.reassemblyTimeExceeded, about: pieces[0])
        #expect(
            lab.bench.outcome(since: before)
                == .init(frames: ["lan": [error]], drops: ["ip6-icmp-error/reassembly-time-exceeded": 1]))
    }

    // MARK: - Fragments of the router's own

    /// Who asks in fragments is answered in fragments.
    @Test(arguments: [1452, 1453, 1500, 1700]) func longAnswers(count: Int) throws {
        let outcome = lab.bench.outcome(of: lab.pingPieces(count: count).every(1000), at: lab.lan)
        #expect(outcome.drops == [:])
        let frames = outcome.frames["lan"] ?? []
        let pong = lab.pong(count: count)
        guard pong.count > 1514 else {
            #expect(frames == [pong])
            return
        }
        let most = (1500 - 48) & ~7
        #expect(frames.map(\.count) == [62 + most, 62 + pong.count - 54 - most])
        #expect(frames.flatMap { $0.dropFirst(62) } == Array(pong.dropFirst(54)))
        var identifications: Set<UInt32> = []
        for (number, var frame) in frames.enumerated() {
            let (header, fragment) = frame.withBytes { window in
                let header = IPv6View(window.dropping(first: 14))!
                return (IPv6Header(header), IPv6Fragment(header.payload))
            }
            #expect(header.source == IP6Lab.lanIP && header.destination == IP6Lab.a.ip && header.hopLimit == 64)
            #expect(header.nextHeader == .fragment && Int(header.payloadLength) == frame.count - 54)
            #expect(fragment.next == .icmp6 && fragment.offset == number * most)
            #expect(fragment.moreFragments == (number == 0))
            identifications.insert(fragment.identification)
        }
        #expect(identifications.count == 1)
        lab.bench.checkBalance()
    }

    /// Others' packets are not cut.
    @Test func othersAreTold() throws {
        let lab = try IP6Lab(wanMTU: 1400)
        let frame = lab.datagram(to: IP6Lab.b.ip, count: 1400)
        lab.expectError(.packetTooBig(mtu: 1400), about: frame, drop: "packet-too-big")
    }

    @Test func manyAtOnce() {
        let pings = (0..<40 as Range<UInt32>).map { lab.pingPieces(count: 1700, identification: $0).every(1000) }
        let outcome = lab.bench.outcome(of: pings.flatMap { $0 }, at: lab.lan)
        #expect(outcome.frames["lan"]?.count == 80)
        lab.bench.checkBalance()
    }
}

@ControlPlane
private final class Inbox {
    var packets: [PuntedPacket] = []
}
