// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Next hops that other routes lead to.
@Suite @ControlPlane struct PathRecursionTests {
    let lab: RouteLab

    init() throws { lab = try RouteLab() }

    /// The covering route appears, changes, is covered by a longer one, and vanishes.
    @Test func followsTheCoveringRoute() throws {
        try lab.set("20.0.0.0/8", lab.via("30.0.0.1"))
        #expect(lab.lookup("20.0.0.1") == .noRoute)
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.2"))
        #expect(lab.way("20.0.0.1") == ["10.0.0.2"])
        let route = lab.lookup("20.0.0.1")
        try lab.set("30.0.0.0/8", lab.neighbor("10.1.0.2"))
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        try lab.set("30.0.0.0/24", lab.neighbor("10.2.0.2"), lab.neighbor("10.2.0.3"))
        #expect(lab.way("20.0.0.1") == ["10.2.0.2", "10.2.0.3"])
        lab.remove("30.0.0.0/24")
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        #expect(lab.lookup("20.0.0.1") == route)
        lab.remove("30.0.0.0/8")
        #expect(lab.lookup("20.0.0.1") == .noRoute)
    }

    /// A next hop on a connected network is a neighbour there.
    @Test func throughAConnectedNetwork() throws {
        try lab.set("20.0.0.0/8", lab.via("10.1.0.7"))
        #expect(lab.way("20.0.0.1") == ["10.1.0.7"])
        lab.wan.isLinkUp = false
        #expect(lab.lookup("20.0.0.1") == .noRoute)
        lab.wan.isLinkUp = true
        #expect(lab.way("20.0.0.1") == ["10.1.0.7"])
    }

