// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// IPv6 packets to the router that somebody here has claimed.
@Suite @ControlPlane struct IP6LocalTests {
    @ControlPlane
    private final class Inbox {
        var packets: [PuntedPacket] = []
    }

    private struct Receiver: Node {
        static let name = "receiver"

        enum Reason: UInt16, DropReason {
            case seen

            var text: String { "came here" }
        }

        mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, Reason> { .drop(.seen) }
    }

    private let group = MACAddress(multicast: IPv6Address("ff02::5")!)

    @Test func nodeGetsItsProtocolFromAGroup() throws {
        let lab = try IP6Lab(start: false)
        lab.bench.registry.add(NodeDescriptor(Receiver.self) { _ in Receiver() })
        try lab.ip.local.claim(.ospf, for: .node(Receiver.name))
        #expect(throws: LocalDelivery.Conflict.self) {
            try lab.ip.local.claim(.ospf, of: [.ipv6], for: .node(Receiver.name))
        }
        try lab.bench.start()
        let hello = PacketBuilder().ethernet(from: IP6Lab.a.mac, to: group)
            .ipv6(from: IP6Lab.linkLocal, to: IPv6Address("ff02::5")!, hopLimit: 1, nextHeader: .ospf)
            .payload(count: 36).bytes
        let unicast = lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.wanIP).destinationOptions([1, 0], next: .ospf)
            .payload(count: 36).bytes
        lab.bench.send([hello, unicast], at: lab.lan, drops: ["receiver/seen": 2])
    }

    /// A claim of one family leaves the other alone.
    @Test func processGetsItsPort() throws {
        let lab = try IP6Lab(start: false)
        let inbox = Inbox()
        let process = lab.bench.registry.add(process: "dhcp") { inbox.packets.append($0) }
        try lab.ip.local.claim(udpPort: 547, of: [.ipv6], for: .process(process))
        try lab.ip.local.claim(udpPort: 547, of: [.ipv4], for: .process(process))
        lab.ip.local.release(udpPort: 547, of: [.ipv4])
        try lab.bench.start()
        let servers = IPv6Address("ff02::1:2")!
        let solicit = PacketBuilder().ethernet(from: IP6Lab.a.mac, to: MACAddress(multicast: servers))
            .ipv6(from: IP6Lab.linkLocal, to: servers).udp(from: 546, to: 547).payload(count: 40).bytes
        lab.bench.send([solicit], at: lab.lan)
        #expect(inbox.packets.map(\.bytes) == [solicit])
        #expect(inbox.packets.first?.offset == 14)
        lab.ip.local.release(udpPort: 547)
        lab.bench.send([solicit], at: lab.lan, drops: ["ip6-local/not-joined": 1])
    }

    /// RFC 2711: with a router alert a packet to somebody else is looked at, if somebody here wants to.
    @Test func routerAlert() throws {
        let lab = try IP6Lab(start: false)
        lab.bench.registry.add(NodeDescriptor(Receiver.self) { _ in Receiver() })
        let rsvp = IPProtocol(rawValue: 46)
        try lab.ip.local.claim(rsvp, of: [.ipv6], for: .node(Receiver.name))
        try lab.bench.start()
        func path(_ options: [UInt8]) -> PacketBuilder {
            lab.fromA.ipv6(from: IP6Lab.a.ip, to: IP6Lab.far).hopByHop(options, next: rsvp).payload(count: 20)
        }
        lab.bench.send([path([5, 2, 0, 1]).bytes], at: lab.lan, drops: ["receiver/seen": 1])
        let passing = lab.toB.ipv6(from: IP6Lab.a.ip, to: IP6Lab.far, hopLimit: 63)
            .hopByHop([1, 0], next: rsvp).payload(count: 20).bytes
        lab.bench.send([path([1, 0]).bytes], at: lab.lan, expect: [(lab.wan, [passing])])
    }

    /// A group that was joined is answered; after it was left no longer.
    @Test func joinedGroup() throws {
        let lab = try IP6Lab()
        let group = IPv6Address("ff02::fb")!
        let ping = PacketBuilder().ethernet(from: IP6Lab.a.mac, to: MACAddress(multicast: group))
            .ipv6(from: IP6Lab.a.ip, to: group).icmp6(.echoRequest(identifier: 1, sequence: 1)).bytes
        let pong = lab.toA.ipv6(from: IP6Lab.lanIP, to: IP6Lab.a.ip).icmp6(.echoReply(identifier: 1, sequence: 1)).bytes
        lab.bench.send([ping], at: lab.lan, drops: ["ip6-local/not-joined": 1])
        try lab.ip.interfaces.join(group, on: lab.lan.interface)
        lab.bench.send([ping], at: lab.lan, expect: [(lab.lan, [pong])])
        lab.ip.interfaces.leave(group, on: lab.lan.interface)
        lab.bench.send([ping], at: lab.lan, drops: ["ip6-local/not-joined": 1])
    }

    /// RFC 1112: groups of the link in IPv4.
    @Test func claimedIPv4Group() throws {
        let lab = try IPLab(start: false)
        lab.bench.registry.add(NodeDescriptor(Receiver.self) { _ in Receiver() })
        try lab.ip.local.claim(.ospf, for: .node(Receiver.name))
        try lab.bench.start()
        let hello = PacketBuilder().ethernet(from: IPLab.a.mac, to: MACAddress(0x0100_5e00_0005))
            .ipv4(from: IPLab.a.ip, to: IPv4Address(224, 0, 0, 5), timeToLive: 1, protocol: .ospf).payload(count: 44)
        lab.bench.send([hello.bytes], at: lab.lan, drops: ["receiver/seen": 1])
    }
}
