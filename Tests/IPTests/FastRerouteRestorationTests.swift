// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// The way back: wait to restore, flaps, by hand.
@Suite @ControlPlane struct FastRerouteRestorationTests {
    typealias Trigger = FastRerouteLab.Trigger

    /// Between the end of the failure and that of the wait no packet goes back.
    @Test(arguments: [Trigger.carrier, .adminDown, .neighbor, .bfd])
    func waitsToRestore(trigger: Trigger) throws {
        let lab = try FastRerouteLab(wait: 300)
        try lab.protect()
        lab.fail(trigger)
        lab.mend(trigger)
        #expect(lab.table[lab.b].status.failures == .waitToRestore && !lab.table[lab.b].status.isBFDDown)
        lab.expectBackup()
        #expect(lab.frr.report().nextHops.first?.state == .waiting)
        #expect(lab.waitForReturn())
        let event = try #require(lab.frr.switches.first)
        let restored = try #require(event.restored)
        #expect(ProtectionSwitch.seconds(from: event.detected, to: restored) >= 0.3)
        lab.expectPrimary()
        #expect(lab.frr.report().nextHops.first?.state == .primary)
    }

    /// Ten seconds where nothing else was said.
    @Test func waitsTenSecondsByDefault() throws {
        let lab = try FastRerouteLab()
        lab.frr.policy = RestorationPolicy()
        try lab.protect()
        lab.fail(.carrier)
        let mended = Clock.now
        lab.mend(.carrier)
        let deadline = try #require(lab.frr.protection(of: .v4(IPLab.b.ip), on: lab.lab.wan.interface)?.deadline)
        #expect(Int((Clock.seconds(deadline &- mended) * 1000).rounded(.down)) >= 10_000)
        #expect(deadline <= Clock.now &+ Clock.ticks(milliseconds: 10_000))
        lab.expectBackup()
    }

    @Test func failureDuringTheWaitStartsItAnew() throws {
        let lab = try FastRerouteLab(wait: 200)
        try lab.protect()
        lab.fail(.carrier)
        lab.mend(.carrier)
        lab.fail(.bfd)
        // The first wait would be over.
        let end = Clock.now &+ Clock.ticks(milliseconds: 300)
        while Clock.now < end { lab.bench.engine.step() }
        lab.expectBackup()
        lab.mend(.bfd)
        lab.expectBackup()
        #expect(lab.waitForReturn())
        #expect(lab.frr.switches.map(\.flaps) == [1])
        lab.expectPrimary()
    }

    /// What comes up for the first time has nothing to wait for.
    @Test func firstUpDoesNotWait() throws {
        let lab = try FastRerouteLab(wait: 60_000)
        lab.lab.wan.interface.isLinkUp = false
        try lab.protect()
        lab.expectBackup()
        lab.mend(.carrier)
        lab.expectPrimary()
        #expect(lab.frr.switches.isEmpty)
    }

    @Test func unprotectedDoesNotWait() throws {
        let lab = try FastRerouteLab(wait: 60_000)
        for trigger in Trigger.allCases {
            lab.fail(trigger)
            lab.mend(trigger)
            lab.expectPrimary()
        }
    }

    /// Nor is there anything to wait for when the backup is gone.
    @Test func lostBackupEndsTheWait() throws {
        let lab = try FastRerouteLab(wait: 60_000)
        try lab.protect()
        lab.fail(.carrier)
        lab.mend(.carrier)
        lab.expectBackup()
        lab.fib.adjacencies.setFailure(.neighbor, true, lab.c)
        lab.expectPrimary()
    }

    @Test func neverMeansByHand() throws {
        let lab = try FastRerouteLab(wait: nil)
        try lab.protect()
        lab.fail(.carrier)
        #expect(lab.frr.revert() == 0)
        lab.mend(.carrier)
        lab.expectBackup()
        #expect(lab.frr.report().nextHops.first?.state == .held)
        #expect(lab.frr.revert(only: .v4(FastRerouteLab.c.ip)) == 0)
        #expect(lab.frr.revert(only: .v4(IPLab.b.ip)) == 1)
        lab.expectPrimary()
    }

    @Test func oneFailureOfTwoIsStillAFailure() throws {
        let lab = try FastRerouteLab(wait: 0)
        try lab.protect()
        lab.fail(.carrier)
        lab.fail(.bfd)
        lab.mend(.carrier)
        lab.expectBackup()
        lab.mend(.bfd)
        lab.expectPrimary()
        #expect(lab.frr.switches.count == 1)
    }

