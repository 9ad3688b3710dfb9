// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

extension NeighborTable {
    func addStatic(_ address: IPv4Address, at mac: MACAddress, on interface: Interface) throws {
        try addStatic(.v4(address), at: mac, on: interface)
    }

    subscript(address: IPv4Address, interface: Interface) -> Neighbor? { self[.v4(address), interface] }
}

/// ARP: finding neighbours' addresses, telling the router's own (RFC 826, RFC 1122 section 2.3.2, RFC 5227).
@Suite @ControlPlane struct NeighborTests {
    /// A host on the wan network that is no static neighbour.
    static let c = (ip: IPv4Address(10, 1, 0, 33), mac: MACAddress(0x0200_0000_00c3))

    let lab: IPLab

    init() throws {
        lab = try IPLab()
        lab.ip.neighbors.policy.retransmitInterval = 30
    }

    func datagram(_ number: UInt16 = 0, to destination: IPv4Address = c.ip) -> [UInt8] {
        lab.fromA.ipv4(from: IPLab.a.ip, to: destination, identification: number).udp(from: 1, to: 2).payload(count: 20)
            .bytes
    }

    func forwarded(_ number: UInt16 = 0, to mac: MACAddress = c.mac, ip: IPv4Address = c.ip) -> [UInt8] {
        PacketBuilder().ethernet(from: lab.wan.mac, to: mac)
            .ipv4(from: IPLab.a.ip, to: ip, timeToLive: 63, identification: number).udp(from: 1, to: 2).payload(
                count: 20
            ).bytes
    }

    func request(for target: IPv4Address = c.ip, to mac: MACAddress = .broadcast) -> [UInt8] {
        PacketBuilder().ethernet(from: lab.wan.mac, to: mac)
            .arp(.request(for: target, from: lab.wan.mac, IPLab.wanIP)).padded().bytes
    }

    /// What host c says on the wan link.
    func arp(_ packet: ARPPacket, from source: MACAddress = c.mac, to destination: MACAddress? = nil) -> [UInt8] {
        PacketBuilder().ethernet(from: source, to: destination ?? lab.wan.mac).arp(packet).padded().bytes
    }

    func reply(from mac: MACAddress = c.mac, ip: IPv4Address = c.ip) -> [UInt8] {
        arp(ARPPacket(.reply, senderMAC: mac, senderIP: ip, targetMAC: lab.wan.mac, targetIP: IPLab.wanIP), from: mac)
    }

    func requestToUs(
        from mac: MACAddress = c.mac, ip: IPv4Address = c.ip, for target: IPv4Address = IPLab.wanIP
    ) -> [UInt8] {
        arp(.request(for: target, from: mac, ip), from: mac, to: .broadcast)
    }

    func answer(to mac: MACAddress = c.mac, ip: IPv4Address = c.ip) -> [UInt8] {
        PacketBuilder().ethernet(from: lab.wan.mac, to: mac)
            .arp(ARPPacket(.reply, senderMAC: lab.wan.mac, senderIP: IPLab.wanIP, targetMAC: mac, targetIP: ip))
            .padded().bytes
    }

    var state: NeighborState? { lab.ip.neighbors[NeighborTests.c.ip, lab.wan.interface]?.state }
    var hostRoute: [RIB<IPv4Prefix>.Entry] {
        lab.ip.fib.main.ip4.entries(for: IPv4Prefix(NeighborTests.c.ip, length: 32))
    }

    // MARK: - Resolution

