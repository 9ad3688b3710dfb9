// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import Testing
import Wire

@testable import IP

/// What takes time in proportion to the number of prefixes goes in slices, and nothing waits for its end.
@Suite @ControlPlane struct ReprogrammingTests {
    let lab: RouteLab

    init() throws { lab = try RouteLab() }

    private var work: Reprogramming { lab.fib.reprogramming }

    /// /28s from 32.0.0.0 on.
    private func load(_ count: Int, from start: Int = 0, _ path: Path) throws {
        let list = try lab.fib.pathLists.acquire([path])
        for number in start..<start + count { try lab.fib.setRoute(.v4(ReprogrammingTests.prefix(number)), list) }
        lab.fib.pathLists.release(list.index)
    }

    private static func prefix(_ number: Int) -> IPv4Prefix {
        IPv4Prefix(IPv4Address(0x2000_0000 + UInt32(number) << 4), length: 28)
    }

    private func finish() { while work.isBusy { lab.engine.step() } }

    /// A descriptor that becomes readable, as netlink's does, and a command, as the control socket brings it: each comes in
    /// the middle of a million prefixes, and is heard between slices. Counted in slices: a time would be the machine's.
    @Test func aTriggerIsHeardBetweenSlices() async throws {
        try load(1_000_000, lab.neighbor("10.0.0.2"))
        try load(100, from: 1_000_000, lab.neighbor("10.1.0.2"))
        try lab.set("0.0.0.0/0", lab.neighbor("10.2.0.2"))
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let trigger = ends[0]
        defer { for end in ends { close(end) } }
        var heardAt: Int?
        lab.engine.watch(trigger) { [lab] in
            lab.engine.unwatch(trigger)
            lab.wan.isLinkUp = false
            heardAt = lab.fib.reprogramming.slices
        }
        lab.engine.start()
        defer { lab.engine.stop() }
        lab.lan.isLinkUp = false
        #expect(work.isBusy)
        // A command gets its turn as well: this task runs on the control side, as they do.
        while work.done[3] < 1000 { await Task.yield() }
        let begin = work.slices
        var news: UInt8 = 1
        write(ends[1], &news, 1)
        while heardAt == nil { await Task.yield() }
        let heard = try #require(heardAt)
        // One turn may have been under way.
        #expect(heard - begin <= 1)
        #expect(work.isBusy && work.waiting > 100_000)
        let wan = lab.adjacency("10.1.0.2")
        #expect(lab.fib.adjacencies.table[wan].status.isDown)
        while work.isBusy { try await Task.sleep(for: .milliseconds(1)) }
        #expect(work.slices - heard > 10)
        // All came to what they should, also those of the second failure.
        for number in stride(from: 0, to: 1_000_100, by: 997) {
            #expect(lab.fib.main.ip4.programmed(ReprogrammingTests.prefix(number)) == nil)
        }
        #expect(lab.way("32.0.0.1") == ["10.2.0.2"] && lab.way("32.244.36.1") == ["10.2.0.2"])
    }

    /// However often next hops come and go, no more waits than once over everything, twice.
    @Test func flapsDoNotAddUp() throws {
        try load(20_000, lab.neighbor("10.0.0.2"))
        for _ in 0..<50 {
            lab.lan.isLinkUp.toggle()
            #expect(work.waiting <= 2 * 20_100)
        }
        finish()
        #expect(work.done[3] <= 2 * 20_100)
        #expect(lab.lan.isLinkUp && lab.way("32.0.0.1") == ["10.0.0.2"])
        lab.lan.isLinkUp = false
        finish()
        #expect(lab.lookup("32.0.0.1") == .noRoute && lab.lookup("32.4.226.1") == .noRoute)
    }

    /// Routes that come and go between the slices: none is forgotten.
    @Test(arguments: [UInt64(1), 2, 3]) func changesBetweenSlices(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        try load(5000, lab.neighbor("10.0.0.2"))
        for number in 0..<300 { try lab.set("2001:db8:\(number)::/48", lab.via("32.0.0.1")) }
        lab.lan.isLinkUp = false
        while work.isBusy {
            for _ in 0..<20 {
                let number = Int.random(in: 0..<6000, using: &random)
                let prefix = IPPrefix.v4(ReprogrammingTests.prefix(number))
                switch Int.random(in: 0..<3, using: &random) {
                case 0: lab.fib.removeRoute(prefix)
                case 1: try lab.fib.setRoute(prefix, [lab.neighbor("10.0.0.2")])
                default: try lab.fib.setRoute(prefix, [lab.neighbor("10.1.0.2")])
                }
            }
            lab.engine.step()
        }
        for number in 0..<6000 {
            let prefix = ReprogrammingTests.prefix(number)
            let active = lab.fib.main.ip4.active(prefix).flatMap { lab.fib.pathLists[$0.list]?.forwarding }
            #expect(lab.fib.main.ip4.programmed(prefix) == active)
        }
        for number in 0..<300 {
            let prefix = IPv6Prefix("2001:db8:\(number)::/48")!
            let active = lab.fib.main.ip6.active(prefix).flatMap { lab.fib.pathLists[$0.list]?.forwarding }
            #expect(lab.fib.main.ip6.programmed(prefix) == active)
        }
    }

    /// A prefix that gets another priority meanwhile is brought up to date all the same.
    @Test func prioritiesChangeMeanwhile() throws {
        try load(20_000, lab.neighbor("10.0.0.2"))
        lab.fib.priorities.set(IPPrefix("33.0.0.0/8")!, .critical)
        lab.lan.isLinkUp = false
        #expect(work.isBusy)
        lab.fib.priorities.set(IPPrefix("32.4.0.0/16")!, .high)
        finish()
        #expect(lab.lookup("32.0.0.1") == .noRoute && lab.lookup("32.4.226.1") == .noRoute)
        #expect(work.done[0] == 0 && work.done[1] > 0 && work.done[3] > 0)
    }
}
