// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// The router's own addresses: what routes follow from them, that they are unique, that they go without a trace.
@Suite @ControlPlane struct NeighborAddressTests {
    let lab: IPLab
    private static let lanLink = IPv6Address("fe80::ff:fe00:1")!

    init() throws {
        lab = try IPLab()
        lab.ip.neighbors.policy.ip6Probes = 0
    }

    private func own(_ text: String) -> InterfaceAddress { InterfaceAddress(text)! }

    private func forwarding(_ address: String, in table: VRF? = nil, on port: BenchPort? = nil) -> Forwarding? {
        var address = IPAddress(address)!
        if case .v6(let six) = address, let port { address = .v6(six.scoped(to: port.interface.index)) }
        return lab.ip.fib.forwarding(to: address, in: table)
    }

    private func word(_ address: String, in table: VRF? = nil, on port: BenchPort? = nil) -> String {
        forwarding(address, in: table, on: port)?.word ?? "none"
    }

    private var lanFlags: InterfaceFlags { lab.lan.interface.flags }

    @Test func ip6AddressBringsItsRoutes() throws {
        #expect(!lanFlags.contains(.ip6))
        try lab.ip.interfaces.add(own("2001:db8:1::1/64"), to: lab.lan.interface)
        #expect(lanFlags.isSuperset(of: [.ip4, .ip6]))
        #expect(word("2001:db8:1::1") == "local")
        #expect(word("2001:db8:1::77") == "glean")
        // Every router of the network answers to its subnet-router anycast address.
        #expect(word("2001:db8:1::") == "local")
        #expect(word("2001:db8:2::") == "none")
        #expect(lab.ip.interfaces.linkLocal(of: lab.lan.interface.index) == NeighborAddressTests.lanLink)
    }

    /// What is about one link is found by its interface and not without it.
    @Test func linkLocalIsPerInterface() throws {
        for port in [lab.lan, lab.wan] {
            try lab.ip.interfaces.add(own("fe80::1/64"), to: port.interface)
            #expect(word("fe80::1", on: port) == "local")
            #expect(word("fe80::2", on: port) == "glean")
            for group in ["ff02::1", "ff02::2", "ff02::1:ff00:1"] { #expect(word(group, on: port) == "local") }
            #expect(forwarding("ff02::1", on: port) != .receive)
            #expect(forwarding("ff02::1:ff00:2", on: port) == .receive, "for who has claimed it, if anybody")
        }
        #expect(word("fe80::1") == "unreachable")
        #expect(forwarding("ff02::1") == .receive)
        try lab.ip.neighbors.addStatic(.v6(IPv6Address("fe80::2")!), at: IPLab.b.mac, on: lab.wan.interface)
        #expect(word("fe80::2", on: lab.wan) == "rewrite")
        #expect(word("fe80::2", on: lab.lan) == "glean")
    }

    @Test func hostRoutesAndLinksOfTwoRouters() throws {
        try lab.ip.interfaces.add(own("2001:db8:1::/127"), to: lab.lan.interface)
        #expect(word("2001:db8:1::1") == "glean")
        try lab.ip.interfaces.add(own("2001:db8:2::1/128"), to: lab.lan.interface)
        #expect(word("2001:db8:2::1") == "local")
        #expect(word("2001:db8:2::2") == "none")
    }

    @Test func removalLeavesNothing() throws {
        let routes = lab.ip.fib.main.ip6.count
        let adjacencies = lab.ip.fib.adjacencies.count
        for _ in 0..<2 {
            try lab.ip.interfaces.add(own("2001:db8:1::1/64"), to: lab.lan.interface)
            try lab.ip.interfaces.add(own("2001:db8:1::2/64"), to: lab.lan.interface)
            let neighbor = IPAddress("2001:db8:1::9")!
            try lab.ip.neighbors.addStatic(neighbor, at: IPLab.a.mac, on: lab.lan.interface)
            #expect(word("2001:db8:1::9") == "rewrite")
            // The network stays as long as another address is in it.
            #expect(lab.ip.interfaces.remove(own("2001:db8:1::1/64"), from: lab.lan.interface))
            #expect(word("2001:db8:1::1") == "glean")
            #expect(lab.ip.interfaces.remove(own("2001:db8:1::2/64"), from: lab.lan.interface))
            #expect(!lab.ip.interfaces.remove(own("2001:db8:1::2/64"), from: lab.lan.interface))
            #expect(word("2001:db8:1::1") == "none")
            #expect(!lanFlags.contains(.ip6))
            // A static neighbour waits for a network to come back.
            #expect(word("2001:db8:1::9") == "none")
            #expect(lab.ip.neighbors.remove(neighbor, on: lab.lan.interface))
            lab.bench.settle()
            #expect(lab.ip.fib.main.ip6.count == routes)
            #expect(lab.ip.fib.adjacencies.count == adjacencies)
        }
        #expect(lab.ip.interfaces.remove(own("10.0.0.1/24"), from: lab.lan.interface))
        #expect(!lanFlags.contains(.ip4))
        #expect(word("10.0.0.1") == "none")
        #expect(word("10.0.0.255") == "none")
    }

    /// An own address in the place of another network's broadcast address uncovers it when it goes.
    @Test func ownAddressHidesBroadcast() throws {
        #expect(word("10.0.0.255") == "broadcast")
        try lab.ip.interfaces.add(own("10.0.0.255/32"), to: lab.wan.interface)
        #expect(word("10.0.0.255") == "local")
        lab.ip.interfaces.remove(own("10.0.0.255/32"), from: lab.wan.interface)
        #expect(word("10.0.0.255") == "broadcast")
    }

    /// Unique in a table, not beyond: and a move takes the addresses along.
    @Test func tablesAreApart() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        let third = lab.bench.addPort("third", mac: MACAddress(0x0200_0000_0003))
        for taken in ["10.0.0.1/32", "10.0.0.9/24"] {
            #expect(throws: RouteError.self) { try lab.ip.interfaces.add(own(taken), to: third.interface) }
        }
        lab.ip.fib.bind(third.interface, to: red)
        try lab.ip.interfaces.add(own("10.0.0.1/24"), to: third.interface)
        try lab.ip.interfaces.add(own("2001:db8:1::1/64"), to: third.interface)
        #expect(word("2001:db8:1::1", in: red) == "local")
        #expect(word("2001:db8:1::1") == "none")
        #expect(try lab.ip.interfaces.resolve(IPAddress("10.0.0.7")!).name == "lan")
        #expect(try lab.ip.interfaces.resolve(IPAddress("10.0.0.7")!, in: red).name == "third")
        lab.ip.interfaces.remove(own("10.0.0.1/24"), from: third.interface)
        try lab.ip.interfaces.bind(third.interface, to: lab.ip.fib.main)
        #expect(word("2001:db8:1::1", in: red) == "none")
        #expect(word("2001:db8:1::1") == "local")
        #expect(word("ff02::1", on: third) == "local")
    }

