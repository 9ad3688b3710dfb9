// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Real flows over several next hops, from host a to hosts behind the wan port, and what is counted of them.
@Suite @ControlPlane struct MultipathFlowTests {
    private let lab: IPLab
    private static let hops = (2...6).map { IPv4Address(10, 1, 0, UInt8($0)) }
    private static let hops6 = (2...6).map { IPv6Address("2001:db8:1::\($0)")! }
    private static let prefix = IPPrefix("40.0.0.0/8")!
    private static let prefix6 = IPPrefix("2001:db8:40::/48")!
    private static let own6 = IPv6Address("2001:db8::2")!

    init() throws {
        lab = try IPLab()
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8::1/64")!, to: lab.lan.interface)
        try lab.ip.interfaces.add(InterfaceAddress("2001:db8:1::1/64")!, to: lab.wan.interface)
        for (place, hops) in zip(Self.hops, Self.hops6).enumerated() {
            try lab.ip.neighbors.addStatic(.v4(hops.0), at: Self.mac(place), on: lab.wan.interface)
            try lab.ip.neighbors.addStatic(.v6(hops.1), at: Self.mac(place), on: lab.wan.interface)
        }
        lab.bench.settle()
        for port in lab.bench.ports { _ = port.takeSent() }
    }

    private static func mac(_ place: Int) -> MACAddress { MACAddress(0x0200_0000_0b00 + UInt64(place)) }

    private func path(_ place: Int) -> Path { .neighbor(.v4(Self.hops[place]), on: lab.wan.interface) }

    private func datagram(_ port: UInt16, to destination: IPv4Address = IPv4Address(40, 0, 0, 1)) -> [UInt8] {
        lab.fromA.ipv4(from: IPLab.a.ip, to: destination).udp(from: port, to: 53).payload(count: 20).bytes
    }

    /// The place of the next hop that each frame was sent to, in the order in which they came in.
    private func hops(of frames: [[UInt8]], sourceLocation: SourceLocation = #_sourceLocation) -> [Int] {
        var hops: [Int] = []
        for frame in frames {
            let sent = lab.bench.outcome(of: [(lab.lan, frame)]).frames["wan"] ?? []
            #expect(sent.count == 1, sourceLocation: sourceLocation)
            hops.append(sent.first.map { Int($0[5]) } ?? -1)
        }
        return hops
    }

    private func flows(_ count: UInt16 = 256) -> [Int] { hops(of: (0..<count).map { datagram(1000 + $0) }) }