    @Test func resolvesConnectedHost() {
        lab.bench.send([datagram(1), datagram(2)], at: lab.lan, expect: [(lab.wan, [request()])])
        #expect(state == .incomplete)
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, [forwarded(1), forwarded(2)])])
        #expect(state == .reachable)
        #expect(hostRoute.map(\.source) == [.neighbor])
        lab.bench.send([datagram(3)], at: lab.lan, expect: [(lab.wan, [forwarded(3)])])
    }

    @Test func resolvesNextHop() throws {
        try lab.ip.addRoute(IPPrefix("30.0.0.0/8")!, via: .v4(NeighborTests.c.ip))
        let far = IPv4Address(30, 1, 1, 1)
        lab.bench.send([datagram(1, to: far)], at: lab.lan, expect: [(lab.wan, [request()])])
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, [forwarded(1, ip: far)])])
        lab.bench.send([datagram(2, to: far)], at: lab.lan, expect: [(lab.wan, [forwarded(2, ip: far)])])
    }

    /// A burst causes few requests; what does not fit into the queue is dropped by name, the rest is sent in order.
    @Test func throttlesBurst() {
        let burst = (0..<257).map { datagram(UInt16($0)) }
        lab.bench.send(burst, at: lab.lan, expect: [(lab.wan, [request()])], drops: ["ip4-glean/throttled": 249])
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, (0..<8).map { forwarded(UInt16($0)) })])
    }

    @Test func throttlesBurstToNextHop() throws {
        try lab.ip.addRoute(IPPrefix("30.0.0.0/8")!, via: .v4(NeighborTests.c.ip))
        let burst = (0..<257).map { datagram(UInt16($0), to: IPv4Address(30, 0, 0, 1)) }
        lab.bench.send(burst, at: lab.lan, expect: [(lab.wan, [request()])], drops: ["ip4-arp/throttled": 249])
    }

    @Test func asksThreeTimesThenRefuses() {
        _ = lab.bench.outcome(of: [(lab.lan, datagram())])
        var asked = 1
        var told: [[UInt8]] = []
        let isRefused = lab.bench.step(until: {
            asked += lab.wan.takeSent().filter { $0 == request() }.count
            told += lab.lan.takeSent()
            return !told.isEmpty
        })
        #expect(isRefused)
        #expect(asked == 3)
        #expect(told == [lab.errorToA(.unreachable(.host), about: datagram(), like: told.first ?? [])])
        #expect(state == nil)
        #expect(hostRoute.isEmpty)
        lab.bench.checkBalance()
    }

    @Test func ownPacketsWaitToo() {
        let ping = PacketBuilder().ethernet(from: IPLab.a.mac, to: lab.lan.mac)
            .ipv4(from: NeighborTests.c.ip, to: IPLab.lanIP).icmp(.echoRequest(identifier: 1, sequence: 1)).payload(
                count: 8)
        let pong = PacketBuilder().ethernet(from: lab.wan.mac, to: NeighborTests.c.mac)
            .ipv4(from: IPLab.lanIP, to: NeighborTests.c.ip).icmp(.echoReply(identifier: 1, sequence: 1)).payload(
                count: 8)
        lab.bench.send([ping.bytes], at: lab.lan, expect: [(lab.wan, [request()])])
        lab.bench.send([reply()], at: lab.wan, expect: [(lab.wan, [pong.bytes])])
    }

    /// The sender of a request is the router's address in the neighbour's own network.
    @Test func asksWithTheMatchingAddress() throws {
        try lab.ip.interfaces.add(InterfaceAddress("10.5.0.1/16")!, to: lab.wan.interface)
        lab.bench.settle()
        _ = lab.wan.takeSent()
        let host = IPv4Address(10, 5, 0, 9)
        let asked = PacketBuilder().ethernet(from: lab.wan.mac, to: .broadcast)
            .arp(.request(for: host, from: lab.wan.mac, IPv4Address(10, 5, 0, 1))).padded().bytes
        lab.bench.send([datagram(to: host)], at: lab.lan, expect: [(lab.wan, [asked])])
    }

    // MARK: - Answers

    @Test func answersRequests() {
        lab.bench.send([requestToUs()], at: lab.wan, expect: [(lab.wan, [answer()])])
        // It speaks; whether it hears is yet to be seen.
        #expect(state == .stale)
        lab.bench.send([datagram(3)], at: lab.lan, expect: [(lab.wan, [forwarded(3)])])
    }

    @Test func answersProbesAndLearnsNothing() {
        let probe = arp(.probe(for: IPLab.wanIP, from: NeighborTests.c.mac), to: .broadcast)
        lab.bench.send([probe], at: lab.wan, expect: [(lab.wan, [answer(ip: .any)])])
        #expect(state == nil)
    }

    /// Requests for others, and for an address that is another port's.
    @Test(arguments: ["10.1.0.99", "10.0.0.1", "99.0.0.1"]) func doesNotAnswerForOthers(target: String) {
        let frame = requestToUs(for: IPv4Address(target)!)
        lab.bench.send([frame], at: lab.wan, drops: ["arp-input/not-for-us": 1])
    }

    @Test func ignoresSendersOffTheNetwork() {
        lab.bench.send([requestToUs(ip: IPv4Address(10, 9, 0, 1))], at: lab.wan)
        #expect(lab.ip.neighbors.counters.senderOffSubnet == 1)
        lab.bench.send([requestToUs(ip: IPv4Address(10, 1, 0, 255))], at: lab.wan)
        #expect(lab.ip.neighbors.counters.senderOffSubnet == 2)
        #expect(lab.ip.neighbors.count == 2)
    }

    @Test func ownAddressCannotBeClaimed() {
        let claim = requestToUs(ip: IPLab.wanIP)
        let announcement = PacketBuilder().ethernet(from: lab.wan.mac, to: .broadcast)
            .arp(.announcement(of: IPLab.wanIP, at: lab.wan.mac)).padded().bytes
        // It is defended, but not in a duel.
        lab.bench.send(
            [claim], at: lab.wan, expect: [(lab.wan, [announcement])], drops: ["arp-input/address-conflict": 1])
        lab.bench.send([claim], at: lab.wan, drops: ["arp-input/address-conflict": 1])
        #expect(lab.ip.neighbors.counters.conflicts == 2)
        #expect(lab.ip.fib.forwarding(to: .v4(IPLab.wanIP))?.kind == .local)
    }

    // MARK: - News nobody asked for

    @Test func gratuitousCreatesNone() {
        let news = arp(.announcement(of: NeighborTests.c.ip, at: NeighborTests.c.mac), to: .broadcast)
        let inReply = arp(
            ARPPacket(
                .reply, senderMAC: NeighborTests.c.mac, senderIP: NeighborTests.c.ip, targetMAC: .broadcast,
                targetIP: NeighborTests.c.ip),
            to: .broadcast)
        lab.bench.send([news, inReply, reply()], at: lab.wan)
        #expect(state == nil)
    }

    @Test func gratuitousUpdatesKnown() {
        lab.bench.send([requestToUs()], at: lab.wan, expect: [(lab.wan, [answer()])])
        let moved = MACAddress(0x0200_0000_00d4)
        lab.bench.send(
            [arp(.announcement(of: NeighborTests.c.ip, at: moved), from: moved, to: .broadcast)], at: lab.wan)
        lab.bench.send([datagram(3)], at: lab.lan, expect: [(lab.wan, [forwarded(3, to: moved)])])
    }

    @Test func staticEntriesAreNotMoved() {
        let thief = MACAddress(0x0200_0000_00d4)
        lab.bench.send(
            [requestToUs(from: thief, ip: IPLab.b.ip)], at: lab.wan,
            expect: [(lab.wan, [answer(to: thief, ip: IPLab.b.ip)])])
        #expect(lab.ip.neighbors[IPLab.b.ip, lab.wan.interface]?.mac == IPLab.b.mac)
    }

    @Test func malformedIsDroppedByName() {
        let good = requestToUs()
        func changed(_ offset: Int, _ byte: UInt8) -> [UInt8] {
            var bytes = good
            bytes[offset] = byte
            return bytes
        }
        let group = MACAddress(0x0300_0000_00c3)
        lab.bench.send(
            [
                Array(good.prefix(41)), changed(15, 6), changed(17, 6), changed(18, 8), changed(19, 16), changed(21, 3),
                requestToUs(from: group), requestToUs(ip: IPv4Address(224, 0, 0, 1)), changed(27, 0x55),
            ], at: lab.wan,
            drops: [
                "arp-input/truncated": 1, "arp-input/not-ip-over-ethernet": 4, "arp-input/bad-operation": 1,
                "arp-input/bad-sender": 2, "arp-input/sender-is-not-source": 1,
            ])
    }
}
