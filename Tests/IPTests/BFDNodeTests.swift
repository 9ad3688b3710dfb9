// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// BFD in the graph: packets in, packets out, adjacencies switched.
@Suite("BFD node") @ControlPlane
struct BFDNodeTests {
    private func expected(
        _ bench: BFDLab, _ state: BFDState, _ flags: BFDFlags = [], tx: UInt32 = 1_000_000,
        diagnostic: BFDDiagnostic = .none
    ) -> BFDPacket {
        BFDPacket(
            state: state, diagnostic: diagnostic, flags: flags.union(.controlPlaneIndependent), multiplier: 3,
            myDiscriminator: bench.session.discriminator, yourDiscriminator: BFDLab.peerDiscriminator,
            desiredMinTx: tx, requiredMinRx: 300_000, requiredMinEchoRx: 50_000)
    }

    @Test func handshake() throws {
        let bench = try BFDLab()
        let (lab, lan) = (bench.lab, bench.lab.lan)
        #expect((49_152...65_535).contains(bench.bfd.table[bench.slot].sourcePort))
        lab.bench.send(
            [bench.frame(bench.payload(bench.packet(.down, your: 0)))], at: lan,
            expect: [(lan, [bench.reply(expected(bench, .`init`))])])
        // Up at once, and with a poll: the interval advertised is another one now.
        lab.bench.send(
            [bench.frame(bench.payload(bench.packet(.`init`)))], at: lan,
            expect: [(lan, [bench.reply(expected(bench, .up, .poll, tx: 300_000))])])
        #expect(bench.changes.all.map(\.to) == [.`init`, .up])
        #expect(bench.changes.all.allSatisfy { !$0.isFailure && $0.interface == "lan" })
        #expect(bench.counters.received == 2 && bench.counters.sent == 2)
    }

    @Test func pollIsAnsweredWithinTheSameLoop() throws {
        let bench = try BFDLab()
        bench.bring(to: .up)
        let lan = bench.lab.lan
        bench.lab.bench.send(
            [bench.frame(bench.payload(bench.packet(.up, .poll)))], at: lan,
            expect: [(lan, [bench.reply(expected(bench, .up, .final, tx: 300_000))])])
    }

    @Test func neighborSignalsDown() throws {
        for state in [BFDState.down, .adminDown] {
            let bench = try BFDLab()
            bench.bring(to: .up)
            let lan = bench.lab.lan
            bench.lab.bench.send(
                [bench.frame(bench.payload(bench.packet(state, your: 0)))], at: lan,
                expect: [(lan, [bench.reply(expected(bench, .down, diagnostic: .neighborSignaledDown))])])
            // The peer's operator is no failure of the path (RFC 5882 section 3.2).
            #expect(bench.status.isBFDDown == (state == .down))
            #expect(bench.changes.all.last?.isFailure == (state == .down))
        }
    }

    /// The worker switches the adjacency itself: before the control side has heard of it.
    @Test func detectionSwitchesTheAdjacency() throws {
        let bench = try BFDLab()
        bench.bring(to: .up)
        var packet = bench.packet(.up)
        packet.desiredMinTx = 10_000
        packet.multiplier = 2
        bench.receive(bench.payload(packet))
        #expect(bench.session.detectionTime == 600_000 && !bench.status.isBFDDown)
        let began = Clock.now
        let isDown = bench.lab.bench.step { bench.status.isBFDDown }
        #expect(isDown)
        #expect(Clock.seconds(Clock.now &- began) > 0.5)
        bench.lab.bench.settle()
        let change = try #require(bench.changes.all.last)
        #expect(change.isFailure && change.diagnostic == .detectionTimeExpired && change.to == .down)
        #expect(change.clock > began && change.adjacency == bench.bfd.table[bench.slot].adjacency)
    }

    /// A session that nobody asked to do so leaves the adjacency alone.
    @Test func noGuardNoSwitch() throws {
        let bench = try BFDLab(isGuard: false)
        bench.bring(to: .up)
        bench.receive(bench.payload(bench.packet(.down)))
        #expect(bench.session.state == .down && !bench.status.isBFDDown)
    }

