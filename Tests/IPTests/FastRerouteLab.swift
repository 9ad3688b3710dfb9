// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// `IPLab` with a second way out:
///
///     host a —— lan [router] wan 10.1.0.1/24 —— next hop b 10.1.0.2 —— 20.0.0.0/8
///                            alt 10.2.0.1/24 —— next hop c 10.2.0.2
@ControlPlane
struct FastRerouteLab {
    static let c = (ip: IPv4Address(10, 2, 0, 2), mac: MACAddress(0x0200_0000_00c2))
    static let altIP = IPv4Address(10, 2, 0, 1)

    let lab: IPLab
    let alt: BenchPort
    let b: AdjacencyIndex
    let c: AdjacencyIndex

    var ip: IPModule { lab.ip }
    var bench: PacketBench { lab.bench }
    var frr: FastReroute { ip.fastReroute }
    var fib: FIB { ip.fib }
    var table: AdjacencyTable { fib.adjacencies.table }

    /// - Parameter wait: Milliseconds to restore; nil: never.
    init(wait: Int? = 0, isResolved: Bool = true, workers: Int = 1) throws {
        lab = try IPLab(start: false)
        alt = lab.bench.addPort("alt", mac: MACAddress(0x0200_0000_0003))
        try lab.ip.interfaces.add(InterfaceAddress("10.2.0.1/24")!, to: alt.interface)
        if isResolved {
            try lab.ip.neighbors.addStatic(.v4(FastRerouteLab.c.ip), at: FastRerouteLab.c.mac, on: alt.interface)
        }
        b = try lab.ip.fib.adjacencies.adjacency(to: .v4(IPLab.b.ip), on: lab.wan.interface)
        c = try lab.ip.fib.adjacencies.adjacency(to: .v4(FastRerouteLab.c.ip), on: alt.interface)
        lab.ip.fib.adjacencies.retain(c)
        lab.ip.fastReroute.policy = RestorationPolicy(waitToRestore: wait, holdDown: 0)
        try lab.bench.start()
    }

    /// The way to c.
    var pathToC: Path { .neighbor(.v4(FastRerouteLab.c.ip), on: alt.interface) }
    var pathToB: Path { .neighbor(.v4(IPLab.b.ip), on: lab.wan.interface) }

    func protect() throws { try frr.protect(.v4(IPLab.b.ip), on: lab.wan.interface, by: pathToC) }

    /// Path-lists with what they come to, for failures' messages.
    var listing: String {
        fib.pathLists.all.map { list in
            let results = list.loadBalance.map { fib.pathLists.loadBalances.results(of: $0) } ?? [list.forwarding]
            return "\(list.paths.map(\.target)): \(list.state) \(list.members.map(\.leaf)) \(results)"
        }.joined(separator: "\n")
    }

    // MARK: - Packets

    func datagram(_ number: UInt16 = 0, to destination: IPv4Address = IPLab.far, port: UInt16 = 4000) -> [UInt8] {
        lab.fromA.ipv4(from: IPLab.a.ip, to: destination, identification: number).udp(from: port, to: 53)
            .payload(count: 20).bytes
    }

    private func forwarded(_ start: PacketBuilder, _ number: UInt16, _ destination: IPv4Address) -> [UInt8] {
        start.ipv4(from: IPLab.a.ip, to: destination, timeToLive: 63, identification: number).udp(from: 4000, to: 53)
            .payload(count: 20).bytes
    }

    /// A packet to `destination` must leave by b; by c.
    func expectPrimary(
        _ number: UInt16 = 0, to destination: IPv4Address = IPLab.far, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        bench.send(
            [datagram(number, to: destination)], at: lab.lan,
            expect: [(lab.wan, [forwarded(lab.toB, number, destination)])], sourceLocation: sourceLocation)
    }

    func expectBackup(
        _ number: UInt16 = 0, to destination: IPv4Address = IPLab.far, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let toC = PacketBuilder().ethernet(from: alt.mac, to: FastRerouteLab.c.mac)
        bench.send(
            [datagram(number, to: destination)], at: lab.lan, expect: [(alt, [forwarded(toC, number, destination)])],
            sourceLocation: sourceLocation)
    }

    func expectUnreachable(sourceLocation: SourceLocation = #_sourceLocation) {
        lab.expectError(
            .unreachable(.host), about: datagram(), drop: "next-hop-down", sourceLocation: sourceLocation)
    }

    // MARK: - Failures

    /// What makes traffic leave b.
    enum Trigger: CaseIterable {
        case carrier, adminDown, neighbor, bfd, command

        var reason: SwitchReason {
            switch self {
            case .carrier: .linkDown
            case .adminDown: .adminDown
            case .neighbor: .neighborUnreachable
            case .bfd: .bfdDown
            case .command: .command
            }
        }
    }

    func fail(_ trigger: Trigger) {
        switch trigger {
        case .carrier: lab.wan.interface.isLinkUp = false
        case .adminDown: lab.wan.interface.isAdminUp = false
        case .neighbor: fib.adjacencies.setFailure(.neighbor, true, b)
        case .bfd:
            // The worker's store, and its news.
            table.setBFDDown(b, true)
            fib.adjacencies.setBFDDown(true, b)
        case .command: frr.setOutOfUse(b, true)
        }
    }

    func mend(_ trigger: Trigger) {
        switch trigger {
        case .carrier: lab.wan.interface.isLinkUp = true
        case .adminDown: lab.wan.interface.isAdminUp = true
        case .neighbor: fib.adjacencies.setFailure(.neighbor, false, b)
        case .bfd: fib.adjacencies.setBFDDown(false, b)
        case .command: frr.setOutOfUse(b, false)
        }
        discardSent()
    }

    /// Announcements of interfaces that came up are not what the tests are about.
    func discardSent() {
        bench.settle()
        for port in bench.ports { _ = port.takeSent() }
    }

    /// Steps until traffic may use b again.
    func waitForReturn() -> Bool { bench.step(until: { !table[b].status.isDown }) }
}
