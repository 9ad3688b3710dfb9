// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// A host in the networks of two ports: the one with the longest prefix leads to it.
///
///     lan 10.5.0.1/16, 2001:db8:5::1/48    wan 10.5.1.1/24, 2001:db8:5:1::1/64
@Suite @ControlPlane struct NeighborOverlapTests {
    private nonisolated static let hosts = [IPAddress("10.5.1.5")!, IPAddress("2001:db8:5:1::5")!]
    private static let mac = MACAddress(0x0200_0000_00e5)
    private static let wide = [InterfaceAddress("10.5.0.1/16")!, InterfaceAddress("2001:db8:5::1/48")!]
    private static let narrow = [InterfaceAddress("10.5.1.1/24")!, InterfaceAddress("2001:db8:5:1::1/64")!]

    private let lab: IPLab

    init() throws {
        lab = try IPLab()
        for own in Self.wide { try lab.ip.interfaces.add(own, to: lab.lan.interface) }
    }

    private func connectNarrow() throws {
        for own in Self.narrow { try lab.ip.interfaces.add(own, to: lab.wan.interface) }
    }

    private func disconnectNarrow() {
        for own in Self.narrow { #expect(lab.ip.interfaces.remove(own, from: lab.wan.interface)) }
    }

    /// The host asks for the router's address on the port's link; what is answered is not the matter here.
    private func ask(_ host: IPAddress, on port: BenchPort) {
        let own = port === lab.lan ? Self.wide : Self.narrow
        switch host {
        case .v4(let address):
            let target = own[0].address.v4!
            let frame = PacketBuilder().ethernet(from: Self.mac, to: .broadcast)
                .arp(.request(for: target, from: Self.mac, address)).padded().bytes
            _ = lab.bench.outcome(of: [(port, frame)])
        case .v6(let address):
            let target = own[1].address.v6!
            let frame = PacketBuilder().ethernet(from: Self.mac, to: MACAddress(multicast: target.solicitedNode))
                .ipv6(from: address, to: target.solicitedNode, hopLimit: 255)
                .discovery(NeighborSolicitation(target: target, station: Self.mac)).bytes
            _ = lab.bench.outcome(of: [(port, frame)])
        }
    }

    /// How and by which port packets to the host leave.
    private func way(_ host: IPAddress) -> String {
        guard let result = lab.ip.fib.forwarding(to: host) else { return "none" }
        let index = lab.ip.fib.adjacencies.table[result.index].txInterface
        return "\(result.word) \(index == lab.lan.interface.index ? "lan" : "wan")"
    }

    private func isKnown(_ host: IPAddress, on port: BenchPort) -> Bool {
        lab.ip.neighbors[host, port.interface] != nil
    }

    @Test(arguments: hosts) func whoAsksOnTheWrongPortIsNotBelieved(host: IPAddress) throws {
        try connectNarrow()
        ask(host, on: lab.lan)
        #expect(way(host) == "glean wan" && !isKnown(host, on: lab.lan))
        #expect(lab.ip.neighbors.counters.senderOffSubnet == 1)
        ask(host, on: lab.wan)
        #expect(way(host) == "rewrite wan")
        ask(host, on: lab.lan)
        #expect(way(host) == "rewrite wan")
        // A host of the wide network alone is one as ever.
        let other = IPAddress(host.v4 == nil ? "2001:db8:5:2::5" : "10.5.2.5")!
        ask(other, on: lab.lan)
        #expect(way(other) == "rewrite lan")
    }

    /// An entry that somebody wants there is for routes that name the port.
    @Test(arguments: hosts) func staticEntryOnTheWrongPort(host: IPAddress) throws {
        try connectNarrow()
        try lab.ip.neighbors.addStatic(host, at: Self.mac, on: lab.lan.interface)
        #expect(way(host) == "glean wan")
        ask(host, on: lab.wan)
        #expect(way(host) == "rewrite wan")
        // Whichever goes, the other's route is its own.
        lab.ip.neighbors.remove(host, on: lab.lan.interface)
        #expect(way(host) == "rewrite wan")
        try lab.ip.neighbors.addStatic(host, at: Self.mac, on: lab.lan.interface)
        lab.ip.neighbors.remove(host, on: lab.wan.interface)
        #expect(way(host) == "glean wan")
        ask(host, on: lab.wan)
        #expect(way(host) == "rewrite wan")
        let path = Path.neighbor(host, on: lab.lan.interface)
        let prefix = IPPrefix(host.v4 == nil ? "2001:db8:77::/48" : "77.0.0.0/8")!
        try lab.ip.fib.setRoute(prefix, [path])
        #expect(way(prefix.address) == "rewrite lan")
    }

    /// The networks decide anew when they come and go.
    @Test(arguments: hosts) func followsTheNetworks(host: IPAddress) throws {
        ask(host, on: lab.lan)
        #expect(way(host) == "rewrite lan")
        try connectNarrow()
        #expect(way(host) == "glean wan")
        ask(host, on: lab.wan)
        #expect(way(host) == "rewrite wan" && isKnown(host, on: lab.lan))
        disconnectNarrow()
        #expect(way(host) == "rewrite lan" && !isKnown(host, on: lab.wan))
        lab.ip.neighbors.remove(host, on: lab.lan.interface)
        #expect(way(host) == "glean lan")
        lab.bench.settle()
    }
}