    /// BFD's own packets stay on the neighbour that they are about, whatever is said against it.
    @Test func packetsArePinned() throws {
        let bench = try BFDLab()
        bench.bring(to: .up)
        bench.receive(bench.payload(bench.packet(.down)))
        _ = bench.lab.lan.takeSent()
        #expect(bench.status.isBFDDown)
        let lan = bench.lab.lan
        bench.lab.bench.send(
            [bench.frame(bench.payload(bench.packet(.down, .poll)))], at: lan,
            expect: [(lan, [bench.reply(expected(bench, .`init`, .final, diagnostic: .neighborSignaledDown))])])
        #expect(bench.status.isBFDDown)
    }

    /// What ends a failure: the session is Up again, an operator takes BFD off the path, or nobody wants it guarded.
    @Test(arguments: ["up", "admin-down", "peer admin-down", "release"]) func adjacencyComesBack(way: String) throws {
        let bench = try BFDLab()
        bench.bring(to: .up)
        bench.receive(bench.payload(bench.packet(.down)))
        #expect(bench.status.isBFDDown)
        switch way {
        case "up": bench.bring(to: .up)
        case "admin-down": bench.bring(to: .adminDown)
        case "peer admin-down": bench.receive(bench.payload(bench.packet(.adminDown)))
        default:
            bench.bfd.release(bench.registration)
            bench.lab.bench.settle()
        }
        #expect(!bench.status.isBFDDown)
        // And it can be lost again.
        guard way == "up" else { return }
        bench.receive(bench.payload(bench.packet(.down)))
        #expect(bench.status.isBFDDown)
    }

    // MARK: - Bad input

    struct Bad: Sendable, CustomTestStringConvertible {
        let reason: String
        var ttl: UInt8 = 255
        var port: UInt16 = BFDPort.control
        let spoil: @Sendable (inout [UInt8]) -> Void
        var testDescription: String { reason }
    }

    nonisolated static let bad: [Bad] = [
        Bad(reason: "not-from-neighbor", ttl: 254) { _ in },
        Bad(reason: "not-from-neighbor", ttl: 1) { _ in },
        Bad(reason: "truncated") { $0.removeLast() },
        Bad(reason: "truncated") { $0.removeAll() },
        Bad(reason: "bad-version") { $0[0] ^= 0x60 },
        Bad(reason: "bad-length") { $0[3] = 23 },
        Bad(reason: "bad-length") { $0[3] = 25 },
        Bad(reason: "bad-length") {
            $0[1] |= 4
            $0[3] = 25
        },
        Bad(reason: "zero-multiplier") { $0[2] = 0 },
        Bad(reason: "multipoint") { $0[1] |= 1 },
        Bad(reason: "zero-discriminator") { $0.replaceSubrange(4..<8, with: [0, 0, 0, 0]) },
        Bad(reason: "unknown-discriminator") { $0[8] ^= 0x55 },
        Bad(reason: "no-your-discriminator") { $0.replaceSubrange(8..<12, with: [0, 0, 0, 0]) },
        Bad(reason: "wrong-port", port: BFDPort.multihop) { _ in },
        Bad(reason: "authentication-unwanted") {
            $0[1] |= 4
            $0[3] = 52
            $0 += [5, 28, 7, 0] + [UInt8](repeating: 1, count: 24)
        },
        Bad(reason: "not-from-neighbor", ttl: 254, port: BFDPort.echo) { _ in },
    ]

    @Test(arguments: bad) func badPackets(bad: Bad) throws {
        for state in BFDState.allCases {
            let bench = try BFDLab()
            bench.bring(to: state)
            let before = bench.session
            var payload = bench.payload(bench.packet(.up))
            bad.spoil(&payload)
            bench.lab.bench.send(
                [bench.frame(payload, ttl: bad.ttl, port: bad.port)], at: bench.lab.lan,
                drops: ["bfd-input/\(bad.reason)": 1])
            #expect(bench.session.state == before.state && bench.session.remote == before.remote)
        }
    }

