// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Reverse path checks by routes that the golden cases have not: all ways by which packets to the source can leave count.
@Suite @ControlPlane struct IP4ReversePathTests {
    let lab: IPLab
    private static let source = IPv4Address(30, 0, 0, 1)
    private static let prefix = IPPrefix("30.0.0.0/8")!

    init() throws {
        lab = try IPLab()
        try lab.ip.setReversePath(.strict, on: lab.lan.interface)
    }

    private var frame: [UInt8] {
        lab.fromA.ipv4(from: IP4ReversePathTests.source, to: IPLab.b.ip).udp(from: 1, to: 2).bytes
    }

    private func passes(_ sourceLocation: SourceLocation = #_sourceLocation) {
        let sent = PacketBuilder().ethernet(from: lab.wan.mac, to: IPLab.b.mac)
            .ipv4(from: IP4ReversePathTests.source, to: IPLab.b.ip, timeToLive: 63).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, expect: [(lab.wan, [sent])], sourceLocation: sourceLocation)
    }

    private func fails(_ reason: String, _ sourceLocation: SourceLocation = #_sourceLocation) {
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-urpf/\(reason)": 1], sourceLocation: sourceLocation)
    }

    private func set(_ paths: Path...) throws { try lab.ip.fib.setRoute(IP4ReversePathTests.prefix, paths) }

    private func path(_ port: BenchPort, _ labels: [UInt32] = []) -> Path {
        let host = port.name == "lan" ? IPLab.a.ip : IPLab.b.ip
        var path = Path.neighbor(.v4(host), on: port.interface)
        path.labels = labels
        return path
    }

    /// The neighbour's own backup protects its labelled paths too.
    @Test func labelsWithTheNeighborsBackup() throws {
        try set(path(lab.wan, [100]))
        fails("wrong-interface")
        let adjacencies = lab.ip.fib.adjacencies
        let wan = try #require(
            adjacencies.existing(NeighborKey(interface: lab.wan.interface.index, address: .v4(IPLab.b.ip))))
        let lan = try #require(
            adjacencies.existing(NeighborKey(interface: lab.lan.interface.index, address: .v4(IPLab.a.ip))))
        adjacencies.setBackup(Forwarding(.rewrite, lan), of: wan)
        passes()
    }

    @Test func labelsWithABackupOfTheirOwn() throws {
        var labelled = path(lab.wan, [100])
        labelled.backup = [path(lab.lan, [200])]
        try set(labelled)
        passes()
    }

    /// One of several paths leads into another table, where the route leads back to where the packet came from.
    @Test func severalPathsOneIntoAnotherTable() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        try set(path(lab.wan), Path(.table(red.index)))
        fails("wrong-interface")
        try lab.ip.fib.setRoute(IP4ReversePathTests.prefix, [path(lab.wan), path(lab.lan)], in: red)
        passes()
    }

    @Test func tablesThatLeadToEachOther() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        try set(Path(.table(red.index)))
        try lab.ip.fib.setRoute(IP4ReversePathTests.prefix, [Path(.table(.main))], in: red)
        fails("no-route")
        try set(path(lab.wan), Path(.table(red.index)))
        fails("wrong-interface")
    }

    /// On the way out the paths count and not their backups, which take nothing while all is well.
    @Test func output() throws {
        try lab.ip.setReversePath(nil, on: lab.lan.interface)
        try lab.ip.setReversePathOutput(.strict, on: lab.wan.interface)
        let red = try lab.ip.fib.makeTable(named: "red")
        try set(path(lab.lan), Path(.table(red.index)))
        passes()
        try lab.ip.fib.setRoute(IP4ReversePathTests.prefix, [path(lab.wan, [100])], in: red)
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-tx-urpf/same-interface": 1])
        var protected = path(lab.lan, [100])
        protected.backup = [path(lab.wan)]
        try set(protected)
        passes()
        try lab.ip.setReversePathOutput(.loose, on: lab.wan.interface)
        try set(path(lab.wan))
        passes()
        lab.ip.fib.removeRoute(IP4ReversePathTests.prefix)
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-tx-urpf/no-route": 1])
        try lab.ip.setReversePathOutput(nil, on: lab.wan.interface)
        passes()
    }
}
