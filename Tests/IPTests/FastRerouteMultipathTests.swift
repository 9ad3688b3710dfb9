// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Routes with several next hops: members that leave, the next preference, and backups out of the same route.
@Suite @ControlPlane struct FastRerouteMultipathTests {
    /// By how many of `count` flows to 30.0.0.1 each port is taken.
    private func shares(_ lab: FastRerouteLab, _ count: Int = 64) -> [String: Int] {
        let frames = (0..<count).map { number in
            (lab.lab.lan, lab.datagram(to: IPv4Address(30, 0, 0, 1), port: UInt16(1000 + number)))
        }
        return lab.bench.outcome(of: frames).frames.mapValues(\.count)
    }

    private func setRoute(_ lab: FastRerouteLab, preferences: (Int, Int), prefixes: Int = 1) throws {
        var (toB, toC) = (lab.pathToB, lab.pathToC)
        toB.preference = preferences.0
        toC.preference = preferences.1
        let list = try lab.fib.pathLists.acquire([toB, toC])
        for number in 0..<prefixes {
            try lab.fib.setRoute(.v4(IPv4Prefix(IPv4Address(UInt32(30 << 24 | number << 8)), length: 24)), list)
        }
    }

    @Test func memberLeavesAndIsBackAtOnce() throws {
        let lab = try FastRerouteLab(wait: 60_000)
        try setRoute(lab, preferences: (0, 0))
        let before = shares(lab)
        #expect(before["wan"] ?? 0 > 0 && before["alt"] ?? 0 > 0, "\(before) \(lab.listing)")
        lab.fail(.neighbor)
        #expect(shares(lab) == ["alt": 64])
        lab.mend(.neighbor)
        #expect(shares(lab) == before)
    }

    /// PIC edge: the next preference takes over all prefixes by one store to the load-balance that they share.
    @Test(arguments: [1, 2000])
    func nextPreferenceTakesOver(prefixes: Int) throws {
        let lab = try FastRerouteLab()
        try setRoute(lab, preferences: (0, 1), prefixes: prefixes)
        let done = lab.fib.reprogramming.done
        #expect(shares(lab) == ["wan": 64])
        lab.fail(.carrier)
        #expect(shares(lab) == ["alt": 64])
        #expect(lab.fib.reprogramming.waiting == 0)
        // The connected network has gone, and with it its three routes; none of those by the path-list.
        let reselected = zip(lab.fib.reprogramming.done, done).reduce(0) { $0 + $1.0 - $1.1 }
        #expect(reselected < 10)
        lab.mend(.carrier)
        #expect(shares(lab) == ["wan": 64])
    }

    /// With `automatic` the workers need nobody to tell them.
    @Test(arguments: [(0, 0), (0, 1)])
    func pathsOfOneRouteAreBackups(preferences: (Int, Int)) throws {
        let lab = try FastRerouteLab(wait: 60_000)
        try setRoute(lab, preferences: preferences)
        lab.fib.hasAutomaticBackups = true
        let before = shares(lab)
        #expect(before["wan"] ?? 0 > 0)
        // The worker's store alone.
        lab.table.setBFDDown(lab.b, true)
        #expect(shares(lab) == ["alt": 64])
        lab.fib.adjacencies.setBFDDown(true, lab.b)
        #expect(shares(lab) == ["alt": 64])
        #expect(lab.frr.switches.map(\.backup) == ["10.2.0.2 on alt"], "\(lab.listing)")
        lab.mend(.bfd)
        #expect(shares(lab) == ["alt": 64], "it waits")
        #expect(lab.frr.revert() == 1)
        #expect(shares(lab) == before)
        lab.fib.hasAutomaticBackups = false
        #expect(shares(lab) == before)
        #expect(lab.frr.protection(of: .v4(IPLab.b.ip), on: lab.lab.wan.interface) == nil)
    }

    /// A route through another, which has nothing to fall back on, and a next hop of the next preference.
    private func setRecursiveRoute(_ lab: FastRerouteLab) throws {
        let hop = IPPrefix("40.0.0.1/32")!
        try lab.fib.setRoute(hop, lab.fib.pathLists.acquire([lab.pathToB]))
        var toC = lab.pathToC
        toC.preference = 1
        let list = try lab.fib.pathLists.acquire([.recursive(.v4(IPv4Address(40, 0, 0, 1))), toC])
        try lab.fib.setRoute(IPPrefix("30.0.0.0/8")!, list)
        lab.fib.pathLists.release(list.index)
        lab.fib.hasAutomaticBackups = true
    }

    /// Its next hop is no longer among the route's ways when the other route has lost its own: the account of the switch and
    /// the wait go on.
    @Test(arguments: [FastRerouteLab.Trigger.bfd, .neighbor, .carrier])
    func aRouteThroughAnotherWaitsAsWell(trigger: FastRerouteLab.Trigger) throws {
        let lab = try FastRerouteLab(wait: 60_000)
        try setRecursiveRoute(lab)
        for failures in 1...2 {
            #expect(shares(lab) == ["wan": 64], "\(lab.listing)")
            lab.fail(trigger)
            lab.discardSent()
            #expect(shares(lab) == ["alt": 64])
            let row = try #require(lab.frr.report().nextHops.first)
            #expect(row.state == .backup && row.backup == "10.2.0.2 on alt" && row.failuresInRow == failures, "\(row)")
            lab.mend(trigger)
            #expect(shares(lab) == ["alt": 64], "it waits")
            #expect(lab.frr.report().nextHops.map(\.state) == [.waiting])
            #expect(lab.frr.revert() == 1)
            lab.discardSent()
            #expect(shares(lab) == ["wan": 64])
            #expect(lab.frr.switches.map { $0.restored != nil } == Array(repeating: true, count: failures))
        }
        #expect(lab.frr.protection(of: .v4(IPLab.b.ip), on: lab.lab.wan.interface)?.successors == [])
        // Nothing is held for a route that has gone.
        lab.fib.removeRoute(IPPrefix("30.0.0.0/8")!)
        lab.discardSent()
        #expect(lab.frr.backupUses.isEmpty)
    }

    /// Waiting helps nobody when those who took over fail.
    @Test func nobodyWaitsForARouteThroughAnotherInVain() throws {
        let lab = try FastRerouteLab(wait: 60_000)
        try setRecursiveRoute(lab)
        lab.fail(.bfd)
        lab.discardSent()
        lab.mend(.bfd)
        #expect(shares(lab) == ["alt": 64])
        lab.alt.interface.isLinkUp = false
        lab.discardSent()
        #expect(shares(lab) == ["wan": 64], "\(lab.listing)")
    }

    /// A single next hop has no other path to be its backup.
    @Test func singlePathHasNoAutomaticBackup() throws {
        let lab = try FastRerouteLab()
        lab.fib.hasAutomaticBackups = true
        lab.fail(.bfd)
        #expect(lab.frr.switches.isEmpty)
        #expect(lab.frr.report().unprotected.map(\.reason) == ["no backup"])
    }
}