    @Test func waitGrowsWithFlaps() {
        let policy = RestorationPolicy(waitToRestore: 1000, holdDown: 3000, maximumHoldDown: 10_000)
        #expect(
            [0, 1, 2, 3, 4, 5, 100].map { policy.wait(afterFailures: $0) } == [
                1000, 1000, 3000, 6000, 10_000, 10_000, 10_000,
            ])
        #expect(RestorationPolicy(waitToRestore: nil).wait(afterFailures: 5) == nil)
        #expect(RestorationPolicy(waitToRestore: 0, holdDown: 0).wait(afterFailures: 5) == 0)
        #expect(RestorationPolicy(waitToRestore: 9000, holdDown: 3000).wait(afterFailures: 2) == 9000)
    }

    @Test func flapsAreHeldDownAndForgotten() throws {
        let lab = try FastRerouteLab()
        lab.frr.policy = RestorationPolicy(waitToRestore: 0, holdDown: 100, maximumHoldDown: 60_000, flapMemory: 150)
        try lab.protect()
        lab.fail(.bfd)
        lab.mend(.bfd)
        lab.expectPrimary()
        lab.fail(.bfd)
        lab.mend(.bfd)
        lab.expectBackup()
        #expect(lab.frr.protection(of: .v4(IPLab.b.ip), on: lab.lab.wan.interface)?.failures == 2)
        #expect(lab.waitForReturn())
        let end = Clock.now &+ Clock.ticks(milliseconds: 200)
        while Clock.now < end { lab.bench.engine.step() }
        lab.fail(.bfd)
        lab.mend(.bfd)
        lab.expectPrimary()
        let row = try #require(lab.frr.report().nextHops.first)
        #expect(row.switches == 3 && row.flaps == 1 && row.failuresInRow == 1)
    }

    /// Traffic goes back to a neighbour whose address is known.
    @Test func waitsForTheNeighborsAddress() throws {
        let lab = try FastRerouteLab(wait: 50)
        try lab.protect()
        lab.fail(.carrier)
        lab.ip.neighbors.remove(.v4(IPLab.b.ip), on: lab.lab.wan.interface)
        lab.lab.wan.interface.isLinkUp = true
        var sent: [[UInt8]] = []
        let end = Clock.now &+ Clock.ticks(milliseconds: 150)
        while Clock.now < end {
            lab.bench.engine.step()
            sent += lab.lab.wan.takeSent()
        }
        let request = PacketBuilder().ethernet(from: lab.lab.wan.mac, to: .broadcast)
            .arp(.request(for: IPLab.b.ip, from: lab.lab.wan.mac, IPLab.wanIP)).padded().bytes
        #expect(sent.contains(request))
        #expect(lab.table[lab.b].status.isDown)
        try lab.ip.neighbors.addStatic(.v4(IPLab.b.ip), at: IPLab.b.mac, on: lab.lab.wan.interface)
        #expect(lab.waitForReturn())
        lab.discardSent()
        lab.expectPrimary()
    }

    /// The time of the first packet is that of this switch, not of an earlier one.
    @Test func firstPacketIsOfTheLatestSwitch() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.fail(.bfd)
        lab.expectBackup()
        lab.mend(.bfd)
        lab.fail(.bfd)
        #expect(lab.frr.switches.map { $0.firstPacket != nil } == [true, false])
        lab.expectBackup()
        let events = lab.frr.switches
        #expect(events[1].firstPacket.map { $0 > events[1].switched } == true)
    }

    @Test func observersHearOfBothWays() throws {
        let lab = try FastRerouteLab()
        final class Heard { var events: [ProtectionSwitch] = [] }
        let heard = Heard()
        lab.frr.onSwitch { heard.events.append($0) }
        try lab.protect()
        lab.fail(.carrier)
        lab.mend(.carrier)
        #expect(heard.events.map { $0.restored != nil } == [false, true])
        #expect(heard.events.map(\.number) == [1, 1])
    }
}

/// What is logged of switches.
@Suite struct SwitchNoticesTests {
    private func event(_ host: UInt8) -> ProtectionSwitch {
        ProtectionSwitch(
            number: 1, .v4(IPv4Address(10, 1, 0, host)), "wan", .linkDown, backup: "c", detected: 0, switched: 0)
    }

    @Test func aFewAreNamed() {
        var notices = SwitchNotices()
        notices.add(.onBackup, event(1), "detail")
        notices.add(.withoutBackup, event(2), "detail")
        let lines = notices.take()
        #expect(Set(lines.map(\.text)) == ["10.1.0.1 on wan: detail", "10.1.0.2 on wan: detail"])
        #expect(lines.filter { "\($0.level)" == "error" }.count == 1)
        #expect(notices.isEmpty && notices.take().isEmpty)
    }

    @Test func manyAreCounted() {
        var notices = SwitchNotices()
        for host in 1...100 as ClosedRange<UInt8> { notices.add(.onBackup, event(host), "detail") }
        #expect(
            notices.take().map(\.text) == [
                "wan: link-down; the traffic of 100 next hops (10.1.0.1, 10.1.0.2, 10.1.0.3, ...) takes their backups"
            ])
    }
}
