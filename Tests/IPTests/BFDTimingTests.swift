// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import IP

/// Two sessions and a link: intervals, poll sequences, echoes, failures.
@Suite("BFD timing")
struct BFDTimingTests {
    @Test(arguments: 1...20 as ClosedRange<UInt32>) func comesUpAndStays(seed: UInt32) {
        var link = BFDLink(.every(50), .every(30), seed: seed)
        link.bringUp()
        link.run(for: 1_000_000)
        link.forget()
        link.run(for: 60_000_000)
        #expect(link.changes.isEmpty)
        #expect(link.sides.allSatisfy { !$0.isPolling && $0.transmitInterval == 50_000 })
        #expect(link.sides.allSatisfy { $0.detectionTime == 150_000 })
    }

    @Test func jitterIsUniformFrom75To100Percent() {
        var link = BFDLink(.every(100), .every(100))
        link.bringUp()
        link.run(for: 2_000_000)
        link.forget()
        link.run(for: 400_000_000)
        let intervals = link.intervals(of: 0)
        #expect(intervals.count > 4000)
        #expect(intervals.allSatisfy { (75_000...100_000).contains($0) })
        let mean = Double(intervals.reduce(0, +)) / Double(intervals.count)
        #expect((86_500...88_500).contains(mean))
        for quarter in 0..<4 as Range<UInt64> {
            let part = intervals.count { ($0 - 75_000) * 4 / 25_001 == quarter }
            #expect(part > intervals.count / 5)
        }
    }

    /// With a multiplier of 1 no packet may be late: 75 to 90 %.
    @Test func jitterOfMultiplierOne() {
        var link = BFDLink(.every(100, multiplier: 1), .every(100))
        link.bringUp()
        link.run(for: 2_000_000)
        link.forget()
        link.run(for: 100_000_000)
        #expect(link.intervals(of: 0).allSatisfy { (75_000...90_000).contains($0) })
        #expect(link.changes.isEmpty)
    }

    @Test func slowWhileNotUp() {
        var link = BFDLink(.every(10), .every(10))
        link.isOpen = [false, false]
        link.run(for: 60_000_000)
        let intervals = link.intervals(of: 0)
        #expect(intervals.count > 55)
        #expect(intervals.allSatisfy { (750_000...1_000_000).contains($0) })
        #expect(link.sent.allSatisfy { $0.packet.desiredMinTx == 1_000_000 && $0.packet.state == .down })
    }

    @Test(arguments: 1...50 as ClosedRange<UInt32>) func detectsWithinItsTime(seed: UInt32) {
        var link = BFDLink(.every(10), .every(10), seed: seed)
        link.bringUp()
        link.run(for: 1_000_000 + UInt64(seed) * 1_234)
        link.forget()
        let cut = link.now
        link.isOpen = [false, false]
        link.run(for: 100_000)
        #expect(link.changes.map(\.state) == [.down, .down])
        for change in link.changes {
            #expect(change.diagnostic == .detectionTimeExpired)
            // The last packet left at most an interval before the cut.
            #expect((20_000...30_200).contains(change.time - cut))
        }
    }

    @Test func oneWayFailureIsSignalled() {
        var link = BFDLink(.every(20), .every(20))
        link.bringUp()
        link.run(for: 1_000_000)
        link.forget()
        link.isOpen[0] = false
        link.run(for: 100_000)
        #expect(link.changes.map(\.diagnostic) == [.detectionTimeExpired, .neighborSignaledDown])
        #expect(link.changes.map(\.side) == [1, 0])
        link.isOpen[0] = true
        link.bringUp()
    }

    @Test func adminDownOfThePeer() {
        var link = BFDLink(.every(20), .every(20))
        link.bringUp()
        link.run(for: 1_000_000)
        link.forget()
        link.perform(1) { $0.setAdministrativelyDown(true, now: $1) }
        link.run(for: 10_000_000)
        #expect(link.changes.map(\.state) == [.adminDown, .down])
        #expect(link.sides[0].diagnostic == .neighborSignaledDown && link.sides[0].remote.state == .adminDown)
        link.perform(1) { $0.setAdministrativelyDown(false, now: $1) }
        link.bringUp()
    }

    // MARK: - Poll sequences

    static let changes: [(UInt32, UInt32)] = [(300, 50), (50, 300), (10, 1000), (1000, 10), (50, 50)]

    /// Section 6.8.3: intervals change while Up, in any direction, and nobody flaps.
    @Test(arguments: changes, 1...10 as ClosedRange<UInt32>)
    func changeWhileUp(_ change: (UInt32, UInt32), seed: UInt32) {
        var link = BFDLink(.every(change.0), .every(20), seed: seed)
        link.bringUp()
        link.run(for: 5_000_000)
        link.forget()
        link.change(0) { $0 = .every(change.1) }
        link.run(for: 10_000_000)
        #expect(link.changes.isEmpty)
        let polls = link.sent.filter { $0.from == 0 && $0.packet.flags.contains(.poll) }
        #expect(polls.isEmpty == (change.0 == change.1))
        #expect(link.sent.allSatisfy { !$0.packet.flags.isSuperset(of: [.poll, .final]) })
        #expect(!link.sides[0].isPolling)
        #expect(link.sides[0].transmitInterval == max(change.1, 20) * 1000)
        #expect(link.sides[1].transmitInterval == max(change.1, 20) * 1000)
        link.isOpen = [false, false]
        let cut = link.now
        link.run(until: cut + 10_000_000) { $0.changes.count == 2 }
        #expect(link.changes.allSatisfy { $0.time - cut <= UInt64(max(change.1, 20)) * 3_000 + 200 })
    }

