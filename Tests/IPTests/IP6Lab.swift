// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import IP
import Testing
import Wire

/// A router between two test ports, each with a host that is a static neighbour:
///
///     host a 2001:db8::2, fe80::2 —— lan 2001:db8::1/64 [router] wan 2001:db8:1::1/64 —— host b 2001:db8:1::2, fe80::2
@ControlPlane
struct IP6Lab {
    static let a = (ip: IPv6Address("2001:db8::2")!, mac: MACAddress(0x0200_0000_00a2))
    static let b = (ip: IPv6Address("2001:db8:1::2")!, mac: MACAddress(0x0200_0000_00b2))
    static let linkLocal = IPv6Address("fe80::2")!
    static let lanIP = IPv6Address("2001:db8::1")!
    static let wanIP = IPv6Address("2001:db8:1::1")!
    static let far = IPv6Address("2001:db8:20::3")!

    let bench: PacketBench
    let lan: BenchPort
    let wan: BenchPort
    let ip: IPModule

    init(wanMTU: Int = 1500, start: Bool = true) throws {
        bench = try PacketBench([EthernetModule.self, IPModule.self])
        ip = bench.registry.module(IPModule.self)!
        lan = bench.addPort("lan", mac: MACAddress(0x0200_0000_0001))
        wan = bench.addPort("wan", mac: MACAddress(0x0200_0000_0002), mtu: wanMTU)
        ip.neighbors.policy.ip6Probes = 0
        ip.neighbors.policy.announcements = 1
        try ip.interfaces.add(InterfaceAddress("2001:db8::1/64")!, to: lan.interface)
        try ip.interfaces.add(InterfaceAddress("2001:db8:1::1/64")!, to: wan.interface)
        for (host, port) in [(IP6Lab.a, lan), (IP6Lab.b, wan)] {
            try ip.neighbors.addStatic(.v6(host.ip), at: host.mac, on: port.interface)
            try ip.neighbors.addStatic(.v6(IP6Lab.linkLocal), at: host.mac, on: port.interface)
        }
        try ip.addRoute(IPPrefix("2001:db8:20::/48")!, via: .v6(IP6Lab.b.ip))
        if start { try bench.start() }
    }

    // MARK: - Packets

    /// A frame's first layer, from host a to the router.
    var fromA: PacketBuilder { PacketBuilder().ethernet(from: IP6Lab.a.mac, to: lan.mac) }
    /// From the router to host a.
    var toA: PacketBuilder { PacketBuilder().ethernet(from: lan.mac, to: IP6Lab.a.mac) }
    var fromB: PacketBuilder { PacketBuilder().ethernet(from: IP6Lab.b.mac, to: wan.mac) }
    var toB: PacketBuilder { PacketBuilder().ethernet(from: wan.mac, to: IP6Lab.b.mac) }

    /// A datagram from host a.
    func datagram(to destination: IPv6Address, from port: UInt16 = 1000, count: Int = 20) -> [UInt8] {
        fromA.ipv6(from: IP6Lab.a.ip, to: destination).udp(from: port, to: 53).payload(count: count).bytes
    }

    /// The same as it leaves for host b.
    func forwarded(to destination: IPv6Address, from port: UInt16 = 1000, count: Int = 20) -> [UInt8] {
        toB.ipv6(from: IP6Lab.a.ip, to: destination, hopLimit: 63).udp(from: port, to: 53).payload(count: count).bytes
    }

    /// An ICMPv6 error as the router sends it to host a about the packet in `frame`.
    func errorToA(_ message: ICMPv6Message, about frame: [UInt8], from source: IPv6Address = IP6Lab.lanIP) -> [UInt8] {
        toA.ipv6(from: source, to: IP6Lab.a.ip, hopLimit: 255, trafficClass: 0xc0).icmp6(message)
            .payload(Array(frame.dropFirst(14).prefix(1232))).bytes
    }

    /// Sends a frame from host a that must cause exactly this error, and be dropped for that reason.
    func expectError(
        _ message: ICMPv6Message, about frame: [UInt8], drop reason: String, from source: IPv6Address = IP6Lab.lanIP,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        bench.send(
            [frame], at: lan, expect: [(lan, [errorToA(message, about: frame, from: source)])],
            drops: ["ip6-icmp-error/\(reason)": 1], sourceLocation: sourceLocation)
    }
}
