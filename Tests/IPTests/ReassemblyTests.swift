// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// IPv4 fragments to the router (RFC 791 section 3.2, RFC 1122 section 3.3.2).
@Suite @ControlPlane struct ReassemblyTests {
    let lab: IPLab

    init() throws { lab = try IPLab() }

    private func drops(_ reasons: [String: UInt64]) -> [String: UInt64] {
        Dictionary(uniqueKeysWithValues: reasons.map { ("ip4-reassembly/\($0)", $1) })
    }

    @Test(arguments: Array(0..<4).permutations) func anyOrder(order: [Int]) {
        let pieces = lab.pingPieces(count: 53).every(16)
        lab.bench.send(order.map { pieces[$0] }, at: lab.lan, expect: [(lab.lan, [lab.pong(count: 53)])])
    }

    /// Pieces of any length, some of them twice, some that overlap others, in any order: the datagram is the same.
    @Test func anyPieces() {
        var random = SplitMix(state: 7)
        for round in 0..<200 as Range<UInt16> {
            let count = Int.random(in: 0...1400, using: &random)
            let pieces = lab.pingPieces(count: count, identification: round)
            var ranges = pieces.atRandom(&random) + pieces.atRandom(&random).filter { _ in round % 3 == 0 }
            ranges.shuffle(using: &random)
            let outcome = lab.bench.outcome(of: ranges.map { pieces[$0] }, at: lab.lan)
            // What comes when the datagram was whole begins another, which has no end.
            #expect(outcome.frames["lan"]?.first == lab.pong(count: count, identification: round), "round \(round)")
            #expect(lab.engine.buffersInUse == lab.ip.buffersInReassembly)
        }
    }

    @Test func duplicates() {
        let pieces = lab.pingPieces(count: 40).every(16)
        lab.bench.send(
            [pieces[1], pieces[1], pieces[2], pieces[2], pieces[1], pieces[0]], at: lab.lan,
            expect: [(lab.lan, [lab.pong(count: 40)])], drops: drops(["duplicate": 3]))
    }

    /// Of bytes that come twice the later ones count.
    @Test func overlaps() {
        let pieces = lab.pingPieces(count: 40)
        var wrong = pieces[0..<24]
        for place in 50..<58 { wrong[place] ^= 0xff }
        lab.bench.send([wrong, pieces[16..<48]], at: lab.lan, expect: [(lab.lan, [lab.pong(count: 40)])])
        wrong = pieces[16..<32]
        for place in 42..<50 { wrong[place] ^= 0xff }
        lab.bench.send(
            [wrong, pieces[24..<40], pieces[0..<24], pieces[40..<48]], at: lab.lan,
            expect: [(lab.lan, [lab.pong(count: 40)])])
    }

    /// Nothing of a datagram is used whose fragments do not agree where it ends, whatever comes later.
    @Test(arguments: [
        [(32..<48, false), (16..<40, false)], [(16..<40, false), (32..<48, false)],
        [(32..<48, true), (16..<40, false)], [(16..<40, false), (32..<48, true)],
        [(16..<40, false), (24..<40, true)], [(24..<40, true), (16..<40, false)],
    ])
    func contradictions(two: [(Range<Int>, Bool)]) {
        let pieces = lab.pingPieces(count: 40)
        let frames = two.map { pieces[$0, more: $1] } + pieces.every(16)
        lab.bench.send(frames, at: lab.lan, drops: drops(["inconsistent-end": 5]))
    }

