// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// RFC 1812 section 5.2.7.1, RFC 4443 section 3.1: where there is a route and its next hop can't be used, the host is
/// unreachable; only where there is no route, the network is.
@Suite @ControlPlane struct NextHopDownTests {
    /// The sender hears the same before the control side knows of the failure and after, whatever it is.
    @Test(arguments: FastRerouteLab.Trigger.allCases)
    func hostUnreachable(trigger: FastRerouteLab.Trigger) throws {
        let lab = try FastRerouteLab()
        lab.expectPrimary()
        lab.fail(trigger)
        #expect(lab.fib.forwarding(to: .v4(IPLab.far)) == nil)
        lab.expectUnreachable()
        // What never had a route still has none.
        lab.lab.expectError(
            .unreachable(.net), about: lab.datagram(to: IPv4Address(99, 0, 0, 1)), drop: "no-route")
        lab.mend(trigger)
        #expect(lab.waitForReturn())
        lab.expectPrimary()
    }

    /// A shorter prefix that works comes first, and the routes that failed are forgotten with the last of them.
    @Test func shorterPrefixTakesOver() throws {
        let lab = try FastRerouteLab()
        lab.fail(.command)
        try lab.fib.setRoute(IPPrefix("0.0.0.0/0")!, [lab.pathToC])
        lab.expectBackup()
        lab.fib.removeRoute(IPPrefix("0.0.0.0/0")!)
        lab.expectUnreachable()
        lab.fib.removeRoute(IPPrefix("20.0.0.0/8")!)
        lab.lab.expectError(.unreachable(.net), about: lab.datagram(), drop: "no-route")
        #expect(!isUnusable(lab))
    }

    private func isUnusable(_ lab: FastRerouteLab) -> Bool {
        lab.fib.main.ip4.unusable[IPv4Prefix("20.0.0.0/8")!] != nil
    }

    /// Of a prefix's sources each may come and go while the others are down.
    @Test func sources() throws {
        let lab = try FastRerouteLab()
        let prefix = IPPrefix("20.0.0.0/8")!
        lab.fail(.command)
        #expect(isUnusable(lab))
        try lab.fib.setRoute(prefix, [lab.pathToC], from: .dynamic)
        #expect(!isUnusable(lab))
        lab.expectBackup()
        lab.fib.removeRoute(prefix, from: .dynamic)
        lab.expectUnreachable()
        // Replaced by one that works.
        try lab.fib.setRoute(prefix, [lab.pathToC])
        #expect(!isUnusable(lab))
        lab.expectBackup()
    }

    /// Several next hops, all of them down: the load-balance's answer, while it is still looked up, is the same.
    @Test func everyMemberDown() throws {
        let lab = try FastRerouteLab()
        let list = try lab.fib.pathLists.acquire([lab.pathToB, lab.pathToC])
        defer { lab.fib.pathLists.release(list.index) }
        let loadBalance = try #require(list.loadBalance)
        lab.fib.adjacencies.setFailure(.command, true, lab.b)
        lab.fib.adjacencies.setFailure(.command, true, lab.c)
        #expect(lab.fib.pathLists.loadBalances.results(of: loadBalance) == [.nextHopDown])
        try lab.ip.fib.main.ip4.table.set(IPv4Prefix("21.0.0.0/8")!, result: list.forwarding.rawValue)
        lab.lab.expectError(
            .unreachable(.host), about: lab.datagram(to: IPv4Address(21, 0, 0, 1)), drop: "next-hop-down")
    }

    /// Into a label-switched path whose first hop BFD has just lost.
    @Test func labelledPath() throws {
        let lab = try FastRerouteLab()
        var path = lab.pathToB
        path.labels = [100]
        try lab.fib.setRoute(IPPrefix("20.0.0.0/8")!, [path])
        lab.table.setBFDDown(lab.b, true)
        lab.expectUnreachable()
    }

    /// A leak to a table whose route failed.
    @Test func otherTable() throws {
        let lab = try FastRerouteLab()
        let red = try lab.fib.makeTable(named: "red")
        try lab.fib.setRoute(IPPrefix("40.0.0.0/8")!, [lab.pathToB], in: red)
        try lab.fib.setRoute(IPPrefix("40.0.0.0/8")!, [Path(.table(red.index))])
        lab.fail(.command)
        lab.lab.expectError(
            .unreachable(.host), about: lab.datagram(to: IPv4Address(40, 0, 0, 1)), drop: "next-hop-down")
    }

    @Test func addressUnreachable() throws {
        let lab = try IP6Lab()
        lab.wan.interface.isLinkUp = false
        lab.expectError(.unreachable(.address), about: lab.datagram(to: IP6Lab.far), drop: "next-hop-down")
        lab.expectError(
            .unreachable(.noRoute), about: lab.datagram(to: IPv6Address("2001:db8:32::1")!), drop: "no-route")
    }

    /// What came out of a label-switched path with a table of its own is answered by that table when its neighbour stays
    /// silent, as it would be at once.
    @Test func heldPacketKeepsItsTable() throws {
        let lab = try MPLSLab()
        let red = try lab.ip.fib.makeTable(named: "red")
        // The source is reached in that table only, by another way than the packet came.
        try lab.ip.fib.setRoute(IPPrefix("10.0.0.0/24")!, [lab.path(lab.blue, [])], in: red)
        let silent = Path.neighbor(.v4(IPv4Address(10, 2, 0, 9)), on: lab.red.interface)
        try lab.ip.fib.setRoute(MPLSLab.prefix, [silent], in: red)
        try lab.labels.set(MPLSLabel(rawValue: 500), .lookupIP(red.index), at: .any, mode: .pipe, from: "test")
        lab.ip.neighbors.policy.retransmitInterval = 20
        lab.ip.neighbors.policy.requests = 1
        let frame = lab.datagram(lab.labelled(lab.lab.fromA, [(500, 9)]))
        _ = lab.bench.outcome(of: [(lab.lan, frame)])
        var told: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                told += lab.blue.takeSent()
                return !told.isEmpty
            }))
        let quote = Array(frame.dropFirst(18))
        let identification = told.first.map { UInt16($0[18]) << 8 | UInt16($0[19]) } ?? 0
        let expected = lab.toBlue.ipv4(
            from: IPLab.lanIP, to: IPLab.a.ip, timeToLive: 255, trafficClass: 0xc0, identification: identification
        ).icmp(.unreachable(.host)).payload(quote).bytes
        #expect(told == [expected])
        #expect(lab.lan.takeSent().isEmpty)
    }
}