    @Test func strangers() throws {
        let bench = try BFDLab()
        let payload = bench.payload(bench.packet(.down, your: 0))
        let wan = bench.lab.wan
        func fromB(_ packet: BFDPacket) -> [UInt8] {
            bench.lab.fromB.ipv4(from: IPLab.b.ip, to: IPLab.wanIP, timeToLive: 255)
                .udp(from: 49_152, to: BFDPort.control).payload(bench.payload(packet)).bytes
        }
        bench.lab.bench.send(
            [fromB(bench.packet(.down, your: 0)), fromB(bench.packet(.down))], at: wan,
            drops: ["bfd-input/unknown-peer": 1, "bfd-input/wrong-interface": 1])
        #expect(bench.counters.received == 0 && bench.counters.dropped == 1)
        // The peer itself, meanwhile, is heard.
        bench.receive(payload)
        #expect(bench.session.state == .`init`)
    }

    @Test func forgeries() throws {
        let key = BFDAuthentication(.meticulousSHA1, keyIdentifier: 7, key: Array("martlet".utf8))!
        let bench = try BFDLab(BFDLab.passive(key))
        var peer = BFDSession(
            discriminator: BFDLab.peerDiscriminator, parameters: BFDLab.passive(key), now: 0, seed: 1)
        func seal(_ packet: BFDPacket) -> [UInt8] {
            var packet = packet
            packet.flags.insert(.authenticated)
            return BFDSealTests.sealed(&peer, packet)
        }
        for state in BFDState.allCases {
            if state == .adminDown { continue }
            bench.bring(to: state, seal)
            let stale = seal(bench.packet(.down))
            let fresh = seal(bench.packet(state == .up ? .up : .down))
            bench.receive(fresh)
            _ = bench.lab.lan.takeSent()
            let reached = bench.session.state
            var forged = seal(bench.packet(.down))
            forged[40] ^= 1
            var otherKey = forged
            otherKey[26] ^= 1
            var otherType = forged
            otherType[24] = 4
            var otherLength = forged
            otherLength[25] = 27
            var plain = bench.payload(bench.packet(.down))
            plain[3] = 24
            let bad = [stale, forged, otherKey, otherType, otherLength, plain]
            bench.lab.bench.send(
                bad.map { bench.frame($0) }, at: bench.lab.lan,
                drops: [
                    "bfd-input/authentication-sequence": 1, "bfd-input/authentication-digest": 1,
                    "bfd-input/authentication-key": 1, "bfd-input/authentication-type": 1,
                    "bfd-input/authentication-length": 1, "bfd-input/authentication-missing": 1,
                ])
            #expect(bench.session.state == reached)
        }
    }

    // MARK: - Multihop

    @Test func multihop() throws {
        var parameters = BFDLab.passive()
        parameters.minimumTTL = 250
        let bench = try BFDLab(parameters, isMultihop: true)
        let (lab, wan) = (bench.lab, bench.lab.wan)
        func frame(
            _ packet: BFDPacket, ttl: UInt8, from source: IPv4Address = IPLab.far, port: UInt16 = BFDPort.multihop
        )
            -> [UInt8]
        {
            lab.fromB.ipv4(from: source, to: IPLab.wanIP, timeToLive: ttl).udp(from: 49_152, to: port)
                .payload(bench.payload(packet)).bytes
        }
        lab.bench.send(
            [
                frame(bench.packet(.down, your: 0), ttl: 249),
                frame(bench.packet(.down, your: 0), ttl: 255, from: IPv4Address(20, 9, 9, 9)),
                frame(bench.packet(.down), ttl: 255, from: IPv4Address(20, 9, 9, 9)),
                frame(bench.packet(.down), ttl: 255, port: BFDPort.control),
            ], at: wan,
            drops: [
                "bfd-input/ttl-below-minimum": 1, "bfd-input/unknown-peer": 1, "bfd-input/wrong-address": 1,
                "bfd-input/wrong-port": 1,
            ])
        var answer = expected(bench, .`init`)
        answer.yourDiscriminator = BFDLab.peerDiscriminator
        answer.requiredMinEchoRx = 0
        let reply = lab.toB.ipv4(
            from: IPLab.wanIP, to: IPLab.far, timeToLive: 255, trafficClass: 0xc0, dontFragment: true
        ).udp(from: bench.bfd.table[bench.slot].sourcePort, to: BFDPort.multihop).payload(bench.payload(answer)).bytes
        lab.bench.send([frame(bench.packet(.down, your: 0), ttl: 250)], at: wan, expect: [(wan, [reply])])
        #expect(bench.changes.all.first?.interface == nil && bench.changes.all.first?.adjacency == 0)
    }
}