    @Test func impossibleLengths() {
        let pieces = lab.pingPieces(count: 1700)
        let far = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, fragmentUnits: 8190, protocol: .icmp)
        lab.bench.send(
            [pieces[0..<12, more: true], pieces[8..<8, more: true], far.payload(count: 30).bytes], at: lab.lan,
            drops: drops(["bad-length": 2, "too-long": 1]))
    }

    /// What does not fit into a buffer is dropped, all of it.
    @Test func longDatagrams() {
        let longest = lab.engine.pool.capacity - 28
        lab.bench.send(
            lab.pingPieces(count: longest + 1).every(1000), at: lab.lan, drops: drops(["datagram-too-long": 2]))
        let outcome = lab.bench.outcome(of: lab.pingPieces(count: longest, identification: 8).every(1000), at: lab.lan)
        #expect(outcome.drops == [:])
        let answer = outcome.frames["lan"] ?? []
        #expect(answer.map(\.count) == [1514, 14 + 20 + longest + 8 - 1480])
        #expect(answer.flatMap { $0.dropFirst(34) } == Array(lab.pong(count: longest).dropFirst(34)))
    }

    /// The whole is judged as any other packet.
    @Test func wrongChecksum() {
        var pieces = lab.pingPieces(count: 40).every(16)
        pieces[2][40] ^= 1
        lab.bench.send(pieces, at: lab.lan, drops: ["ip4-icmp-echo/bad-checksum": 1])
    }

    /// Options were about the way here, and are those of the first fragment.
    @Test func options() {
        let data = lab.pingPieces(count: 40).data
        let start = lab.fromA
        func piece(_ range: Range<Int>, _ options: [UInt8]) -> [UInt8] {
            start.ipv4(
                from: IPLab.a.ip, to: IPLab.lanIP, identification: 77, moreFragments: range.upperBound < 48,
                fragmentUnits: UInt16(range.lowerBound / 8), protocol: .icmp, options: options
            ).payload(Array(data[range])).bytes
        }
        lab.bench.send(
            [piece(16..<48, []), piece(0..<16, [68, 40, 5] + [UInt8](repeating: 0, count: 37))], at: lab.lan,
            expect: [(lab.lan, [lab.pong(count: 40)])])
    }

    /// A congested router on the way is heard of (RFC 3168 section 5.3).
    @Test(arguments: [([2, 3, 2], 3), ([2, 2, 2], 2), ([0, 3, 0], 0)] as [([UInt8], UInt8)])
    func congestion(marks: [UInt8], result: UInt8) {
        let data = lab.pingPieces(count: 40).data
        let frames = marks.enumerated().map { number, mark in
            lab.fromA.ipv4(
                from: IPLab.a.ip, to: IPLab.lanIP, trafficClass: mark, moreFragments: number < 2,
                fragmentUnits: UInt16(2 * number), protocol: .icmp
            ).payload(Array(data[16 * number..<16 * number + 16])).bytes
        }
        let answer = lab.bench.outcome(of: frames, at: lab.lan).frames["lan"]?.first ?? []
        #expect(answer.count == 82 && answer[15] == result)
    }

    /// Who has claimed a port gets what it would have got in one piece.
    @Test func claimedPort() throws {
        let lab = try IPLab(start: false)
        let inbox = Inbox()
        let process = lab.bench.registry.add(process: "receiver") { inbox.packets.append($0) }
        try lab.ip.local.claim(udpPort: 4000, for: .process(process))
        try lab.bench.start()
        let header = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.lanIP, identification: 9)
        let whole = header.udp(from: 1, to: 4000).payload(count: 1500).bytes
        let start = lab.fromA
        let pieces = Pieces(ipv4: whole) { units, more in
            start.ipv4(
                from: IPLab.a.ip, to: IPLab.lanIP, identification: 9, moreFragments: more, fragmentUnits: units,
                protocol: .udp)
        }
        lab.bench.send(pieces.every(800).reversed(), at: lab.lan)
        #expect(inbox.packets.map(\.bytes) == [whole])
        #expect(inbox.packets.first?.offset == 14)
    }

    // MARK: - What never becomes whole

    @Test func timeExceeded() throws {
        lab.ip.setReassemblyTimeout(.milliseconds(1))
        let pieces = lab.pingPieces(count: 40).every(16)
        let before = lab.bench.drops
        _ = lab.bench.outcome(of: pieces.dropFirst().reversed(), at: lab.lan)
        #expect(lab.bench.step { lab.engine.buffersInUse == 0 })
        lab.expectEqual(lab.bench.outcome(since: before), .init(drops: drops(["timed-out": 1])))

        // With the first fragment there its sender is told, and sees it again.
        let second = lab.bench.drops
        for frame in [pieces[2], pieces[0]] { lab.lan.send(frame) }
        #expect(lab.bench.step { lab.engine.buffersInUse == 0 && lab.bench.drops != second })
        lab.bench.settle()
        let outcome = lab.bench.outcome(since: second)
        let seen = outcome.frames["lan"]?.first ?? []
        #expect(seen == lab.errorToA(.reassemblyTimeExceeded, about: pieces[0], like: seen))
        #expect(outcome.drops == ["ip4-icmp-error/reassembly-time-exceeded": 1])
    }

    /// Time is the datagram's own: one that began later is not given up with the first.
    @Test func eachHasItsTime() throws {
        lab.ip.setReassemblyTimeout(.milliseconds(1))
        let early = lab.pingPieces(count: 40, identification: 1).every(16)
        let late = lab.pingPieces(count: 40, identification: 2).every(16)
        _ = lab.bench.outcome(of: [early[1]], at: lab.lan)
        lab.ip.setReassemblyTimeout(.seconds(100))
        lab.lan.send(late[1])
        #expect(lab.bench.step { lab.bench.drops["ip4-reassembly/timed-out"] == 1 && lab.ip.buffersInReassembly == 1 })
        lab.bench.send([late[0], late[2]], at: lab.lan, expect: [(lab.lan, [lab.pong(count: 40, identification: 2)])])
    }

    /// 4,096 buffers let 128 datagrams wait, 32 from one source.
    @Test func oneSourceHasItsShare() {
        let other = lab.pingPieces(count: 40, from: IPv4Address(10, 0, 0, 3)).every(32)
        let many = (0..<40 as Range<UInt16>).map { lab.pingPieces(count: 40, identification: $0).every(32) }
        let outcome = lab.bench.outcome(of: [other[0]] + many.map { $0[0] }, at: lab.lan)
        lab.expectDrops(outcome, drops(["too-many-from-source": 8]))
        #expect(lab.ip.buffersInReassembly == 33 && lab.engine.buffersInUse == 33)
        // The newest are there.
        let answers = lab.bench.outcome(of: many[8...].map { $0[1] }, at: lab.lan).frames["lan"] ?? []
        #expect(answers.count == 32)
        #expect(lab.ip.buffersInReassembly == 1)
    }

    @Test func theOldestGoes() throws {
        let lab = try IPLab(bufferCount: 256)
        let pieces = (0..<9 as Range<UInt8>).map {
            lab.pingPieces(count: 40, from: IPv4Address(10, 0, 0, 2 + $0)).every(32)
        }
        let outcome = lab.bench.outcome(of: pieces.map { $0[0] }, at: lab.lan)
        lab.expectDrops(outcome, drops(["too-many": 1]))
        #expect(lab.ip.buffersInReassembly == 8 && lab.engine.buffersInUse == 8)
    }

    @Test func withoutBuffers() throws {
        let lab = try IPLab(bufferCount: 256)
        let pieces = lab.pingPieces(count: 40).every(32)
        let frames = [[UInt8]](repeating: pieces[0], count: 256)
        let outcome = lab.bench.outcome(of: frames, at: lab.lan)
        #expect(outcome.drops["ip4-reassembly/no-buffer"] == 256)
        lab.bench.checkBalance()
    }

    // MARK: - Workers

    /// Whoever gets the fragments, one worker has all of a datagram.
    @Test func twoWorkers() throws {
        let lab = try IPLab(bufferCount: 16384, workerCount: 2)
        let pieces = (0..<32 as Range<UInt16>).map { lab.pingPieces(count: 40, identification: $0).every(16) }
        let frames = (0..<3).flatMap { number in pieces.map { $0[number] } }
        let outcome = lab.bench.outcome(of: frames, at: lab.lan)
        #expect(outcome.drops == [:])
        #expect(Set(outcome.frames["lan"] ?? []) == Set((0..<32).map { lab.pong(count: 40, identification: $0) }))
        lab.bench.checkBalance()
        // Both have had their share of the answers.
        let echoes = lab.engine.nodeSamples().filter { $0.node == "ip4-icmp-echo" }.map(\.counters.packets)
        #expect(echoes.count == 2 && echoes.reduce(0, +) == 32 && echoes.allSatisfy { $0 > 0 })
    }
}

@ControlPlane
private final class Inbox {
    var packets: [PuntedPacket] = []
}

extension IPLab {
    /// The drops alone: buffers may be held.
    fileprivate func expectDrops(
        _ outcome: PacketBench.Outcome, _ drops: [String: UInt64], _ sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome == PacketBench.Outcome(drops: drops), sourceLocation: sourceLocation)
    }
}