    /// A move flushes what was learned; static entries lead on in the new table, by the routes to the new network.
    @Test func moveFlushesNeighbors() throws {
        let host = IPv4Address(10, 1, 0, 33)
        let mac = MACAddress(0x0200_0000_00c3)
        let ask = PacketBuilder().ethernet(from: mac, to: .broadcast)
            .arp(.request(for: IPLab.wanIP, from: mac, host)).padded().bytes
        _ = lab.bench.outcome(of: [(lab.wan, ask)])
        #expect(word("10.1.0.33") == "rewrite" && lab.ip.neighbors[host, lab.wan.interface]?.state == .stale)
        let red = try lab.ip.fib.makeTable(named: "red")
        try lab.ip.interfaces.bind(lab.wan.interface, to: red)
        #expect(lab.ip.neighbors[host, lab.wan.interface] == nil)
        #expect(word("10.1.0.33") == "none" && word("10.1.0.33", in: red) == "glean")
        #expect(word("10.1.0.2") == "none" && word("10.1.0.2", in: red) == "rewrite")
        lab.bench.settle()
        lab.bench.checkBalance()
    }

    /// Static entries wait for their network, and packets find them when it is back.
    @Test(arguments: [false, true]) func staticEntriesComeBack(isIPv6: Bool) throws {
        let network = own(isIPv6 ? "2001:db8:1::1/64" : "10.1.0.1/24")
        let host = isIPv6 ? "2001:db8:1::9" : "10.1.0.2"
        if isIPv6 {
            try lab.ip.interfaces.add(network, to: lab.wan.interface)
            try lab.ip.neighbors.addStatic(IPAddress(host)!, at: IPLab.b.mac, on: lab.wan.interface)
        }
        for _ in 0..<2 {
            #expect(word(host) == "rewrite")
            #expect(lab.ip.interfaces.remove(network, from: lab.wan.interface))
            #expect(word(host) == "none")
            try lab.ip.interfaces.add(network, to: lab.wan.interface)
        }
        lab.bench.settle()
        _ = lab.wan.takeSent()
        guard !isIPv6 else { return }
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.b.ip).udp(from: 1, to: 2).bytes
        let sent = lab.toB.ipv4(from: IPLab.a.ip, to: IPLab.b.ip, timeToLive: 63).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, expect: [(lab.wan, [sent])])
    }

    @Test func nextHopsOnALinkNeedTheInterface() throws {
        try lab.ip.interfaces.add(own("2001:db8:1::1/64"), to: lab.lan.interface)
        let hop = IPAddress("fe80::9")!
        #expect(throws: RouteError.self) { try lab.ip.interfaces.resolve(hop) }
        #expect(try lab.ip.interfaces.resolve(hop, on: lab.lan.interface).name == "lan")
        // No IPv6 there.
        #expect(throws: RouteError.self) { try lab.ip.interfaces.resolve(hop, on: lab.wan.interface) }
        try lab.ip.interfaces.enableIPv6(lab.wan.interface)
        #expect(try lab.ip.interfaces.resolve(hop, on: lab.wan.interface).name == "wan")
    }
}
