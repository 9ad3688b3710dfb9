// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Path-lists: shared by equal routes, counted, dealt over buckets.
@Suite @ControlPlane struct PathListTests {
    let lab: RouteLab
    let idle: RouteLab.Use

    init() throws {
        lab = try RouteLab()
        idle = lab.use
    }

    @Test func sharedByEqualRoutes() throws {
        for number in 0..<100 { try lab.set("20.\(number).0.0/16", lab.neighbor("10.0.0.2"), lab.neighbor("10.1.0.2")) }
        #expect(lab.use.lists == idle.lists + 1)
        #expect(lab.use.loadBalances == idle.loadBalances + 1)
        #expect(Set((0..<100).map { lab.lookup("20.\($0).1.1") }).count == 1)
        #expect(lab.ways("20.7.0.1") == ["10.0.0.2": 1, "10.1.0.2": 1])
        // The order of next hops is part of a list, as it is part of how flows are dealt.
        try lab.set("21.0.0.0/8", lab.neighbor("10.1.0.2"), lab.neighbor("10.0.0.2"))
        #expect(lab.use.lists == idle.lists + 2)
    }

    /// One neighbour needs no load-balance: the prefix leads straight to the adjacency.
    @Test func singleNeighborIsDirect() throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"))
        #expect(lab.lookup("20.0.0.1") == Forwarding(.rewrite, lab.adjacency("10.0.0.2")))
        #expect(lab.use.loadBalances == idle.loadBalances)
    }

    /// Whatever was made for routes is gone with the last of them.
    @Test func everythingIsGivenBack() throws {
        var protected = lab.neighbor("10.0.0.2")
        protected.backup = [lab.neighbor("10.1.0.2")]
        protected.labels = [100, 200]
        var spare = lab.neighbor("10.1.0.3")
        spare.preference = 1
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"))
        try lab.set("21.0.0.0/8", protected, lab.neighbor("10.1.0.2"), spare)
        try lab.set("22.0.0.0/8", lab.via("21.0.0.1"), lab.via("20.0.0.1"))
        try lab.set("2001:db8::/32", lab.via("22.0.0.1"))
        try lab.set("23.0.0.0/8", lab.neighbor("10.2.0.9"), isCounted: true)
        #expect(lab.use.paths > idle.paths)
        lab.fail("10.0.0.2")
        lab.fail("10.1.0.2")
        for prefix in ["21.0.0.0/8", "23.0.0.0/8", "2001:db8::/32", "20.0.0.0/8", "22.0.0.0/8"] {
            #expect(lab.remove(prefix))
            #expect(!lab.remove(prefix))
        }
        #expect(lab.use == idle)
        #expect(lab.lookup("21.0.0.1") == .noRoute)
    }

    @Test func replacingReleases() throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), lab.neighbor("10.1.0.2"))
        let one = lab.use
        for number in 2..<60 {
            try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.\(number)"), lab.neighbor("10.1.0.\(number)"))
            #expect(lab.use == one)
        }
        #expect(lab.ways("20.0.0.1") == ["10.0.0.59": 1, "10.1.0.59": 1])
    }

    @Test func weights() throws {
        var heavy = lab.neighbor("10.0.0.2")
        heavy.weight = 3
        try lab.set("20.0.0.0/8", heavy, lab.neighbor("10.1.0.2"))
        let ways = lab.ways("20.0.0.1")
        #expect(ways["10.0.0.2"] == ways["10.1.0.2"].map { $0 * 3 })
    }

    /// A counted route has a load-balance of its own, whatever it leads to.
    @Test func counted() throws {
        let paths: [Path] = [
            lab.neighbor("10.0.0.2"), Path(.glean(lab.lan.index)), Path(.broadcast(lab.lan.index)),
            Path(.receive(lab.lan.index)), Path(.receive(0)), Path(.discard(.prohibit)),
        ]
        let words = ["10.0.0.2", "glean", "broadcast", "local", "local", "prohibit"]
        for (number, path) in paths.enumerated() {
            try lab.set("20.\(number).0.0/16", path, isCounted: true)
            #expect(lab.lookup("20.\(number).0.1").kind == .loadBalance)
            #expect(lab.ways("20.\(number).0.1") == [words[number]: 1])
        }
        #expect(Set((0..<6).map { lab.lookup("20.\($0).0.1") }).count == 6)
        for number in 0..<6 { lab.remove("20.\(number).0.0/16") }
        #expect(lab.use.loadBalances == idle.loadBalances)
    }

    // MARK: - Failures of neighbours

    /// Members that are down lose their buckets, and get them back.
    @Test func memberFailsAndReturns() throws {
        let members = ["10.0.0.2", "10.0.0.3", "10.1.0.2", "10.1.0.3"]
        try lab.fib.setRoute(IPPrefix("20.0.0.0/8")!, members.map(lab.neighbor))
        let before = lab.ways("20.0.0.1")
        #expect(before == Dictionary(uniqueKeysWithValues: members.map { ($0, 1) }))
        let route = lab.lookup("20.0.0.1")
        lab.fail("10.0.0.3")
        let without = lab.ways("20.0.0.1")
        #expect(without["10.0.0.3"] == nil)
        #expect(without.values.min()! >= 21)
        lab.fail("10.0.0.3", false)
        #expect(lab.ways("20.0.0.1") == before)
        // None of it touched the prefix.
        #expect(lab.lookup("20.0.0.1") == route)
    }

    /// What stands for a bucket that the route's flows take, for 256 of them.
    private func flows(_ text: String) -> [Forwarding] {
        let results = lab.fib.pathLists.loadBalances.results(of: lab.lookup(text).index)
        return (0..<256).map { results[$0 & (results.count - 1)] }
    }

    /// A protocol replaces the paths: who is in both lists keeps its flows, whether the one that goes is dead or alive.
    @Test(arguments: [false, true]) func replacedListKeepsFlows(isDead: Bool) throws {
        let members = ["10.0.0.2", "10.0.0.3", "10.1.0.2", "10.1.0.3"]
        let prefix = IPPrefix("20.0.0.0/8")!
        try lab.fib.setRoute(prefix, members.map(lab.neighbor), from: .dynamic)
        if isDead { lab.fail("10.0.0.3") }
        let before = flows("20.0.0.1")
        let lost = Forwarding(.rewrite, lab.adjacency("10.0.0.3"))
        try lab.fib.setRoute(prefix, members.filter { $0 != "10.0.0.3" }.map(lab.neighbor), from: .dynamic)
        let without = flows("20.0.0.1")
        #expect(Set(without).count == 3)
        for (old, new) in zip(before, without) where old != lost { #expect(new == old) }
        if isDead { #expect(without == before) } else { #expect(!without.contains(lost)) }
        // Failures of who is left are as resilient as ever.
        lab.fail("10.0.0.2")
        let failed = flows("20.0.0.1")
        let second = Forwarding(.rewrite, lab.adjacency("10.0.0.2"))
        for (old, new) in zip(without, failed) where old != second { #expect(new == old) }
        lab.fail("10.0.0.2", false)
        #expect(flows("20.0.0.1") == without)
        // One more: nobody's flows move but to it.
        try lab.fib.setRoute(
            prefix, (["10.2.0.2"] + members.filter { $0 != "10.0.0.3" }).map(lab.neighbor), from: .dynamic)
        let new = Forwarding(.rewrite, lab.adjacency("10.2.0.2"))
        for (old, now) in zip(without, flows("20.0.0.1")) { #expect(now == old || now == new) }
        #expect(flows("20.0.0.1").count { $0 == new } == 64)
    }

    /// The route that a next hop is resolved by is replaced: who leads through it keeps its flows as well.
    @Test func replacedCoverKeepsFlows() throws {
        let members = ["10.0.0.2", "10.0.0.3", "10.1.0.2"]
        let cover = IPPrefix("30.0.0.0/8")!
        try lab.fib.setRoute(cover, members.map(lab.neighbor), from: .dynamic)
        try lab.set("20.0.0.0/8", lab.via("30.0.0.1"))
        let before = flows("20.0.0.1")
        let lost = Forwarding(.rewrite, lab.adjacency("10.0.0.2"))
        try lab.fib.setRoute(cover, members.dropFirst().map(lab.neighbor), from: .dynamic)
        for (old, new) in zip(before, flows("20.0.0.1")) { #expect(old == lost ? new != lost : new == old) }
    }

    /// A path's own backup takes over within the path: the buckets stay as they are.
    @Test func protectedMemberKeepsItsBuckets() throws {
        var protected = lab.neighbor("10.0.0.2")
        protected.backup = [lab.neighbor("10.1.0.2")]
        try lab.set("20.0.0.0/8", protected, lab.neighbor("10.2.0.2"))
        let before = lab.ways("20.0.0.1")
        #expect(before == ["10.0.0.2 or 10.1.0.2": 1, "10.2.0.2": 1])
        lab.fail("10.0.0.2")
        #expect(lab.ways("20.0.0.1") == before)
        // The backup fails too: now the member is lost.
        lab.fail("10.1.0.2")
        #expect(lab.way("20.0.0.1") == ["10.2.0.2"])
        lab.fail("10.0.0.2", false)
        #expect(lab.ways("20.0.0.1") == before)
    }

    /// The same with the neighbour's backup, which comes and goes on its own.
    @Test func neighborsBackupIsFollowed() throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), lab.neighbor("10.2.0.2"))
        try lab.set("21.0.0.0/8", lab.neighbor("10.1.0.2"))
        lab.fail("10.0.0.2")
        #expect(lab.way("20.0.0.1") == ["10.2.0.2"])
        lab.fib.adjacencies.setBackup(Forwarding(.rewrite, lab.adjacency("10.1.0.2")), of: lab.adjacency("10.0.0.2"))
        #expect(lab.way("20.0.0.1") == ["10.0.0.2", "10.2.0.2"])
        lab.fail("10.1.0.2")
        #expect(lab.way("20.0.0.1") == ["10.2.0.2"])
        lab.fail("10.1.0.2", false)
        #expect(lab.way("20.0.0.1") == ["10.0.0.2", "10.2.0.2"])
    }

    /// The first usable preference carries all; a better one that comes back takes over again.
    @Test func preferences() throws {
        let paths = ["10.0.0.2", "10.1.0.2", "10.2.0.2"].enumerated().map { number, hop in
            var path = lab.neighbor(hop)
            path.preference = number * 10
            return path
        }
        try lab.fib.setRoute(IPPrefix("20.0.0.0/8")!, paths)
        #expect(lab.way("20.0.0.1") == ["10.0.0.2"])
        lab.fail("10.0.0.2")
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        lab.fail("10.1.0.2")
        #expect(lab.way("20.0.0.1") == ["10.2.0.2"])
        lab.fail("10.0.0.2", false)
        #expect(lab.way("20.0.0.1") == ["10.0.0.2"])
        lab.fail("10.0.0.2")
        lab.fail("10.1.0.2", false)
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
    }

    // MARK: - What cannot be

    @Test func refusedPaths() throws {
        var many = lab.neighbor("10.0.0.2")
        many.labels = [UInt32](repeating: 16, count: 9)
        var wrong = lab.neighbor("10.0.0.2")
        wrong.labels = [1 << 20]
        var weightless = lab.neighbor("10.0.0.2")
        weightless.weight = 0
        var labelled = Path(.discard(.blackhole))
        labelled.labels = [16]
        var nested = lab.neighbor("10.0.0.2")
        nested.backup = [nested]
        nested.backup[0].backup = [lab.neighbor("10.0.0.3")]
        let refused: [[Path]] = [
            [], [many], [wrong], [weightless], [labelled], [nested],
            [Path](repeating: lab.neighbor("10.0.0.2"), count: 257),
            [lab.neighbor("10.0.0.2"), Path(.table(.init(rawValue: 9)))],
            [.recursive(IPAddress("10.0.0.2")!, in: .init(rawValue: 9))], [Path(.neighbor(IPAddress("10.0.0.2")!, 99))],
            [.recursive(IPAddress("224.0.0.1")!)],
        ]
        for (number, paths) in refused.enumerated() {
            #expect(throws: RouteError.self, "\(number)") {
                try lab.fib.setRoute(IPPrefix("20.0.0.0/8")!, paths)
            }
        }
        #expect(lab.use == idle)
        #expect(lab.lookup("20.0.0.1") == .noRoute)
    }

    /// A full table refuses, says how much is in use, and leaves what was there before.
    @Test func fullTables() throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"))
        let before = lab.use
        func refused(_ text: String, _ paths: Path..., sourceLocation: SourceLocation = #_sourceLocation) {
            do {
                try lab.fib.setRoute(IPPrefix("20.0.0.0/8")!, paths)
                Issue.record("accepted", sourceLocation: sourceLocation)
            } catch {
                #expect("\(error)".contains(text), sourceLocation: sourceLocation)
            }
            #expect(lab.use == before, sourceLocation: sourceLocation)
            #expect(lab.way("20.0.0.1") == ["10.0.0.2"], sourceLocation: sourceLocation)
        }
        let (store, lists) = (lab.fib.pathLists.loadBalances, lab.fib.pathLists)
        var labelled = lab.neighbor("10.0.0.2")
        labelled.labels = [16]
        lists.limit = lists.count
        refused("all \(lists.count) path-lists are in use", lab.neighbor("10.0.0.3"))
        lists.limit = .max
        store.limit = store.count
        refused("all 0 load-balances are in use", labelled)
        store.limit = .max
        store.bucketLimit = 1
        refused("needs 2 buckets, and of 1 1 are in use", lab.neighbor("10.0.0.2"), lab.neighbor("10.0.0.3"))
        store.bucketLimit = 1000
        lab.fib.paths.limit = 0
        refused("all 0 paths with labels", labelled)
        lab.fib.paths.limit = .max
        lab.fib.adjacencies.limit = lab.fib.adjacencies.count
        refused("adjacencies are in use", lab.neighbor("10.0.0.77"))
        refused("adjacencies are in use", lab.neighbor("10.0.0.2"), lab.neighbor("10.0.0.77"))
    }
}
