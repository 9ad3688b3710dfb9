// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Sources of routes, interfaces that go down, batches, and what is brought up to date first.
@Suite @ControlPlane struct RIBTests {
    let lab: RouteLab

    init() throws { lab = try RouteLab() }

    @Test func betterSourceWins() throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.4"), from: .dynamic)
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), from: .static)
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.3"), from: .api)
        #expect(lab.way("20.0.0.1") == ["10.0.0.2"])
        lab.remove("20.0.0.0/8")
        #expect(lab.way("20.0.0.1") == ["10.0.0.3"])
        lab.remove("20.0.0.0/8", from: .api)
        #expect(lab.way("20.0.0.1") == ["10.0.0.4"])
        #expect(!lab.remove("20.0.0.0/8", from: .api))
        lab.remove("20.0.0.0/8", from: .dynamic)
        #expect(lab.lookup("20.0.0.1") == .noRoute)
    }

    /// While a better source's next hop is down the next source is used, then the shorter prefix.
    @Test func unusableSourceGivesWay() throws {
        try lab.set("0.0.0.0/0", lab.neighbor("10.2.0.2"))
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), from: .static)
        try lab.set("20.0.0.0/8", lab.neighbor("10.1.0.2"), from: .dynamic)
        lab.fail("10.0.0.2")
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        lab.fail("10.1.0.2")
        #expect(lab.way("20.0.0.1") == ["10.2.0.2"])
        // Routes that come while their next hop is down wait for it.
        try lab.set("21.0.0.0/8", lab.neighbor("10.0.0.2"))
        #expect(lab.way("21.0.0.1") == ["10.2.0.2"])
        lab.fail("10.0.0.2", false)
        #expect(lab.way("20.0.0.1") == ["10.0.0.2"])
        #expect(lab.way("21.0.0.1") == ["10.0.0.2"])
        lab.fail("10.0.0.2")
        lab.remove("20.0.0.0/8", from: .static)
        lab.fail("10.1.0.2", false)
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
    }

    /// The connected network, routes through it and routes through those.
    @Test func interfaceGoesDown() throws {
        try lab.set("0.0.0.0/0", lab.neighbor("10.2.0.2"))
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"))
        try lab.set("21.0.0.0/8", lab.via("20.0.0.1"))
        try lab.set("22.0.0.0/8", lab.neighbor("10.0.0.2"), lab.neighbor("10.1.0.2"))
        #expect(lab.lookup("10.0.0.9").kind == .glean)
        for isAdmin in [true, false] {
            if isAdmin { lab.lan.isAdminUp = false } else { lab.lan.isLinkUp = false }
            for address in ["10.0.0.9", "20.0.0.1"] { #expect(lab.way(address) == ["10.2.0.2"]) }
            #expect(lab.way("21.0.0.1") == ["10.2.0.2"])
            #expect(lab.way("22.0.0.1") == ["10.1.0.2"])
            // A neighbour that is first heard of now is down as well.
            try lab.set("23.0.0.0/8", lab.neighbor("10.0.0.99"))
            #expect(lab.way("23.0.0.1") == ["10.2.0.2"])
            if isAdmin { lab.lan.isAdminUp = true } else { lab.lan.isLinkUp = true }
            #expect(lab.lookup("10.0.0.9").kind == .glean)
            for address in ["20.0.0.1", "21.0.0.1"] { #expect(lab.way(address) == ["10.0.0.2"]) }
            #expect(lab.ways("22.0.0.1") == ["10.0.0.2": 1, "10.1.0.2": 1])
            #expect(lab.way("23.0.0.1") == ["10.0.0.99"])
        }
    }

    /// A floating route: a worse source's, or a worse preference's.
    @Test func floatingRoute() throws {
        var backup = lab.neighbor("10.1.0.2")
        backup.preference = 100
        try lab.set("0.0.0.0/0", lab.neighbor("10.0.0.2"), backup)
        lab.lan.isLinkUp = false
        #expect(lab.way("8.8.8.8") == ["10.1.0.2"])
        lab.lan.isLinkUp = true
        #expect(lab.way("8.8.8.8") == ["10.0.0.2"])
    }

    /// A batch sees itself as done at its end, whatever the order in which its routes come.
    @Test func batches() throws {
        let (idle, routes) = (lab.use, lab.fib.main.ip4.count)
        try lab.fib.batch { () throws(RouteError) in
            for number in 0..<5000 {
                try lab.set("40.\(number >> 8).\(number & 255).0/24", lab.via("30.\(number % 100).0.1"))
            }
            for number in 0..<100 { try lab.set("30.\(number).0.0/16", lab.via("20.0.0.1")) }
            try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"))
        }
        while lab.fib.reprogramming.isBusy { engine() }
        for number in [0, 255, 256, 4999] {
            #expect(lab.way("40.\(number >> 8).\(number & 255).7") == ["10.0.0.2"])
        }
        lab.fib.batch {
            lab.remove("20.0.0.0/8")
            for number in 0..<5000 { lab.remove("40.\(number >> 8).\(number & 255).0/24") }
            for number in 0..<100 { lab.remove("30.\(number).0.0/16") }
        }
        #expect(lab.use == idle)
        while lab.fib.reprogramming.isBusy { engine() }
        #expect(lab.fib.main.ip4.count == routes)
    }

    /// Within a batch a route's old path-list may go, and its number be used again, before its dependents have looked.
    @Test func numbersAreUsedAgainWithinABatch() throws {
        try lab.set("30.0.0.0/8", lab.neighbor("10.0.0.2"))
        try lab.set("20.0.0.0/8", lab.via("30.0.0.1"))
        lab.fib.batch {
            lab.remove("30.0.0.0/8")
            try? lab.set("31.0.0.0/8", lab.via("20.0.0.1"))
            try? lab.set("30.0.0.0/9", lab.neighbor("10.1.0.2"))
        }
        #expect(lab.way("20.0.0.1") == ["10.1.0.2"])
        #expect(lab.way("31.0.0.1") == ["10.1.0.2"])
    }

    // MARK: - Counters

    @Test func countedRouteCountsForItself() throws {
        try lab.set("20.0.0.0/8", lab.neighbor("10.0.0.2"), isCounted: true)
        try lab.set("21.0.0.0/8", lab.neighbor("10.0.0.2"))
        let store = lab.fib.pathLists.loadBalances
        let index = lab.lookup("20.0.0.1").index
        store.counters.slot(0).add(index, bytes: 100)
        store.counters.slot(0).add(index, bytes: 50)
        #expect(store.counters.count(of: index).packets == 2)
        #expect(store.counters.count(of: index).bytes == 150)
        // Who gets the number next begins at nothing.
        lab.remove("20.0.0.0/8")
        try lab.set("22.0.0.0/8", lab.neighbor("10.0.0.2"), isCounted: true)
        #expect(lab.lookup("22.0.0.1").index == index)
        #expect(store.counters.count(of: index).packets == 0)
    }

    // MARK: - Priorities

    /// What is listed as critical is brought up to date first; the rest comes in slices.
    @Test func importantPrefixesFirst() throws {
        lab.fib.priorities.set(IPPrefix("50.0.0.0/8")!, .critical)
        lab.fib.priorities.set(IPPrefix("50.1.0.0/16")!, .high)
        #expect(lab.fib.priorities.priority(of: IPPrefix("50.0.0.0/24")!) == .critical)
        #expect(lab.fib.priorities.priority(of: IPPrefix("50.1.2.0/24")!) == .high)
        #expect(lab.fib.priorities.priority(of: IPPrefix("0.0.0.0/0")!) == .low)
        let list = try lab.fib.pathLists.acquire([lab.neighbor("10.0.0.2")])
        for number in 0..<25_000 {
            let address = IPv4Address(0x2800_0000 + UInt32(number) << 8)
            try lab.fib.setRoute(.v4(IPv4Prefix(address, length: 24)), list)
        }
        for prefix in ["50.0.0.0/24", "50.1.0.0/24"] { try lab.set(prefix, lab.neighbor("10.0.0.2")) }
        lab.fib.pathLists.release(list.index)
        lab.lan.isLinkUp = false
        while lab.fib.reprogramming.done[0] + lab.fib.reprogramming.done[1] < 2 { engine() }
        #expect(lab.fib.reprogramming.done[3] < 25_001)
        #expect(lab.fib.reprogramming.waiting > 0)
        #expect(lab.lookup("50.0.0.1") == .noRoute)
        #expect(lab.lookup("50.1.0.1") == .noRoute)
        while lab.fib.reprogramming.isBusy { engine() }
        #expect(lab.fib.reprogramming.waiting == 0)
        #expect(lab.lookup("40.97.167.1") == .noRoute)
        let (done, finished) = (lab.fib.reprogramming.done, lab.fib.reprogramming.finished)
        #expect(done == [1, 1, 0, 25_001])
        #expect(finished[0] <= finished[1] && finished[1] < finished[3])
        lab.lan.isLinkUp = true
        while lab.fib.reprogramming.isBusy { engine() }
        #expect(lab.way("40.97.167.1") == ["10.0.0.2"])
    }

    /// A route's own priority: of this prefix in this table, as long as the route lives.
    @Test func routesOwnPriority() throws {
        let red = try lab.fib.makeTable(named: "red")
        let prefix = IPPrefix("50.0.0.0/8")!
        let path = [lab.neighbor("10.0.0.2")]
        lab.fib.priorities.set(IPPrefix("50.0.0.0/16")!, .medium)
        try lab.fib.setRoute(prefix, path, priority: .critical)
        for other in ["50.0.0.0/16", "50.0.0.0/24", "50.1.0.0/24"] { try lab.fib.setRoute(IPPrefix(other)!, path) }
        try lab.fib.setRoute(prefix, path, in: red)
        #expect(lab.fib.main.priority(of: prefix) == .critical && red.priority(of: prefix) == nil)
        #expect(lab.fib.main.priority(of: IPPrefix("50.1.0.0/24")!) == nil)
        var done = lab.fib.reprogramming.done
        func reprogrammed() -> [Int] {
            lab.lan.isLinkUp = false
            defer {
                lab.lan.isLinkUp = true
                done = lab.fib.reprogramming.done
            }
            return zip(lab.fib.reprogramming.done, done).map { $0 - $1 }
        }
        // Beside these the connected network goes.
        #expect(reprogrammed() == [1, 0, 2, 3])
        // Another source's route has a priority of its own; the highest counts.
        try lab.fib.setRoute(prefix, path, from: .dynamic, priority: .high)
        #expect(lab.fib.main.priority(of: prefix) == .critical)
        try lab.fib.setRoute(prefix, path)
        #expect(lab.fib.main.priority(of: prefix) == .high)
        lab.fib.removeRoute(prefix, from: .dynamic)
        #expect(lab.fib.main.priority(of: prefix) == nil)
        #expect(reprogrammed() == [0, 0, 2, 4])
    }

    private func engine() { lab.engine.step() }
}
