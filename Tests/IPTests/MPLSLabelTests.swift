// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// The label FIB: owners, places, sharing, ECMP, other features' nodes.
@Suite("MPLS: labels") @ControlPlane struct MPLSLabelTests {
    let mpls: MPLSLab

    init() throws { mpls = try MPLSLab { $0.engine.add(NodeDescriptor(LabelSink.self) { _ in LabelSink() }) } }

    private func label(_ value: UInt32) -> MPLSLabel { MPLSLabel(rawValue: value) }

    private func packet(_ stack: [(label: UInt32, ttl: UInt8)], source: UInt16 = 1) -> [UInt8] {
        mpls.datagram(mpls.labelled(mpls.lab.fromA, stack), source: source)
    }

    @Test func `a label belongs to one source, and the error names it`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200]))
        let error = #expect(throws: RouteError.self) {
            try mpls.labels.set(label(100), .lookupLabel, from: "ldp")
        }
        #expect(error?.problem == "label 100 belongs to test already")
        #expect(throws: RouteError.self) { try mpls.labels.remove(label(100), from: "ldp") }
        mpls.bench.send(
            [packet([(100, 64)])], at: mpls.lan,
            expect: [(mpls.red, [mpls.datagram(mpls.labelled(mpls.toRed, [(200, 63)]))])])
    }

    @Test func `a collision above the bottom leaves the bottom as it was`() throws {
        try mpls.labels.set(label(100), .lookupLabel, at: .above, from: "ldp")
        #expect(throws: RouteError.self) { try mpls.label(100, mpls.path(mpls.red, [200])) }
        #expect(mpls.labels.entry(label(100), isBottom: true) == nil)
        mpls.bench.send([packet([(100, 64)])], at: mpls.lan, drops: ["mpls-lookup/label-unknown": 1])
    }

    @Test func `reserved labels cannot be had`() {
        for value: UInt32 in 0..<16 {
            #expect(throws: RouteError.self) { try mpls.labels.set(label(value), .lookupLabel, from: "test") }
        }
    }

    @Test func `a label that is removed means nothing any more`() throws {
        let lists = mpls.ip.fib.pathLists.count
        let paths = mpls.ip.fib.paths.count
        try mpls.label(100, mpls.path(mpls.red, [200]))
        try mpls.label(100, mpls.path(mpls.red, [201]))
        #expect(try mpls.labels.remove(label(100), from: "test"))
        #expect(try !mpls.labels.remove(label(100), from: "test"))
        mpls.bench.send([packet([(100, 64)])], at: mpls.lan, drops: ["mpls-lookup/label-unknown": 1])
        #expect(mpls.labels.count == 0)
        #expect(mpls.ip.fib.pathLists.count == lists)
        #expect(mpls.ip.fib.paths.count == paths)
    }

    @Test func `packets are counted by label`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200]))
        try mpls.label(101, mpls.path(mpls.red, [200]))
        mpls.bench.send(
            [packet([(100, 64)]), packet([(100, 64)])], at: mpls.lan,
            expect: [
                (mpls.red, [[UInt8]](repeating: mpls.datagram(mpls.labelled(mpls.toRed, [(200, 63)])), count: 2))
            ])
        func count(_ value: UInt32) throws -> UInt64 {
            let list = try #require(mpls.labels.entry(label(value), isBottom: true)?.list)
            let loadBalance = try #require(mpls.ip.fib.pathLists[list]?.loadBalance)
            return mpls.ip.fib.pathLists.loadBalances.counters.count(of: loadBalance).packets
        }
        #expect(try count(100) == 2)
        #expect(try count(101) == 0)
    }

    @Test func `flows are dealt over paths, and a flow keeps its path`() throws {
        try mpls.label(100, mpls.path(mpls.red, [200]), mpls.path(mpls.blue, [300]))
        func ports(_ stack: [(label: UInt32, ttl: UInt8)], _ sources: [UInt16]) -> [String: Int] {
            let frames = sources.map { (port: mpls.lan, frame: packet(stack, source: $0)) }
            return mpls.bench.outcome(of: frames).frames.mapValues(\.count)
        }
        let flows = ports([(100, 64)], Array(1...200))
        #expect((40...160).contains(flows["red"] ?? 0))
        #expect((flows["red"] ?? 0) + (flows["blue"] ?? 0) == 200)
        #expect(ports([(100, 64)], Array(repeating: 7, count: 50)).values.sorted() == [50])
        // An entropy label decides alone (RFC 6790 section 4.3).
        #expect(ports([(100, 64), (7, 0), (4711, 0)], Array(1...50)).values.sorted() == [50])
    }

    @Test func `a label of another table's`() throws {
        let table = try mpls.ip.fib.makeTable(named: "red")
        try mpls.ip.fib.setRoute(MPLSLab.prefix, [mpls.path(mpls.red, [])], in: table)
        try mpls.route(mpls.path(mpls.blue, []))
        try mpls.labels.set(label(100), .lookupIP(table.index), from: "test")
        try mpls.labels.set(label(101), .lookupIP(.main), from: "test")
        mpls.bench.send(
            [packet([(100, 64)]), packet([(101, 64)])], at: mpls.lan,
            expect: [
                (mpls.red, [mpls.datagram(mpls.toRed, ttl: 63)]), (mpls.blue, [mpls.datagram(mpls.toBlue, ttl: 63)]),
            ])
        #expect(throws: RouteError.self) {
            try mpls.labels.set(label(102), .lookupIP(TableIndex(rawValue: 77)), from: "test")
        }
    }

    /// The error goes where the packet's table says, which is not that of the port.
    @Test func `an ICMP error about a packet out of a path stays in its table`() throws {
        let table = try mpls.ip.fib.makeTable(named: "red")
        try mpls.ip.fib.setRoute(IPPrefix("10.0.0.0/24")!, [mpls.path(mpls.red, [])], in: table)
        try mpls.labels.set(label(100), .lookupIP(table.index), from: "test")
        let outcome = mpls.bench.outcome(of: [(mpls.lan, packet([(100, 64)]))])
        #expect(outcome.drops == ["ip4-icmp-error/no-route": 1])
        #expect(outcome.frames.keys.sorted() == ["red"])
    }

    @Test func `a feature's node takes the packets of its label, at the label`() throws {
        try mpls.labels.set(label(100), .node(LabelSink.name), from: "pseudowire")
        try mpls.labels.set(label(101), .node(LabelSink.name), at: .bottom, from: "pseudowire")
        mpls.bench.send(
            [packet([(100, 64)]), packet([(101, 1)]), packet([(101, 64), (9, 1)])], at: mpls.lan,
            drops: ["label-sink/label-seen": 2, "mpls-lookup/label-unknown": 1])
        #expect(throws: RouteError.self) {
            try mpls.labels.set(label(102), .node("no-such-node"), from: "pseudowire")
        }
    }

    @Test func `a next hop found through a route changes with that route`() throws {
        var path = Path.recursive(.v4(IPv4Address(9, 9, 9, 9)))
        path.labels = [200]
        try mpls.ip.fib.setRoute(IPPrefix("9.9.9.9/32")!, [mpls.path(mpls.red, [700])])
        try mpls.label(100, path)
        func expect(_ port: BenchPort, _ link: PacketBuilder, _ stack: [(label: UInt32, ttl: UInt8)]) {
            mpls.bench.send(
                [packet([(100, 64)])], at: mpls.lan, expect: [(port, [mpls.datagram(mpls.labelled(link, stack))])])
        }
        expect(mpls.red, mpls.toRed, [(700, 255), (200, 63)])
        try mpls.ip.fib.setRoute(IPPrefix("9.9.9.9/32")!, [mpls.path(mpls.blue, [])])
        expect(mpls.blue, mpls.toBlue, [(200, 63)])
    }

    @Test func `an unresolved next hop is asked for, and its packet leaves with its label`() throws {
        let hop = IPv4Address(10, 2, 0, 9)
        let mac = MACAddress(0x0200_0000_00c9)
        var path = Path.neighbor(.v4(hop), on: mpls.red.interface)
        path.labels = [200]
        try mpls.label(100, path)
        try mpls.route(path)
        let outcome = mpls.bench.outcome(of: [
            (mpls.lan, packet([(100, 64)])), (mpls.lan, mpls.datagram(mpls.lab.fromA)),
        ])
        #expect(outcome.frames["red"]?.count == 1)
        let request = ARPPacket.request(for: hop, from: mpls.red.mac, IPv4Address(10, 2, 0, 1))
        let reply = PacketBuilder().ethernet(from: mac, to: mpls.red.mac).arp(request.reply(from: mac)).bytes
        let link = PacketBuilder().ethernet(from: mpls.red.mac, to: mac)
        mpls.bench.send(
            [reply], at: mpls.red,
            expect: [
                (
                    mpls.red,
                    [
                        mpls.datagram(mpls.labelled(link, [(200, 63)])),
                        mpls.datagram(mpls.labelled(link, [(200, 255)]), ttl: 63),
                    ]
                )
            ])
    }
}

/// Stands for a pseudowire's end.
private struct LabelSink: Node {
    static let name = "label-sink"

    enum Reason: UInt16, DropReason {
        case labelSeen, nothingSeen
        var text: String { "\(self)" }
    }

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, Reason> {
        let entry = MPLSView(packet.bytes)?.entry
        return .drop(entry.map { [100, 101].contains($0.label.rawValue) } == true ? .labelSeen : .nothingSeen)
    }
}
