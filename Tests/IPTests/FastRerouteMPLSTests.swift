// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Protection of label-switched paths (RFC 4090): one bypass for all of them, or a detour for each.
@Suite @ControlPlane struct FastRerouteMPLSTests {
    let lab: MPLSLab
    private var frr: FastReroute { lab.ip.fastReroute }
    private var adjacencies: AdjacencyStore { lab.ip.fib.adjacencies }

    init() throws {
        lab = try MPLSLab()
        lab.ip.fastReroute.policy = RestorationPolicy(waitToRestore: nil)
    }

    private func expect(
        _ stacks: [(in: UInt32, out: [(label: UInt32, ttl: UInt8)])], at port: BenchPort, _ link: PacketBuilder
    ) {
        let frames = stacks.map { stack in
            lab.datagram(lab.labelled(lab.lab.fromA, [(stack.in, 64)]))
        }
        lab.bench.send(
            frames, at: lab.lan, expect: [(port, stacks.map { lab.datagram(lab.labelled(link, $0.out)) })])
    }

    /// Facility: each label-switched path keeps the label that the merge point expects, below the bypass's.
    @Test(arguments: [10, 5000])
    func facilityBypassTakesOneStore(count: Int) throws {
        for number in 0..<count {
            try lab.label(UInt32(1000 + number), lab.path(lab.red, [UInt32(100_000 + number)]))
        }
        try frr.protect(.v4(MPLSLab.red.ip), on: lab.red.interface, by: lab.path(lab.blue, [700]))
        let probes = [0, count / 2, count - 1]
        let before = adjacencies.statusStores
        expect(
            probes.map { (UInt32(1000 + $0), [(UInt32(100_000 + $0), UInt8(63))]) }, at: lab.red, lab.toRed)
        lab.red.interface.isLinkUp = false
        lab.bench.settle()
        #expect(adjacencies.statusStores == before + 1)
        expect(
            probes.map { (UInt32(1000 + $0), [(700, 255), (UInt32(100_000 + $0), UInt8(63))]) }, at: lab.blue,
            lab.toBlue)
        let event = try #require(frr.switches.first)
        #expect(event.backup == "10.3.0.2 on blue, labels 700" && event.firstPacket != nil)
    }

    /// One-to-one: each path has a detour with a label of its own, and still one store moves them all.
    @Test(arguments: [10, 5000])
    func detoursTakeOneStore(count: Int) throws {
        for number in 0..<count {
            let detour = lab.path(lab.blue, [UInt32(200_000 + number)])
            try lab.label(
                UInt32(1000 + number), lab.path(lab.red, [UInt32(100_000 + number)], backup: detour))
        }
        let row = try #require(frr.report(only: .v4(MPLSLab.red.ip)).nextHops.first)
        #expect(row.paths == count && row.scope == "path" && row.backupState == .ready)
        let before = adjacencies.statusStores
        adjacencies.setFailure(.neighbor, true, lab.adjacency(lab.red))
        #expect(adjacencies.statusStores == before + 1)
        let probes = [0, count / 2, count - 1]
        expect(
            probes.map { (UInt32(1000 + $0), [(UInt32(200_000 + $0), UInt8(63))]) }, at: lab.blue, lab.toBlue)
        #expect(frr.switches.first?.backup == "\(count) backups of \(count) paths")
        #expect(frr.switches.first?.firstPacket != nil)
        adjacencies.setFailure(.neighbor, false, lab.adjacency(lab.red))
        #expect(frr.report(only: .v4(MPLSLab.red.ip)).nextHops.first?.state == .held)
        #expect(frr.revert() == 1)
        expect(
            probes.map { (UInt32(1000 + $0), [(UInt32(100_000 + $0), UInt8(63))]) }, at: lab.red, lab.toRed)
    }
}
