// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Logging
import Testing
import Wire

@testable import IP

/// Tables that are full when something fails: what does not work is not in force all the same.
@Suite @ControlPlane struct PathListShortageTests {
    private static let members = ["10.0.0.2", "10.0.0.3", "10.1.0.2", "10.1.0.3"]

    private let log = LogLines()
    private let lab: RouteLab
    private var store: LoadBalanceStore { lab.fib.pathLists.loadBalances }

    init() throws {
        lab = try RouteLab(log: Logger(label: "test") { [log] _ in log })
    }

    private func list(_ text: String) throws -> PathList {
        let (_, list) = try #require(lab.fib.cover(of: IPAddress(text)!, in: .main))
        return list
    }

    private func results(_ text: String) -> [Forwarding] { store.results(of: lab.lookup(text).index) }

    private func neighbor(_ text: String) -> Forwarding { Forwarding(.rewrite, lab.adjacency(text)) }

    private func expectConsistent(sourceLocation: SourceLocation = #_sourceLocation) async {
        let report = await ConsistencyCheck(lab.fib, samples: 20).run(lab.fib.tables)
        #expect(report.differences == [], sourceLocation: sourceLocation)
    }

    /// Steps until the retry has been made.
    private func waitForRoom() -> Bool {
        let deadline = Clock.now &+ Clock.ticks(milliseconds: 20_000)
        while !lab.fib.pathLists.short.isEmpty {
            if Clock.now > deadline { return false }
            lab.engine.step()
        }
        return true
    }

    /// Four buckets and no more to be had: the dead member's one goes to another, the rest stays; later all is as it should be.
    @Test func deadMemberLeavesItsBucket() async throws {
        try lab.fib.setRoute(IPPrefix("20.0.0.0/8")!, Self.members.map(lab.neighbor))
        try lab.set("21.0.0.0/8", lab.neighbor("10.2.0.2"), isCounted: true)
        let before = results("20.0.0.1")
        store.bucketLimit = store.bucketCount
        lab.fail("10.0.0.3")
        let after = results("20.0.0.1")
        #expect(after.count == before.count)
        for (old, new) in zip(before, after) {
            if old == neighbor("10.0.0.3") { #expect(before.contains(new) && new != old) } else { #expect(new == old) }
        }
        #expect(try list("20.0.0.1").isShort)
        #expect(log.count("no room") == 1)
        await expectConsistent()
        // The next one too, and it is not said again.
        lab.fail("10.1.0.2")
        #expect(lab.way("20.0.0.1") == ["10.0.0.2", "10.1.0.3"])
        #expect(log.count("no room") == 1)
        lab.fail("10.0.0.2")
        #expect(lab.way("20.0.0.1") == ["10.1.0.3"])
        for member in Self.members { lab.fail(member) }
        #expect(lab.lookup("20.0.0.1") == .noRoute && Set(results(of: "20.0.0.0/8")) == [.nextHopDown])
        for member in Self.members where member != "10.0.0.3" { lab.fail(member, false) }
        #expect(lab.way("20.0.0.1") == Set(Self.members).subtracting(["10.0.0.3"]))
        await expectConsistent()
        // Something is given back, and there is room.
        store.bucketLimit = 1000
        lab.remove("21.0.0.0/8")
        #expect(waitForRoom())
        #expect(results("20.0.0.1").count == 64 && lab.way("20.0.0.1").count == 3)
        #expect(try !list("20.0.0.1").isShort)
        #expect(log.count("there is room again") > 0)
        lab.fail("10.0.0.3", false)
        #expect(results("20.0.0.1") == before)
        await expectConsistent()
    }

    private func results(of prefix: String) -> [Forwarding] {
        let index = lab.fib.list(of: IPPrefix(prefix)!).flatMap { lab.fib.pathLists[$0]?.loadBalance }
        return index.map { store.results(of: $0) } ?? []
    }

    /// One bucket: the next preference's neighbour takes it.
    @Test func singleBucketTakesTheBackup() throws {
        var spare = lab.neighbor("10.1.0.2")
        spare.preference = 1
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), spare)
        store.bucketLimit = 0
        while (try? store.make()) != nil {}
        lab.fail("10.0.0.2")
        #expect(try list("20.0.0.1").isShort)
        #expect(results("20.0.0.1") == [neighbor("10.1.0.2")])
        lab.fail("10.0.0.2", false)
        #expect(results("20.0.0.1") == [neighbor("10.0.0.2")])
    }

    /// A next hop that moves to where no path can be made is lost until one can.
    @Test func noPathsLeft() async throws {
        var (first, second) = (lab.via("30.0.0.1"), lab.via("31.0.0.1"))
        (first.labels, second.labels) = ([100], [100])
        var other = lab.neighbor("10.2.0.9")
        other.labels = [200]
        try lab.set("40.0.0.0/8", other)
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.2"))
        try lab.set("31.0.0.0/8", lab.neighbor("10.1.0.2"))
        try lab.set("20.0.0.0/8", first, second)
        #expect(lab.way("20.0.0.1") == ["10.0.0.2 100", "10.1.0.2 100"])
        lab.fib.paths.limit = lab.fib.paths.count
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.3"))
        #expect(lab.way("20.0.0.1") == ["10.1.0.2 100"])
        await expectConsistent()
        // What the lost next hop had is free again.
        lab.fib.paths.limit = lab.fib.paths.count
        try lab.set("31.0.0.0/8", lab.neighbor("10.1.0.3"))
        #expect(lab.way("20.0.0.1") == [Forwarding.nextHopDown.word])
        #expect(log.count("no room") == 1)
        lab.remove("40.0.0.0/8")
        lab.fib.paths.limit = .max
        #expect(waitForRoom())
        #expect(lab.way("20.0.0.1") == ["10.0.0.3 100", "10.1.0.3 100"])
        await expectConsistent()
    }

    /// A backup without room is done without, and what has no neighbour and no backup is not used.
    @Test func noRoomForABackup() async throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), lab.neighbor("10.1.0.2"))
        lab.fib.paths.limit = 0
        lab.fib.hasAutomaticBackups = true
        #expect(lab.way("20.0.0.1") == ["10.0.0.2", "10.1.0.2"])
        #expect(try list("20.0.0.1").isShort)
        lab.fail("10.0.0.2")
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        await expectConsistent()
    }

    @Test func fitting() {
        func result(_ number: UInt32) -> Forwarding { Forwarding(.rewrite, 100 + number) }
        let wanted = (0..<16).map { result(UInt32($0 % 3)) }
        // Those that work stay where they are, the others' go to who has fewest.
        let current = [result(0), result(9), result(1), result(9)]
        let fitted = LoadBalanceStore.fit(wanted, into: current)
        #expect(fitted[0] == result(0) && fitted[2] == result(1))
        #expect(Set(fitted) == [result(0), result(1), result(2)])
        #expect(LoadBalanceStore.fit([.unreachable], into: current) == [Forwarding](repeating: .unreachable, count: 4))
        #expect(LoadBalanceStore.fit(wanted, into: [.unreachable]).allSatisfy { wanted.contains($0) })
    }
}
