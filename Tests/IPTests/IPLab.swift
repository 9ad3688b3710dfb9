// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import IP
import Testing
import Wire

/// A router between two test ports:
///
///     host a 10.0.0.2 —— lan 10.0.0.1/24 [router] wan 10.1.0.1/24 —— host b 10.1.0.2 —— 20.0.0.0/8
///
/// Both hosts are static neighbours, so that no ARP gets in between unless a test wants it.
@ControlPlane
struct IPLab {
    static let a = (ip: IPv4Address(10, 0, 0, 2), mac: MACAddress(0x0200_0000_00a2))
    static let b = (ip: IPv4Address(10, 1, 0, 2), mac: MACAddress(0x0200_0000_00b2))
    static let lanIP = IPv4Address(10, 0, 0, 1)
    static let wanIP = IPv4Address(10, 1, 0, 1)
    static let far = IPv4Address(20, 1, 2, 3)

    let bench: PacketBench
    let lan: BenchPort
    let wan: BenchPort
    let ip: IPModule

    var engine: Engine { bench.engine }

    init(
        _ modules: [any Module.Type] = [], bufferCount: Int = 4096, wanMTU: Int = 1500, workerCount: Int = 1,
        start: Bool = true
    ) throws {
        bench = try PacketBench(
            [EthernetModule.self, IPModule.self] + modules, bufferCount: bufferCount, workerCount: workerCount)
        ip = bench.registry.module(IPModule.self)!
        lan = bench.addPort("lan", mac: MACAddress(0x0200_0000_0001))
        wan = bench.addPort("wan", mac: MACAddress(0x0200_0000_0002), mtu: wanMTU)
        try ip.interfaces.add(InterfaceAddress("10.0.0.1/24")!, to: lan.interface)
        try ip.interfaces.add(InterfaceAddress("10.1.0.1/24")!, to: wan.interface)
        try ip.neighbors.addStatic(IPLab.a.ip, at: IPLab.a.mac, on: lan.interface)
        try ip.neighbors.addStatic(IPLab.b.ip, at: IPLab.b.mac, on: wan.interface)
        try ip.addRoute(IPPrefix("20.0.0.0/8")!, via: .v4(IPLab.b.ip))
        // Own addresses are used at once, and nothing comes of itself in the midst of whatever a test does then.
        ip.neighbors.policy.announcements = 1
        ip.neighbors.policy.ip6Probes = 0
        if start { try bench.start() }
    }

    // MARK: - Packets

    /// A frame's first layer, from host a to the router.
    var fromA: PacketBuilder { PacketBuilder().ethernet(from: IPLab.a.mac, to: lan.mac) }
    /// From the router to host a.
    var toA: PacketBuilder { PacketBuilder().ethernet(from: lan.mac, to: IPLab.a.mac) }
    var fromB: PacketBuilder { PacketBuilder().ethernet(from: IPLab.b.mac, to: wan.mac) }
    var toB: PacketBuilder { PacketBuilder().ethernet(from: wan.mac, to: IPLab.b.mac) }

    /// An ICMP error as the router sends it to host a about the IPv4 packet in `frame`. The identification is copied
    /// from `seen`: it is the router's own affair.
    func errorToA(
        _ message: ICMPv4Message, about frame: [UInt8], like seen: [UInt8], to receiver: IPv4Address = IPLab.a.ip
    ) -> [UInt8] {
        let quote = Array(frame.dropFirst(14).prefix(548))
        let identification = seen.count > 20 ? UInt16(seen[18]) << 8 | UInt16(seen[19]) : 0
        return toA.ipv4(
            from: IPLab.lanIP, to: receiver, timeToLive: 255, trafficClass: 0xc0, identification: identification
        ).icmp(message).payload(quote).bytes
    }

    /// Sends a frame from host a that must cause exactly this ICMP error, and be dropped for that reason.
    func expectError(
        _ message: ICMPv4Message, about frame: [UInt8], drop reason: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let outcome = bench.outcome(of: [(lan, frame)])
        let expected = PacketBench.Outcome(
            frames: ["lan": [errorToA(message, about: frame, like: outcome.frames["lan"]?.first ?? [])]],
            drops: ["ip4-icmp-error/\(reason)": 1])
        expectEqual(outcome, expected, sourceLocation)
    }

    func expectEqual(
        _ seen: PacketBench.Outcome, _ expected: PacketBench.Outcome,
        _ sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for difference in PacketBench.differences(seen, expected) {
            Issue.record(Comment(rawValue: difference), sourceLocation: sourceLocation)
        }
        bench.checkBalance(sourceLocation)
    }
}
