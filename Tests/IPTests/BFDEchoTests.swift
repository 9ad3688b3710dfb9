// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Echo packets: the router's own, and those of its peer.
@Suite("BFD echo") @ControlPlane
struct BFDEchoTests {
    private static func echoing() -> BFDParameters {
        var parameters = BFDLab.passive()
        parameters.echoInterval = 20_000
        return parameters
    }

    /// Up, with a peer that takes an echo packet every 20 ms.
    private func up() throws -> BFDLab {
        let bench = try BFDLab(Self.echoing())
        var packet = bench.packet(.`init`)
        packet.requiredMinEchoRx = 20_000
        bench.receive(bench.payload(packet))
        #expect(bench.session.isEchoActive)
        return bench
    }

    private func echoes(_ frames: [[UInt8]]) -> [[UInt8]] {
        frames.filter { $0.count > 38 && $0[36] == 0x0e && $0[37] == 0xc9 }
    }

    /// Plays the neighbour that forwards: other Ethernet addresses, and one hop older.
    private func forwarded(_ frame: [UInt8]) -> [UInt8] {
        var copy = Array(frame[6..<12] + frame[0..<6] + frame[12...])
        copy.withBytes { IPv4View($0.dropping(first: 14))!.decrementTimeToLive() }
        return copy
    }

    @Test func ownEchoesComeBack() throws {
        let bench = try up()
        let (lab, lan) = (bench.lab, bench.lab.lan)
        var seen = 0
        let isEnough = lab.bench.step {
            for frame in echoes(lan.takeSent()) {
                seen += 1
                lan.send(forwarded(frame))
            }
            return seen >= 10
        }
        lab.bench.settle()
        #expect(isEnough && bench.session.state == .up)
        #expect(bench.counters.echoesReceived >= 10)
        // Nothing comes back any more: three intervals later the path is lost.
        let isDown = lab.bench.step { bench.session.state == .down }
        #expect(isDown && bench.session.diagnostic == .echoFailed)
        lab.bench.settle()
        #expect(bench.changes.all.last?.isFailure == true)
    }

    @Test func echoesAreWhatTheyShouldBe() throws {
        let bench = try up()
        let lan = bench.lab.lan
        var frames: [[UInt8]] = []
        _ = bench.lab.bench.step {
            frames += echoes(lan.takeSent())
            return !frames.isEmpty
        }
        let payload = Array(frames[0].suffix(16))
        let expected = bench.lab.toA.ipv4(
            from: IPLab.lanIP, to: IPLab.lanIP, timeToLive: 255, trafficClass: 0xc0, dontFragment: true
        ).udp(from: bench.bfd.table[bench.slot].sourcePort, to: BFDPort.echo).payload(payload).bytes
        #expect(frames[0] == expected)
        #expect(
            Array(payload[8..<12])
                == (0..<4).map { UInt8(truncatingIfNeeded: bench.session.discriminator >> (24 - 8 * $0)) })
        // A cookie or a discriminator that is not the session's: somebody made it up.
        for position in [42, 50, 51] {
            var forged = forwarded(frames[0])
            forged[position] ^= 1
            forged[40] = 0
            forged[41] = 0
            let before = bench.counters.echoesReceived
            let outcome = bench.lab.bench.outcome(of: [(port: lan, frame: forged)])
            #expect(outcome.drops == ["bfd-input/unknown-echo": 1])
            #expect(bench.counters.echoesReceived == before)
        }
        let short = bench.lab.toA.ipv4(from: IPLab.lanIP, to: IPLab.lanIP).udp(from: 1, to: BFDPort.echo)
        var cut = forwarded(short.payload(count: 15).bytes)
        cut[40] = 0
        cut[41] = 0
        #expect(bench.lab.bench.outcome(of: [(port: lan, frame: cut)]).drops == ["bfd-input/truncated": 1])
    }

    /// A peer that addresses its echo packets to us gets them back, one hop older; others do not.
    @Test func peersEchoesAreLooped() throws {
        let bench = try BFDLab()
        let (lab, lan) = (bench.lab, bench.lab.lan)
        let payload = (0..<24).map { UInt8($0) }
        lab.bench.send([bench.frame(payload, port: BFDPort.echo)], at: lan, drops: ["bfd-input/echo-refused": 1])
        bench.bring(to: .up)
        let back = lab.toA.ipv4(from: IPLab.lanIP, to: IPLab.a.ip, timeToLive: 254)
            .udp(from: BFDLab.peerPort, to: BFDPort.echo).payload(payload).bytes
        lab.bench.send([bench.frame(payload, port: BFDPort.echo)], at: lan, expect: [(lan, [back])])
        #expect(bench.counters.echoesLooped == 1)
        let stranger = lab.fromB.ipv4(from: IPLab.b.ip, to: IPLab.wanIP, timeToLive: 255)
            .udp(from: 49_152, to: BFDPort.echo).payload(payload).bytes
        lab.bench.send([stranger], at: lab.wan, drops: ["bfd-input/unknown-peer": 1])
        lab.bench.send(
            [bench.frame(payload, ttl: 254, port: BFDPort.echo)], at: lan, drops: ["bfd-input/not-from-neighbor": 1])
    }

    /// Echo packets that a peer addresses to itself pass through like any packet: that is what they test.
    @Test func forwardedEchoesComeBackToThePeer() throws {
        let bench = try BFDLab()
        let (lab, lan) = (bench.lab, bench.lab.lan)
        let sent = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.a.ip, timeToLive: 255)
            .udp(from: 49_152, to: BFDPort.echo).payload(count: 24).bytes
        let back = lab.toA.ipv4(from: IPLab.a.ip, to: IPLab.a.ip, timeToLive: 254)
            .udp(from: 49_152, to: BFDPort.echo).payload(count: 24).bytes
        lab.bench.send([sent], at: lan, expect: [(lan, [back])])
    }
}