    /// Two next hops through two routes of two next hops each: all four neighbours have their quarter.
    @Test func twoStagesUseAllLeaves() throws {
        let fib = lab.ip.fib!
        try fib.setRoute(IPPrefix("30.0.0.1/32")!, [path(0), path(1)], from: .dynamic)
        try fib.setRoute(IPPrefix("31.0.0.1/32")!, [path(2), path(3)], from: .dynamic)
        try fib.setRoute(
            Self.prefix, [.recursive(IPAddress("30.0.0.1")!), .recursive(IPAddress("31.0.0.1")!)], from: .dynamic)
        let all = flows()
        for place in 0..<4 { #expect((32...96).contains(all.count { $0 == place }), "\(place)") }
        #expect(!all.contains(4))
        // One leaf of the one fails, the other's share is its own.
        fib.adjacencies.setFailure(.neighbor, true, fib.adjacencies.existing(key(1))!)
        let left = flows()
        #expect(!left.contains(1))
        for (old, new) in zip(all, left) where old != 1 { #expect(new == old) }
    }

    /// A route of two leaks, to two tables with two next hops each: the second choice does not follow from the first.
    @Test func leaksAreDealtAnew() throws {
        let fib = lab.ip.fib!
        let tables = try ["red", "blue"].map { try fib.makeTable(named: $0) }
        for prefix in [Self.prefix, Self.prefix6] {
            let paths: [Path] =
                prefix == Self.prefix
                ? (0..<4).map(path) : (0..<4).map { .neighbor(.v6(Self.hops6[$0]), on: lab.wan.interface) }
            try fib.setRoute(prefix, tables.map { Path(.table($0.index)) }, from: .dynamic)
            try fib.setRoute(prefix, Array(paths[..<2]), from: .dynamic, in: tables[0])
            try fib.setRoute(prefix, Array(paths[2...]), from: .dynamic, in: tables[1])
        }
        let flows6 = hops(
            of: (0..<512).map { number in
                lab.fromA.ipv6(from: Self.own6, to: IPv6Address("2001:db8:40::1")!).udp(from: 1000 + number, to: 53)
                    .payload(count: 20).bytes
            })
        for flows in [flows(512), flows6] {
            // Eight standard deviations.
            for place in 0..<4 { #expect((50...206).contains(flows.count { $0 == place }), "\(place)") }
        }
    }

    private func key(_ place: Int) -> NeighborKey {
        NeighborKey(interface: lab.wan.interface.index, address: .v4(Self.hops[place]))
    }

    /// A routing protocol takes a next hop out of its route, and another: flows of the others stay.
    @Test func replacedPathsKeepFlows() throws {
        try lab.ip.fib.setRoute(Self.prefix, (0..<4).map(path), from: .dynamic)
        let before = flows()
        for place in 0..<4 { #expect(before.contains(place)) }
        try lab.ip.fib.setRoute(Self.prefix, [0, 2, 3].map(path), from: .dynamic)
        let without = flows()
        for (old, new) in zip(before, without) { #expect(old == 1 ? new != 1 : new == old) }
        try lab.ip.fib.setRoute(Self.prefix, [2, 3].map(path), from: .dynamic)
        for (old, new) in zip(without, flows()) { #expect(old == 0 ? new != 0 : new == old) }
        try lab.ip.fib.setRoute(Self.prefix, [4, 0, 2, 3].map(path), from: .dynamic)
        let more = flows()
        for (old, new) in zip(without, more) where ![0, 4].contains(new) { #expect(old == new || old == 0) }
        for place in [0, 2, 3, 4] { #expect(more.contains(place)) }
    }

    /// Only the first fragment has ports: none of them counts for any of them (RFC 6438 section 3).
    @Test(arguments: [false, true]) func fragmentsStayTogether(isIPv6: Bool) throws {
        try lab.ip.fib.setRoute(Self.prefix, (0..<4).map(path))
        try lab.ip.fib.setRoute(
            Self.prefix6, (0..<4).map { .neighbor(.v6(Self.hops6[$0]), on: lab.wan.interface) })
        var used: Set<Int> = []
        for number in 0..<32 as Range<UInt16> {
            let fragments = (0..<3 as Range<UInt16>).map { piece in
                isIPv6 ? fragment6(number, piece) : fragment(number, piece)
            }
            let taken = Set(hops(of: fragments))
            #expect(taken.count == 1, "datagram \(number): \(taken)")
            used.formUnion(taken)
        }
        #expect(used == [0, 1, 2, 3])
    }

    private func fragment(_ number: UInt16, _ piece: UInt16) -> [UInt8] {
        let start = lab.fromA.ipv4(
            from: IPLab.a.ip, to: IPv4Address(40, 0, 1, UInt8(number)), identification: number,
            moreFragments: piece < 2, fragmentUnits: piece * 10, protocol: .udp)
        // What looks like ports differs from fragment to fragment.
        return start.payload((0..<80).map { UInt8(truncatingIfNeeded: $0 &+ Int(piece) &* 7 &+ Int(number)) }).bytes
    }

    private func fragment6(_ number: UInt16, _ piece: UInt16) -> [UInt8] {
        let destination = IPv6Address(high: 0x2001_0db8_0040_0000, low: UInt64(number) + 1)
        return lab.fromA.ipv6(from: Self.own6, to: destination)
            .fragment6(units: piece * 10, moreFragments: piece < 2, identification: UInt32(number), next: .udp)
            .payload((0..<80).map { UInt8(truncatingIfNeeded: $0 &+ Int(piece) &* 7 &+ Int(number)) }).bytes
    }

    /// Each packet that a lookup node sends by a counted route is counted there, and nowhere else.
    @Test func countedRoutes() throws {
        let fib = lab.ip.fib!
        try fib.setRoute(Self.prefix, [path(0)], isCounted: true)
        try fib.setRoute(IPPrefix("41.0.0.0/8")!, [path(0)], isCounted: true)
        try fib.setRoute(
            Self.prefix6, [.neighbor(.v6(Self.hops6[0]), on: lab.wan.interface)], isCounted: true)
        let far6 = IPv6Address("2001:db8:40::1")!
        let frames6 = (0..<5 as Range<UInt16>).map {
            lab.fromA.ipv6(from: Self.own6, to: far6).udp(from: $0, to: 53).payload(count: 20).bytes
        }
        #expect(hops(of: (0..<3).map { datagram($0) } + frames6) == [Int](repeating: 0, count: 8))
        func count(_ address: IPAddress) throws -> [UInt64] {
            let result = try #require(fib.forwarding(to: address))
            #expect(result.kind == .loadBalance)
            let traffic = fib.pathLists.loadBalances.counters.count(of: result.index)
            return [traffic.packets, traffic.bytes]
        }
        #expect(try count(.v4(IPv4Address(40, 0, 0, 1))) == [3, 3 * 48])
        #expect(try count(.v6(far6)) == [5, 5 * 68])
        #expect(try count(.v4(IPv4Address(41, 0, 0, 1))) == [0, 0])
        // Whole frames through the vector path, too.
        _ = lab.bench.outcome(of: (0..<300).map { (lab.lan, datagram($0)) } + frames6.map { (lab.lan, $0) })
        #expect(try count(.v4(IPv4Address(40, 0, 0, 1)))[0] == 303)
        #expect(try count(.v6(far6))[0] == 10)
    }
}