    /// IPv4 through IPv6 and the reverse, in two stages.
    @Test func acrossFamilies() throws {
        try lab.set("20.0.0.0/8", lab.via("2001:db8::1"))
        try lab.set("2001:db8:1::/48", lab.via("30.0.0.1"))
        try lab.set("2001:db8::/48", lab.neighbor("fd00:2::2"))
        try lab.set("30.0.0.0/8", lab.via("2001:db8::2"))
        #expect(lab.way("20.0.0.1") == ["fd00:2::2"])
        #expect(lab.way("30.0.0.1") == ["fd00:2::2"])
        #expect(lab.way("2001:db8:1::1") == ["fd00:2::2"])
        try lab.set("2001:db8::/48", lab.neighbor("10.0.0.2"))
        for address in ["20.0.0.1", "30.0.0.1", "2001:db8:1::1"] { #expect(lab.way(address) == ["10.0.0.2"]) }
        lab.remove("2001:db8::/48")
        for address in ["20.0.0.1", "30.0.0.1", "2001:db8:1::1"] { #expect(lab.lookup(address) == .noRoute) }
    }

    /// Shares multiply on the way, and labels of the outer route are inner.
    @Test func weightsAndLabels() throws {
        var first = lab.neighbor("10.0.0.2")
        (first.weight, first.labels) = (3, [100])
        try lab.set("30.0.0.0/8", first, lab.neighbor("10.1.0.2"))
        var vpn = lab.via("30.0.0.1")
        vpn.labels = [70, 80]
        try lab.set("20.0.0.0/8", vpn)
        let ways = lab.ways("20.0.0.1")
        #expect(Set(ways.keys) == ["10.0.0.2 100 70 80", "10.1.0.2 70 80"])
        #expect(ways["10.0.0.2 100 70 80"] == ways["10.1.0.2 70 80"].map { $0 * 3 })
    }

    /// `via-host` does not fall back to a shorter prefix when the host's own route goes.
    @Test func hostRoutesAlone() throws {
        var path = lab.via("30.0.0.1")
        path.viaHost = true
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.2"))
        try lab.set("20.0.0.0/8", path)
        #expect(lab.lookup("20.0.0.1") == .noRoute)
        try lab.set("30.0.0.1/32", lab.neighbor("10.1.0.2"))
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        lab.remove("30.0.0.1/32")
        #expect(lab.lookup("20.0.0.1") == .noRoute)
    }

    /// What a next hop's route does not send anywhere is no way.
    @Test(arguments: [Forwarding.blackhole, .unreachable, .prohibit])
    func throughNothing(discard: Forwarding) throws {
        try lab.set("30.0.0.0/8", Path(.discard(discard)))
        try lab.set("20.0.0.0/8", lab.via("30.0.0.1"))
        #expect(lab.lookup("20.0.0.1") == .noRoute)
        #expect(lab.way("30.0.0.1") == [discard.word])
    }

    // MARK: - Prefix independence

    /// The loss of a next hop, a protocol's or a neighbour's, moves all prefixes behind it: none of them is touched.
    @Test(arguments: [10, 1000])
    func oneStoreForAllPrefixes(count: Int) throws {
        var (first, second) = (lab.via("30.0.0.1"), lab.via("31.0.0.1"))
        (first.viaHost, second.viaHost, second.preference) = (true, true, 1)
        try lab.set("30.0.0.1/32", lab.neighbor("10.0.0.2"))
        try lab.set("31.0.0.1/32", lab.neighbor("10.1.0.2"))
        for number in 0..<count { try lab.set("40.\(number >> 8).\(number & 255).0/24", first, second) }
        let route = lab.lookup("40.0.9.1")
        let generation = lab.fib.main.ip4.generation
        func expectWay(_ way: String) {
            while lab.fib.reprogramming.isBusy { lab.engine.step() }
            for number in 0..<10 { #expect(lab.way("40.0.\(number).1") == [way]) }
            #expect(lab.lookup("40.0.9.1") == route)
        }
        expectWay("10.0.0.2")
        lab.fail("10.0.0.2")
        expectWay("10.1.0.2")
        lab.fail("10.0.0.2", false)
        expectWay("10.0.0.2")
        // The next hop's own route goes: that is the one prefix to change.
        lab.remove("30.0.0.1/32")
        expectWay("10.1.0.2")
        while lab.fib.reprogramming.isBusy { lab.engine.step() }
        // The next hop's route went and came with its neighbour, and was removed.
        #expect(lab.fib.reprogramming.done == [0, 0, 0, 2])
        #expect(lab.fib.main.ip4.generation - generation <= 4)
    }

    /// A member that resolves to nothing keeps its place: the others' flows stay.
    @Test func lostNextHopKeepsItsPlace() throws {
        for number in 1...3 { try lab.set("3\(number).0.0.1/32", lab.neighbor("10.0.0.\(number + 1)")) }
        try lab.set("20.0.0.0/8", lab.via("31.0.0.1"), lab.via("32.0.0.1"), lab.via("33.0.0.1"))
        let store = lab.fib.pathLists.loadBalances
        let index = lab.lookup("20.0.0.1").index
        let before = store.results(of: index)
        let lost = Forwarding(.rewrite, lab.adjacency("10.0.0.2"))
        lab.remove("31.0.0.1/32")
        let after = store.results(of: index)
        #expect(after.count == before.count)
        for (old, new) in zip(before, after) { #expect(old == lost ? new != lost : new == old) }
        try lab.set("31.0.0.1/32", lab.neighbor("10.0.0.2"))
        #expect(store.results(of: index) == before)
    }

    // MARK: - Loops

    @Test func routeViaItself() throws {
        try lab.set("30.0.0.0/8", lab.via("30.0.0.1"))
        #expect(lab.lookup("30.0.0.9") == .noRoute)
        // A shorter prefix makes the next hop reachable, and so the route hides what it stands on.
        try lab.set("0.0.0.0/0", lab.neighbor("10.0.0.2"))
        #expect(lab.way("30.0.0.9") == ["loop"])
        try lab.set("30.0.0.1/32", lab.neighbor("10.1.0.2"))
        #expect(lab.way("30.0.0.9") == ["10.1.0.2"])
        lab.remove("30.0.0.1/32")
        #expect(lab.way("30.0.0.9") == ["loop"])
        lab.remove("30.0.0.0/8")
        #expect(lab.way("30.0.0.9") == ["10.0.0.2"])
    }

    @Test(arguments: [2, 3, 10])
    func mutualLoops(count: Int) throws {
        try lab.set("0.0.0.0/0", lab.neighbor("10.0.0.2"))
        for number in 0..<count {
            try lab.set("\(30 + number).0.0.0/8", lab.via("\(30 + (number + 1) % count).0.0.1"))
        }
        for number in 0..<count { #expect(lab.way("\(30 + number).0.0.9") == ["loop"]) }
        try lab.set("30.0.0.0/8", lab.neighbor("10.1.0.2"))
        for number in 0..<count { #expect(lab.way("\(30 + number).0.0.9") == ["10.1.0.2"]) }
        try lab.set("30.0.0.0/8", lab.via("31.0.0.1"))
        for number in 0..<count { #expect(lab.way("\(30 + number).0.0.9") == ["loop"]) }
        for number in 0..<count { lab.remove("\(30 + number).0.0.0/8") }
        for number in 0..<count { #expect(lab.way("\(30 + number).0.0.9") == ["10.0.0.2"]) }
    }

    /// A path beside the loop carries the traffic, whichever of the routes came first.
    @Test func loopWithAWayOut() throws {
        for order in [["30", "31"], ["31", "30"]] {
            let lab = try RouteLab()
            for prefix in order {
                let other = prefix == "30" ? "31" : "30"
                try lab.set("\(prefix).0.0.0/8", lab.via("\(other).0.0.1"), lab.neighbor("10.0.0.\(prefix)"))
            }
            #expect(lab.way("30.0.0.9") == ["10.0.0.30"])
            #expect(lab.way("31.0.0.9") == ["10.0.0.31"])
        }
    }

    @Test func loopsThroughTables() throws {
        let red = try lab.fib.makeTable(named: "red")
        // The lookup goes to and fro.
        try lab.set("20.0.0.0/8", Path(.table(red.index)))
        try lab.set("20.0.0.0/8", Path(.table(.main)), in: red)
        #expect(lab.way("20.0.0.1") == ["loop"])
        // So does a next hop.
        try lab.set("30.0.0.0/8", lab.via("31.0.0.1", in: red))
        try lab.set("31.0.0.0/8", lab.via("30.0.0.1"), in: red)
        #expect(lab.way("30.0.0.9").isSubset(of: ["loop", "nothing"]))
        try lab.set("21.0.0.0/8", lab.via("20.0.0.1"))
        #expect(lab.way("21.0.0.1").isSubset(of: ["loop", "nothing"]))
        try lab.set("20.0.0.0/8", lab.neighbor("10.2.0.2"), in: red)
        try lab.set("31.0.0.0/8", lab.neighbor("10.1.0.2"), in: red)
        #expect(lab.way("20.0.0.1") == ["10.2.0.2"])
        #expect(lab.way("21.0.0.1") == ["10.2.0.2"])
        #expect(lab.way("30.0.0.9") == ["10.1.0.2"])
    }

    // MARK: - Tables

    @Test func nextHopInAnotherTable() throws {
        let red = try lab.fib.makeTable(named: "red")
        try lab.set("20.0.0.0/8", lab.via("30.0.0.1", in: red))
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.2"))
        #expect(lab.lookup("20.0.0.1") == .noRoute)
        try lab.set("30.0.0.0/8", lab.neighbor("10.1.0.2"), in: red)
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        #expect(lab.lookup("20.0.0.1", in: red) == .noRoute)
    }

    /// A leak: what one table does not know, another is asked.
    @Test func leaks() throws {
        let red = try lab.fib.makeTable(named: "red")
        try lab.set("0.0.0.0/0", Path(.table(.main)), in: red)
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"))
        #expect(lab.way("20.0.0.1", in: red) == ["10.0.0.2"])
        #expect(lab.lookup("99.0.0.1", in: red).kind == .table)
        #expect(lab.way("99.0.0.1", in: red) == ["nothing"])
        // A next hop follows the leak, and the route in the other table.
        try lab.set("40.0.0.0/8", lab.via("20.0.0.1", in: red), in: red)
        #expect(lab.way("40.0.0.1", in: red) == ["10.0.0.2"])
        try lab.set("20.0.0.0/8", lab.neighbor("10.1.0.2"))
        #expect(lab.way("40.0.0.1", in: red) == ["10.1.0.2"])
        lab.remove("20.0.0.0/8")
        #expect(lab.lookup("40.0.0.1", in: red).kind == .table)
    }
}
