// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// The switch to a backup, whatever it is that fails (RFC 5286).
@Suite @ControlPlane struct FastRerouteTests {
    typealias Trigger = FastRerouteLab.Trigger

    @Test(arguments: Trigger.allCases)
    func switchesAndReturns(trigger: Trigger) throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.expectPrimary()
        lab.fail(trigger)
        lab.expectBackup()
        lab.mend(trigger)
        lab.expectPrimary()
        let event = try #require(lab.frr.switches.first)
        #expect(lab.frr.switches.count == 1)
        #expect(event.reason == trigger.reason && event.nextHop == .v4(IPLab.b.ip) && event.interface == "wan")
        #expect(event.backup == "10.2.0.2 on alt")
        #expect(event.detected <= event.switched)
        #expect(event.firstPacket.map { $0 > event.switched && $0 < event.restored ?? 0 } == true)
    }

    /// What an operator waits for: as many stores for a hundred thousand prefixes as for ten.
    @Test(arguments: [10, 100_000], [Trigger.carrier, .neighbor, .bfd])
    func storesDoNotDependOnPrefixes(prefixes: Int, trigger: Trigger) throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        let list = try lab.fib.pathLists.acquire([lab.pathToB])
        func address(_ number: Int) -> IPv4Address { IPv4Address(UInt32(30 << 24 | number << 4)) }
        try lab.fib.batch { () throws(RouteError) in
            for number in 0..<prefixes { try lab.fib.setRoute(.v4(IPv4Prefix(address(number), length: 28)), list) }
        }
        let stores = lab.fib.adjacencies.statusStores
        let done = lab.fib.reprogramming.done
        lab.fail(trigger)
        lab.bench.settle()
        #expect(lab.fib.adjacencies.statusStores - stores == (trigger == .bfd ? 0 : 1), "BFD's worker has stored")
        // A connected network that went away has a few routes; none is of the many.
        let reselected = zip(lab.fib.reprogramming.done, done).reduce(0) { $0 + $1.0 - $1.1 }
        #expect(reselected < 10 && lab.fib.reprogramming.waiting == 0)
        for number in [0, prefixes / 2, prefixes - 1] {
            #expect(lab.fib.forwarding(to: .v4(address(number))) == Forwarding(.rewrite, lab.b))
            lab.expectBackup(to: address(number))
        }
    }

    /// The worker's store is enough: the control side may hear of it whenever it has time.
    @Test func workerSwitchesAlone() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.table.setBFDDown(lab.b, true)
        lab.expectBackup()
        #expect(lab.frr.switches.isEmpty)
        let clock = Clock.now
        lab.fib.adjacencies.setBFDDown(true, lab.b, at: clock)
        #expect(lab.frr.switches.map(\.detected) == [clock])
    }

    /// A session that is lost again while the control side takes the failure back must not be forgotten.
    @Test func failureDuringRecoveryStays() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.fail(.bfd)
        lab.fib.adjacencies.setBFDDown(false, lab.b) { true }
        #expect(lab.table[lab.b].status.isBFDDown)
        lab.expectBackup()
    }

    @Test func withoutBackupHostIsUnreachable() throws {
        let lab = try FastRerouteLab()
        lab.fail(.neighbor)
        lab.bench.settle()
        #expect(lab.frr.switches.isEmpty)
        #expect(lab.frr.protection(of: .v4(IPLab.b.ip), on: lab.lab.wan.interface) == nil)
        lab.mend(.neighbor)
        lab.expectPrimary()
    }

    /// Packets that find out whether the neighbour is back go to the neighbour.
    @Test func pinnedPacketsStay() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.fail(.bfd)
        let packet = PacketBuilder().ipv4(from: IPLab.wanIP, to: IPLab.b.ip, timeToLive: 255).udp(from: 49152, to: 3784)
            .payload(count: 24)
        for (flags, port) in [([.locallyOriginated, .pinned], "wan"), ([.locallyOriginated], "alt")]
            as [(BufferFlags, String)]
        {
            let before = lab.bench.drops
            lab.bench.engine.inject(packet.bytes, at: IP4Rewrite.name, adjacency: lab.b, flags: flags)
            lab.bench.settle()
            #expect(lab.bench.outcome(since: before).frames[port]?.count == 1)
        }
    }

    // MARK: - The backup's own failure

    @Test func bothDownIsUnreachable() throws {
        let lab = try FastRerouteLab()
        try lab.protect()
        lab.table.setBFDDown(lab.b, true)
        lab.table.setBFDDown(lab.c, true)
        lab.expectUnreachable()
        lab.table.setBFDDown(lab.c, false)
        lab.expectBackup()
        // When the control side knows, no route is in force any more; the sender hears the same.
        lab.fib.adjacencies.setBFDDown(true, lab.b)
        lab.fib.adjacencies.setBFDDown(true, lab.c)
        #expect(lab.fib.forwarding(to: .v4(IPLab.far)) == nil)
        lab.expectUnreachable()
    }

    /// Two neighbours are each other's backups, by adjacency or by path: no packet goes round.
    @Test(arguments: [[], [100]] as [[UInt32]])
    func mutualBackupsMakeNoLoop(labels: [UInt32]) throws {
        let lab = try FastRerouteLab()
        var (toB, toC) = (lab.pathToB, lab.pathToC)
        toB.labels = labels
        toC.labels = labels
        try lab.frr.protect(.v4(IPLab.b.ip), on: lab.lab.wan.interface, by: toC)
        try lab.frr.protect(.v4(FastRerouteLab.c.ip), on: lab.alt.interface, by: toB)
        #expect(lab.table[lab.b].backup.kind == (labels.isEmpty ? .rewrite : .path))
        lab.table.setBFDDown(lab.b, true)
        lab.table.setBFDDown(lab.c, true)
        lab.expectUnreachable()
    }

    @Test func backupThatLeadsBackIsNone() throws {
        let lab = try FastRerouteLab()
        try lab.fib.setRoute(IPPrefix("40.0.0.0/8")!, [lab.pathToB])
        try lab.frr.protect(
            .v4(IPLab.b.ip), on: lab.lab.wan.interface, by: .recursive(.v4(IPv4Address(40, 0, 0, 1))))
        #expect(lab.table[lab.b].backup == .noRoute)
        let row = try #require(lab.frr.report().nextHops.first)
        #expect(row.backupState == .none && row.note?.contains("unprotected") == true)
    }

    // MARK: - Kinds of backups

    /// A backup by an address follows the route to it.
    @Test func recursiveBackupFollowsItsRoute() throws {
        let lab = try FastRerouteLab()
        let remote = IPv4Address(40, 0, 0, 1)
        try lab.frr.protect(.v4(IPLab.b.ip), on: lab.lab.wan.interface, by: .recursive(.v4(remote)))
        #expect(lab.table[lab.b].backup == .noRoute)
        try lab.fib.setRoute(IPPrefix("40.0.0.0/8")!, [lab.pathToC])
        #expect(lab.table[lab.b].backup == Forwarding(.rewrite, lab.c))
        lab.fail(.neighbor)
        lab.expectBackup()
        lab.fib.removeRoute(IPPrefix("40.0.0.0/8")!)
        #expect(lab.table[lab.b].backup == .noRoute)
    }

    /// A link's backup is that of every next hop on it, but for those that have their own.
    @Test func linkIsProtected() throws {
        let lab = try FastRerouteLab()
        try lab.frr.protect(lab.lab.wan.interface, by: lab.pathToC)
        let later = try lab.fib.adjacencies.adjacency(to: .v4(IPv4Address(10, 1, 0, 9)), on: lab.lab.wan.interface)
        for index in [lab.b, later] { #expect(lab.table[index].backup == Forwarding(.rewrite, lab.c)) }
        lab.fail(.carrier)
        lab.expectBackup()
        try lab.fib.setRoute(
            IPPrefix("50.0.0.0/8")!, [.neighbor(.v4(IPv4Address(10, 1, 0, 9)), on: lab.lab.wan.interface)])
        lab.expectBackup(to: IPv4Address(50, 0, 0, 1))
        #expect(lab.frr.switches.count == 2)
    }

    @Test func ownBackupGoesAndLinksIsBack() throws {
        let lab = try FastRerouteLab()
        let host = try lab.fib.adjacencies.adjacency(to: .v4(IPv4Address(10, 2, 0, 9)), on: lab.alt.interface)
        try lab.frr.protect(lab.lab.wan.interface, by: lab.pathToC)
        try lab.frr.protect(
            .v4(IPLab.b.ip), on: lab.lab.wan.interface,
            by: .neighbor(.v4(IPv4Address(10, 2, 0, 9)), on: lab.alt.interface))
        #expect(lab.table[lab.b].backup == Forwarding(.rewrite, host))
        #expect(lab.frr.unprotect(.v4(IPLab.b.ip), on: lab.lab.wan.interface))
        #expect(lab.table[lab.b].backup == Forwarding(.rewrite, lab.c))
        #expect(!lab.frr.unprotect(.v4(IPLab.b.ip), on: lab.lab.wan.interface))
    }

    /// A route's own backup takes over for that route alone.
    @Test func pathHasBackupOfItsOwn() throws {
        let lab = try FastRerouteLab()
        var path = lab.pathToB
        path.backup = [lab.pathToC]
        try lab.fib.setRoute(IPPrefix("30.0.0.0/8")!, [path])
        let protected = IPv4Address(30, 0, 0, 1)
        lab.expectPrimary(to: protected)
        lab.fail(.bfd)
        lab.expectBackup(to: protected)
        lab.expectUnreachable()
        let event = try #require(lab.frr.switches.first)
        #expect(event.firstPacket != nil && event.backup == "10.2.0.2 on alt")
        lab.fib.removeRoute(IPPrefix("30.0.0.0/8")!)
        #expect(lab.frr.protection(of: .v4(IPLab.b.ip), on: lab.lab.wan.interface) == nil)
    }

    /// The backup's address is known before it is needed.
    @Test func backupIsResolvedBeforehand() throws {
        let lab = try FastRerouteLab(isResolved: false)
        try lab.protect()
        #expect(lab.frr.report().nextHops.first?.backupState == .unresolved)
        var asked: [[UInt8]] = []
        #expect(
            lab.bench.step(until: {
                asked += lab.alt.takeSent()
                return !asked.isEmpty
            }))
        let request = PacketBuilder().ethernet(from: lab.alt.mac, to: .broadcast)
            .arp(.request(for: FastRerouteLab.c.ip, from: lab.alt.mac, FastRerouteLab.altIP)).padded().bytes
        #expect(asked.first == request)
        let reply = PacketBuilder().ethernet(from: FastRerouteLab.c.mac, to: lab.alt.mac).arp(
            ARPPacket(
                .reply, senderMAC: FastRerouteLab.c.mac, senderIP: FastRerouteLab.c.ip, targetMAC: lab.alt.mac,
                targetIP: FastRerouteLab.altIP)
        ).padded().bytes
        lab.bench.send([reply], at: lab.alt)
        #expect(lab.frr.report().nextHops.first?.backupState == .ready)
        lab.fail(.carrier)
        lab.expectBackup()
    }
}
