// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import IP

/// Resets for connections through the router, which a feature refuses: from the address of the host that was asked.
@Suite @ControlPlane struct TCPResetTests {
    @Test func refusedTransitIPv4() throws {
        let lab = try IPLab(start: false)
        lab.bench.registry.add(NodeDescriptor(Refuser<IP4TCPReset>.self) { _ in Refuser<IP4TCPReset>() })
        lab.bench.registry.add(Feature(Refuser<IP4TCPReset>.name, on: "ip4-unicast"))
        try lab.bench.start()
        try lab.engine.setFeature(
            Refuser<IP4TCPReset>.name, on: "ip4-unicast", interface: lab.lan.interface, true)
        let packet = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, options: [0x94, 4, 0, 0])
        let segment = packet.tcp(from: 4000, to: 22, flags: .syn, sequenceNumber: .max).payload(count: 3)
        let reset = lab.toA.ipv4(from: IPLab.far, to: IPLab.a.ip, dontFragment: true)
            .tcp(from: 22, to: 4000, flags: [.rst, .ack], acknowledgement: 3, window: 0)
        lab.bench.send([segment.bytes], at: lab.lan, expect: [(lab.lan, [reset.bytes])])
        // What is no TCP has come to the wrong place; about the broadcast of a connected network there is none either.
        lab.bench.send(
            [packet.udp(from: 1, to: 2).bytes], at: lab.lan, drops: ["ip4-tcp-reset/truncated": 1])
        let many = lab.fromA.ipv4(from: IPLab.a.ip, to: IPv4Address(10, 1, 0, 255))
        lab.bench.send(
            [many.tcp(from: 1, to: 2, flags: .syn).bytes], at: lab.lan, drops: ["ip4-tcp-reset/to-many-hosts": 1])
        let later = lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, fragmentUnits: 4, protocol: .tcp)
        lab.bench.send([later.payload(count: 40).bytes], at: lab.lan, drops: ["ip4-tcp-reset/fragment": 1])
        let own = lab.fromA.ipv4(from: IPLab.wanIP, to: IPLab.far).tcp(from: 1, to: 2, flags: .syn)
        lab.bench.send([own.bytes], at: lab.lan, drops: ["ip4-tcp-reset/from-no-host": 1])
    }

    @Test func refusedTransitIPv6() throws {
        let lab = try IP6Lab(start: false)
        lab.bench.registry.add(NodeDescriptor(Refuser<IP6TCPReset>.self) { _ in Refuser<IP6TCPReset>() })
        lab.bench.registry.add(Feature(Refuser<IP6TCPReset>.name, on: "ip6-unicast"))
        try lab.bench.start()
        try lab.bench.engine.setFeature(
            Refuser<IP6TCPReset>.name, on: "ip6-unicast", interface: lab.lan.interface, true)
        let packet = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.far)
        let segment = packet.tcp(from: 4000, to: 22, flags: .ack, acknowledgement: 99).payload(count: 3)
        let reset = lab.toA.ipv6(from: IP6Lab.far, to: IP6Lab.a.ip)
            .tcp(from: 22, to: 4000, flags: .rst, sequenceNumber: 99, window: 0)
        lab.bench.send([segment.bytes], at: lab.lan, expect: [(lab.lan, [reset.bytes])])
        let first = packet.fragment6(moreFragments: true, identification: 7).tcp(from: 1, to: 2, flags: .syn)
        lab.bench.send([first.payload(count: 4).bytes], at: lab.lan, drops: ["ip6-tcp-reset/fragment": 1])
        let own = lab.fromA.ipv6(from: IP6Lab.wanIP, to: IP6Lab.far).tcp(from: 1, to: 2, flags: .syn)
        lab.bench.send([own.bytes], at: lab.lan, drops: ["ip6-tcp-reset/from-no-host": 1])
    }
}

/// Refuses all packets, as a firewall would with a reset.
private struct Refuser<Reset: ContextualNode>: Node {
    static var name: String { "refuse-by-\(Reset.name)" }

    enum Next: UInt16, NextNode {
        case reset

        var node: String { Reset.name }
    }

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<Next, NoReason> { .to(.reset) }
}
