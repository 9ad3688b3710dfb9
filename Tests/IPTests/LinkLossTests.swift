// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// A lost link as the thread with the kernel's news tells of it, ahead of the control side, which comes to it later.
@Suite @ControlPlane struct LinkLossTests {
    /// The news of one link, as they come and as the control side gets round to them.
    @ControlPlane private struct Link {
        let lab: FastRerouteLab
        var waiting: [(isLost: Bool, clock: UInt64)] = []

        var interface: Interface { lab.lab.wan.interface }
        var isDown: Bool { lab.table[lab.b].status.isDown }

        mutating func news(isLost: Bool) {
            let clock = Clock.now
            lab.bench.engine.linkAlarm.sound(interface.index, isLost: isLost, at: clock)
            waiting.append((isLost, clock))
        }

        /// The control side comes to the oldest of the news.
        mutating func catchUp() {
            let (isLost, clock) = waiting.removeFirst()
            lab.bench.engine.during(clock) { interface.isLinkUp = !isLost }
        }
    }

    @Test func packetsTakeTheBackupBeforeTheControlSideKnows() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        var link = Link(lab: lab)
        lab.expectPrimary()
        link.news(isLost: true)
        lab.expectBackup()
        #expect(lab.frr.switches.isEmpty && link.interface.isLinkUp)
        let clock = link.waiting[0].clock
        let before = Clock.now
        link.catchUp()
        let event = try #require(lab.frr.switches.first)
        #expect(event.reason == .linkDown && event.detected == clock)
        #expect(event.switched >= clock && event.switched < before)
        link.news(isLost: false)
        lab.expectBackup()
        link.catchUp()
        lab.discardSent()
        lab.expectPrimary()
    }

    /// The control side's restoration after one loss does not undo the next one.
    @Test func lossDuringTheRestorationStands() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        var link = Link(lab: lab)
        for isLost in [true, false, true] { link.news(isLost: isLost) }
        link.catchUp()
        link.catchUp()
        lab.discardSent()
        lab.expectBackup()
        link.catchUp()
        lab.expectBackup()
        link.news(isLost: false)
        link.catchUp()
        lab.discardSent()
        lab.expectPrimary()
        #expect(!lab.table[lab.b].status.isLinkLost)
    }

    /// A link that was away for a moment only is not trusted either.
    @Test func waitsToRestoreAfterALossThatWasOverBeforeItWasHeardOf() throws {
        let lab = try FastRerouteLab(wait: 300)
        try lab.protect()
        var link = Link(lab: lab)
        link.news(isLost: true)
        link.news(isLost: false)
        lab.expectBackup()
        link.catchUp()
        lab.expectBackup()
        link.catchUp()
        lab.discardSent()
        #expect(lab.table[lab.b].status.failures == .waitToRestore && !lab.table[lab.b].status.isLinkLost)
        lab.expectBackup()
        #expect(lab.waitForReturn())
        lab.expectPrimary()
    }

    @Test func neighborsThatAppearMeanwhileAreMarked() throws {
        let lab = try FastRerouteLab()
        var link = Link(lab: lab)
        link.news(isLost: true)
        let new = try lab.fib.adjacencies.adjacency(to: .v4(IPv4Address(10, 1, 0, 77)), on: link.interface)
        #expect(lab.table[new].status.isDown)
        link.catchUp()
        link.news(isLost: false)
        link.catchUp()
        #expect(!lab.table[new].status.isDown)
    }

    @Test func otherLinksAreNotTouched() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.bench.engine.linkAlarm.sound(lab.alt.interface.index, isLost: true, at: Clock.now)
        #expect(lab.table[lab.c].status.isDown && !lab.table[lab.b].status.isDown)
        lab.expectPrimary()
    }

    /// Whatever the order: while the latest news are of a loss no packet takes the link, and when all is well it is used.
    @Test func anyOrderOfEvents() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        var random = SystemRandomNumberGenerator()
        var link = Link(lab: lab)
        var isLost = false
        for _ in 0..<2000 {
            if Bool.random(using: &random) {
                isLost.toggle()
                link.news(isLost: isLost)
            } else if !link.waiting.isEmpty {
                link.catchUp()
            }
            #expect(!isLost || link.isDown)
        }
        if isLost { link.news(isLost: false) }
        while !link.waiting.isEmpty { link.catchUp() }
        #expect(lab.waitForReturn())
        lab.discardSent()
        lab.expectPrimary()
    }

    /// The thread and the control side at the same time.
    @Test func bothSidesAtOnce() async throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        let alarm = lab.bench.engine.linkAlarm
        let interface = lab.lab.wan.interface
        let index = interface.index
        let news = Task.detached {
            for _ in 0..<20_000 {
                alarm.sound(index, isLost: true, at: Clock.now)
                alarm.sound(index, isLost: false, at: Clock.now)
            }
            alarm.sound(index, isLost: true, at: Clock.now)
        }
        for _ in 0..<2000 {
            interface.isLinkUp = false
            interface.isLinkUp = true
            await Task.yield()
        }
        await news.value
        #expect(lab.table[lab.b].status.isDown)
        interface.isLinkUp = false
        alarm.sound(index, isLost: false, at: Clock.now)
        interface.isLinkUp = true
        #expect(lab.waitForReturn())
        lab.discardSent()
        lab.expectPrimary()
    }

    /// The kernel takes a device down and then away: one failure, whose reason is the graver one.
    @Test func removedDevice() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        let interface = lab.lab.wan.interface
        interface.isLinkUp = false
        #expect(lab.frr.report().nextHops.first?.reason == .linkDown)
        interface.setFlag(.absent, true)
        #expect(lab.frr.report().nextHops.first?.reason == .deviceRemoved)
        #expect(lab.frr.switches.map(\.reason) == [.deviceRemoved])
        interface.setFlag(.absent, false)
        interface.isLinkUp = true
        lab.discardSent()
        lab.expectPrimary()
        #expect(lab.frr.switches.map(\.reason) == [.deviceRemoved] && lab.frr.switches[0].restored != nil)
    }
}