    @Test func slowerTransmissionWaitsForTheFinal() {
        var link = BFDLink(.every(50), .every(10))
        link.bringUp()
        link.run(for: 5_000_000)
        link.forget()
        link.change(0) { $0.transmitInterval = 500_000 }
        #expect(link.sides[0].desiredMinTx == 500_000 && link.sides[0].transmitInterval == 50_000)
        link.run(until: link.now + 1_000_000) { $0.sent.contains { $0.packet.flags.contains(.final) } }
        #expect(link.sides[0].transmitInterval == 50_000)
        link.run(for: 1_000)
        #expect(link.sides[0].transmitInterval == 500_000)
        // The first packet with the new value carries the poll, in its turn.
        #expect(link.sent.first { $0.from == 0 }?.packet.flags.contains(.poll) == true)
    }

    @Test func shorterDetectionTimeWaitsForTheFinal() {
        var link = BFDLink(.every(500), .every(10))
        link.bringUp()
        link.run(for: 5_000_000)
        #expect(link.sides[0].detectionTime == 1_500_000)
        link.change(0) { $0.receiveInterval = 50_000 }
        #expect(link.sides[0].detectionTime == 1_500_000)
        #expect(link.run(until: link.now + 2_000_000) { $0.sides[0].detectionTime == 150_000 })
    }

    /// A longer detection time, and a faster rate, hold at once.
    @Test func theSafeDirectionIsImmediate() {
        var link = BFDLink(.every(100), .every(10))
        link.bringUp()
        link.run(for: 5_000_000)
        link.change(0) {
            $0.receiveInterval = 900_000
            $0.transmitInterval = 20_000
        }
        #expect(link.sides[0].detectionTime == 2_700_000)
        #expect(link.sides[0].transmitInterval == 20_000)
    }

    @Test func fasterRequestOfThePeerIsHonoredAtOnce() {
        var session = BFDSessionTests.session(in: .up, .every(10))
        var packet = BFDSessionTests.packet(.up, .final)
        packet.requiredMinRx = 10_000_000
        _ = session.receive(packet, now: BFDSessionTests.now)
        session.transmitted(now: BFDSessionTests.now)
        #expect(session.nextTransmit >= BFDSessionTests.now + 7_500_000)
        packet.requiredMinRx = 10_000
        _ = session.receive(packet, now: BFDSessionTests.now + 200_000)
        // The new interval has long passed since the last packet.
        #expect(session.nextTransmit == BFDSessionTests.now + 200_000)
    }

    @Test func aChangeDuringAPollIsQueued() {
        var link = BFDLink(.every(50), .every(10))
        link.bringUp()
        link.run(for: 5_000_000)
        link.forget()
        link.change(0) { $0.transmitInterval = 400_000 }
        link.change(0) { $0.transmitInterval = 200_000 }
        #expect(link.sides[0].desiredMinTx == 400_000)
        link.run(for: 5_000_000)
        #expect(link.sides[0].desiredMinTx == 200_000 && link.sides[0].transmitInterval == 200_000)
        #expect(!link.sides[0].isPolling && link.changes.isEmpty)
        let advertised = link.sent.filter { $0.from == 0 && $0.packet.flags.contains(.poll) }.map(\.packet.desiredMinTx)
        #expect(Set(advertised) == [400_000, 200_000] && advertised == advertised.sorted(by: >))
    }

    @Test func multiplierChangesWithoutAPoll() {
        var link = BFDLink(.every(50), .every(50))
        link.bringUp()
        link.run(for: 5_000_000)
        link.forget()
        link.change(0) { $0.multiplier = 9 }
        link.run(for: 1_000_000)
        #expect(link.sent.allSatisfy { $0.packet.flags.isDisjoint(with: [.poll, .final]) })
        #expect(link.sides[1].detectionTime == 450_000)
    }

    // MARK: - Echo

    static func echoing(_ milliseconds: UInt32) -> BFDParameters {
        var parameters = BFDParameters.every(50)
        parameters.echoInterval = milliseconds * 1000
        return parameters
    }

    @Test func echoTakesOverDetection() {
        var link = BFDLink(Self.echoing(10), .every(50))
        link.bringUp()
        link.run(for: 5_000_000)
        // The peer allows one in 50 ms; control packets come once a second meanwhile.
        #expect(link.sides[0].isEchoActive && link.sides[0].echoInterval == 50_000)
        #expect(link.sides[0].requiredMinRx == 1_000_000)
        link.forget()
        let before = link.echoesSent[0]
        link.run(for: 10_000_000)
        #expect((200...267).contains(link.echoesSent[0] - before))
        #expect(link.echoesSent[1] == 0 && link.changes.isEmpty)
        link.isEchoing[0] = false
        let cut = link.now
        link.run(until: cut + 1_000_000) { !$0.changes.isEmpty }
        #expect(link.changes.first?.diagnostic == .echoFailed && link.changes.first?.side == 0)
        #expect(link.now - cut <= 150_200)
        #expect(!link.sides[0].isEchoActive)
    }

    @Test func noEchoesToAPeerThatWantsNone() {
        var peer = BFDParameters.every(50)
        peer.echoReceiveInterval = 0
        var link = BFDLink(Self.echoing(10), peer)
        link.bringUp()
        link.run(for: 3_000_000)
        #expect(link.echoesSent == [0, 0] && link.sides[0].requiredMinRx == 50_000)
    }

    @Test func echoesCeaseWhenThePeerSaysSo() {
        var link = BFDLink(Self.echoing(50), .every(50))
        link.bringUp()
        link.run(for: 3_000_000)
        link.forget()
        link.change(1) { $0.echoReceiveInterval = 0 }
        link.run(for: 1_200_000)
        let before = link.echoesSent[0]
        link.run(for: 3_000_000)
        #expect(link.echoesSent[0] == before && link.changes.isEmpty && !link.sides[0].isEchoActive)
    }
}
