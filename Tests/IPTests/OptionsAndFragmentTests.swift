// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Headers with options (RFC 791 section 3.1).
@Suite @ControlPlane struct OptionsTests {
    let lab: IPLab

    init() throws { lab = try IPLab() }

    private func packet(_ start: PacketBuilder, _ options: [UInt8], ttl: UInt8 = 64) -> [UInt8] {
        start.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: ttl, options: options).udp(from: 1, to: 2).payload(
            count: 9
        ).bytes
    }

    @Test(
        arguments: [
            [1, 1, 1, 1], [0, 0xff, 0xff, 0xff], [7, 7, 8, 1, 2, 3, 4], [68, 8, 5, 0, 0, 0, 0, 0], [148, 4, 0, 0],
            [1, 148, 4, 0, 0, 0], [7, 39, 40] + [UInt8](repeating: 4, count: 36) + [0], [201, 2],
        ] as [[UInt8]])
    func travelUntouched(options: [UInt8]) {
        lab.bench.send(
            [packet(lab.fromA, options)], at: lab.lan, expect: [(lab.wan, [packet(lab.toB, options, ttl: 63)])])
    }

    /// The address is that of the interface by which the packet's own flow leaves, of several paths or in another table.
    @Test func recordedRouteIsThatOfTheFlow() throws {
        let red = try lab.ip.fib.makeTable(named: "red")
        let prefix = IPPrefix("30.0.0.0/8")!
        let paths = [(IPLab.a.ip, lab.lan), (IPLab.b.ip, lab.wan)].map {
            Path.neighbor(.v4($0.0), on: $0.1.interface)
        }
        try lab.ip.fib.setRoute(prefix, paths, in: red)
        try lab.ip.fib.setRoute(prefix, [Path(.table(red.index))])
        var seen: Set<String> = []
        for port in 1...32 as ClosedRange<UInt16> {
            func packet(_ start: PacketBuilder, _ options: [UInt8], ttl: UInt8) -> [UInt8] {
                start.ipv4(from: IPLab.a.ip, to: IPv4Address(30, 0, 0, 9), timeToLive: ttl, options: options)
                    .udp(from: port, to: 2).bytes
            }
            let outcome = lab.bench.outcome(of: [(lab.lan, packet(lab.fromA, [7, 7, 4, 0, 0, 0, 0, 0], ttl: 64))])
            let left = try #require(outcome.frames.first)
            seen.insert(left.key)
            let (start, own) = left.key == "lan" ? (lab.toA, 0) : (lab.toB, 1) as (PacketBuilder, UInt8)
            #expect(left.value == [packet(start, [7, 7, 8, 10, own, 0, 1, 0], ttl: 63)])
        }
        #expect(seen == ["lan", "wan"])
        lab.bench.checkBalance()
    }

    /// While a neighbour is down packets leave by its backup's interface.
    @Test func recordedRouteFollowsTheBackup() throws {
        let adjacencies = lab.ip.fib.adjacencies
        let wan = try #require(
            adjacencies.existing(NeighborKey(interface: lab.wan.interface.index, address: .v4(IPLab.b.ip))))
        let lan = try #require(
            adjacencies.existing(NeighborKey(interface: lab.lan.interface.index, address: .v4(IPLab.a.ip))))
        adjacencies.setBackup(Forwarding(.rewrite, lan), of: wan)
        adjacencies.setFailure(.command, true, wan)
        lab.bench.send(
            [packet(lab.fromA, [7, 7, 4, 0, 0, 0, 0, 0])], at: lab.lan,
            expect: [(lab.lan, [packet(lab.toA, [7, 7, 8, 10, 0, 0, 1, 0], ttl: 63)])])
    }

    @Test(arguments: [131, 137] as [UInt8]) func sourceRoutesAreDropped(kind: UInt8) {
        let frame = packet(lab.fromA, [1, kind, 7, 4, 10, 0, 0, 9])
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-options/source-route": 1])
    }

    /// The pointer is at the byte that is wrong, counted from the header's first.
    @Test(
        arguments: [
            ([7, 0, 4, 0], 21), ([7, 1, 4, 0], 21), ([1, 7, 4, 0], 22), ([1, 1, 1, 7], 23), ([1, 1, 7, 3], 23),
            ([131, 1, 4, 0], 21), ([7, 7, 3, 0, 0, 0, 0, 0], 22), ([1, 7, 6, 4, 0, 0, 0, 0], 23), ([7, 2, 1, 0], 21),
            ([7, 7, 6, 0, 0, 0, 0, 0], 22), ([7, 3, 4, 1, 7, 3, 4, 0], 24),
        ] as [([UInt8], UInt8)])
    func malformedOnesAreReported(options: [UInt8], pointer: UInt8) {
        lab.expectError(
            .parameterProblem(pointer: pointer), about: packet(lab.fromA, options), drop: "parameter-problem")
    }

    /// Whoever filters packets filters those with options too.
    @Test func visitFeatures() throws {
        let lab = try IPLab(start: false)
        lab.bench.registry.add(NodeDescriptor(Wall.self) { _ in Wall() })
        lab.bench.registry.add(Feature(Wall.name, on: "ip4-unicast"))
        try lab.bench.start()
        try lab.engine.setFeature(Wall.name, on: "ip4-unicast", interface: lab.lan.interface, true)
        let broadcast = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast).ipv4(
            from: IPLab.a.ip, to: .broadcast
        )
        .udp(from: 68, to: 67).bytes
        lab.bench.send(
            [packet(lab.fromA, [1, 1, 1, 1]), packet(lab.fromA, []), broadcast], at: lab.lan, drops: ["wall/closed": 3])
        try lab.engine.setFeature(Wall.name, on: "ip4-unicast", interface: lab.lan.interface, false)
        lab.bench.send([packet(lab.fromA, [])], at: lab.lan, expect: [(lab.wan, [packet(lab.toB, [], ttl: 63)])])
    }
}

private struct Wall: Node {
    static let name = "wall"

    enum Reason: UInt16, DropReason {
        case closed

        var text: String { "nobody comes through" }
    }

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, Reason> { .drop(.closed) }
}

/// Packets that are longer than the next link takes (RFC 791 section 3.2, RFC 1191).
@Suite @ControlPlane struct FragmentTests {
    let lab: IPLab

    init() throws { lab = try IPLab(wanMTU: 576) }

    private func part(
        _ start: PacketBuilder, _ data: Range<Int>, ttl: UInt8 = 63, more: Bool, base: Int = 0, options: [UInt8] = []
    ) -> [UInt8] {
        let bytes = data.map { UInt8(truncatingIfNeeded: $0) }
        return start.ipv4(
            from: IPLab.a.ip, to: IPLab.far, timeToLive: ttl, identification: 7, moreFragments: more,
            fragmentUnits: UInt16((base + data.lowerBound) / 8), protocol: .ospf, options: options
        ).payload(bytes).bytes
    }

    @Test(arguments: [556, 557, 560, 1104, 1105, 1480])
    func cuts(count: Int) {
        let pieces = stride(from: 0, to: count, by: count <= 556 ? 556 : 552).map {
            $0..<min($0 + (count <= 556 ? 556 : 552), count)
        }
        lab.bench.send(
            [part(lab.fromA, 0..<count, ttl: 64, more: false)], at: lab.lan,
            expect: [(lab.wan, pieces.map { part(lab.toB, $0, more: $0.upperBound < count) })])
    }

    /// A fragment is cut like any packet; its pieces go on counting where it began, and more follow them if more follow it.
    @Test func cutsFragments() {
        lab.bench.send(
            [part(lab.fromA, 0..<800, ttl: 64, more: true, base: 1480)], at: lab.lan,
            expect: [
                (
                    lab.wan,
                    [
                        part(lab.toB, 0..<552, more: true, base: 1480),
                        part(lab.toB, 552..<800, more: true, base: 1480),
                    ]
                )
            ])
    }

    /// Later fragments carry only the options that are to be copied; the others' places are filled.
    @Test func copiesOptions() {
        let options: [UInt8] = [7, 3, 4, 148, 4, 0, 0, 1]
        let later: [UInt8] = [1, 1, 1, 148, 4, 0, 0, 1]
        lab.bench.send(
            [part(lab.fromA, 0..<600, ttl: 64, more: false, options: options)], at: lab.lan,
            expect: [
                (
                    lab.wan,
                    [
                        part(lab.toB, 0..<544, more: true, options: options),
                        part(lab.toB, 544..<600, more: false, options: later),
                    ]
                )
            ])
    }

    @Test func tellsNextHopMTU() {
        let frame = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, dontFragment: true).udp(from: 1, to: 2)
            .payload(count: 1000).bytes
        lab.expectError(.unreachable(.fragmentationNeeded, nextHopMTU: 576), about: frame, drop: "fragmentation-needed")
    }

    /// The TTL is judged before the length.
    @Test func expiresBeforeItIsCut() {
        let frame = part(lab.fromA, 0..<800, ttl: 1, more: false)
        lab.expectError(.timeExceeded, about: frame, drop: "ttl-expired")
    }

    /// The router's own answers are cut too.
    @Test func cutsEchoReplies() {
        let request = lab.fromB.ipv4(from: IPLab.b.ip, to: IPLab.wanIP).icmp(.echoRequest(identifier: 1, sequence: 2))
            .payload(count: 800).bytes
        let outcome = lab.bench.outcome(of: [(lab.wan, request)])
        #expect(outcome.drops == [:])
        #expect(outcome.frames["wan"]?.map(\.count) == [14 + 20 + 552, 14 + 20 + 256])
    }

    @Test func dropsFragmentBeyondTheEnd() {
        let frame = lab.fromA.ipv4(
            from: IPLab.a.ip, to: IPLab.far, moreFragments: true, fragmentUnits: 8191, protocol: .ospf
        ).payload(count: 800).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-fragment/too-long": 1])
    }

    /// Not enough buffers for all fragments: nothing is lost but the packet.
    @Test func survivesWithoutBuffers() throws {
        let lab = try IPLab(bufferCount: 256, wanMTU: 68)
        let frames = [[UInt8]](repeating: part(lab.fromA, 0..<1400, ttl: 64, more: false), count: 200)
        let outcome = lab.bench.outcome(of: frames.map { (lab.lan, $0) })
        #expect(outcome.drops["ip4-fragment/no-buffer"] ?? 0 > 0)
        lab.bench.checkBalance()
    }
}
