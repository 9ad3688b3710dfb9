// SPDX-License-Identifier: Apache-2.0
import Graph
import IP
import Testing
import Wire

/// Packets from one port to the other (RFC 1812 section 5).
@Suite @ControlPlane struct ForwardingTests {
    let lab: IPLab

    init() throws { lab = try IPLab() }

    private func datagram(ttl: UInt8 = 64, to destination: IPv4Address = IPLab.far) -> PacketBuilder {
        lab.fromA.ipv4(from: IPLab.a.ip, to: destination, timeToLive: ttl).udp(from: 4000, to: 53).payload(count: 20)
    }

    private func forwarded(ttl: UInt8 = 63, to destination: IPv4Address = IPLab.far) -> PacketBuilder {
        lab.toB.ipv4(from: IPLab.a.ip, to: destination, timeToLive: ttl).udp(from: 4000, to: 53).payload(count: 20)
    }

    @Test func forwardsThroughNextHop() {
        lab.bench.send([datagram().bytes], at: lab.lan, expect: [(lab.wan, [forwarded().bytes])])
    }

    @Test func forwardsToConnectedHost() {
        let frame = datagram(to: IPLab.b.ip).bytes
        lab.bench.send([frame], at: lab.lan, expect: [(lab.wan, [forwarded(to: IPLab.b.ip).bytes])])
    }

    @Test func forwardsLastHop() {
        lab.bench.send([datagram(ttl: 2).bytes], at: lab.lan, expect: [(lab.wan, [forwarded(ttl: 1).bytes])])
    }

    @Test func keepsOrderAcrossFrames() {
        let numbers = Array(0..<700) as [UInt16]
        func packet(_ number: UInt16, _ start: PacketBuilder, _ ttl: UInt8) -> [UInt8] {
            start.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: ttl, identification: number)
                .udp(from: 1, to: 2).payload(count: 8).bytes
        }
        lab.bench.send(
            numbers.map { packet($0, lab.fromA, 64) }, at: lab.lan,
            expect: [(lab.wan, numbers.map { packet($0, lab.toB, 63) })])
    }

    /// Bytes behind the IP packet are the link's padding: they do not travel on.
    @Test func cutsPadding() {
        lab.bench.send([datagram().padded(to: 100).bytes], at: lab.lan, expect: [(lab.wan, [forwarded().bytes])])
    }

    /// Taking one from the TTL changes the checksum by 0x0100, with a carry where it wraps (RFC 1624).
    @Test(arguments: [0x0000, 0x00ff, 0x0100, 0xfeff, 0xff00, 0xfffe] as [UInt16])
    func checksumWraps(wanted: UInt16) {
        // The identification that brings the header's checksum to the wanted value.
        func header(_ identification: UInt16) -> [UInt8] {
            lab.fromA.ipv4(from: IPLab.a.ip, to: IPLab.far, identification: identification).udp(from: 1, to: 2).bytes
        }
        func checksum(_ frame: [UInt8]) -> UInt16 { UInt16(frame[24]) << 8 | UInt16(frame[25]) }
        let plain = checksum(header(0))
        let sum = UInt32(plain) + UInt32(~wanted)
        let frame = header(UInt16(truncatingIfNeeded: sum + sum >> 16))
        #expect(checksum(frame) == wanted || wanted == 0xffff)
        let outcome = lab.bench.outcome(of: [(lab.lan, frame)])
        guard let sent = outcome.frames["wan"]?.first else {
            Issue.record("not forwarded: \(outcome.drops)")
            return
        }
        let identification = UInt16(frame[18]) << 8 | UInt16(frame[19])
        let expected = lab.toB.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 63, identification: identification)
            .udp(from: 1, to: 2).bytes
        #expect(sent == expected)
    }

    @Test func hairpins() {
        let frame = datagram(to: IPLab.a.ip).bytes
        let back = lab.toA.ipv4(from: IPLab.a.ip, to: IPLab.a.ip, timeToLive: 63).udp(from: 4000, to: 53).payload(
            count: 20)
        lab.bench.send([frame], at: lab.lan, expect: [(lab.lan, [back.bytes])])
    }

    @Test func longestPrefixWins() throws {
        let host = IPv4Prefix("20.1.2.3/32")!
        try lab.ip.addRoute(.v4(host), via: .v4(IPLab.a.ip))
        let back = lab.toA.ipv4(from: IPLab.a.ip, to: IPLab.far, timeToLive: 63).udp(from: 4000, to: 53).payload(
            count: 20)
        lab.bench.send([datagram().bytes], at: lab.lan, expect: [(lab.lan, [back.bytes])])
        lab.ip.fib.removeRoute(.v4(host))
        lab.bench.send([datagram().bytes], at: lab.lan, expect: [(lab.wan, [forwarded().bytes])])
    }

    // MARK: - Not forwarded

    @Test func linkBroadcastIsNotForwarded() {
        for mac in [MACAddress.broadcast, MACAddress(0x0100_5e00_0001)] {
            let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: mac)
                .ipv4(from: IPLab.a.ip, to: IPLab.far).udp(from: 1, to: 2).bytes
            lab.bench.send([frame], at: lab.lan, drops: ["ip4-rewrite/link-broadcast": 1])
        }
    }

    /// Nor does it make the router ask for a host's address.
    @Test func linkBroadcastIsNotGleaned() {
        let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: .broadcast)
            .ipv4(from: IPLab.a.ip, to: IPv4Address(10, 1, 0, 77)).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-glean/link-broadcast": 1])
    }

    @Test func otherStationsFrameIsDropped() {
        let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: MACAddress(0x0200_0000_0099))
            .ipv4(from: IPLab.a.ip, to: IPLab.far).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ethernet-input/not-for-us": 1])
    }

    @Test func directedBroadcastIsNotForwarded() {
        for address in [IPv4Address(10, 1, 0, 255), IPv4Address(10, 1, 0, 0)] {
            lab.bench.send(
                [datagram(to: address).bytes], at: lab.lan, drops: ["ip4-no-forwarding/directed-broadcast": 1])
        }
    }

    @Test func portWithoutAddressTakesNoIPv4() throws {
        let lab = try IPLab(start: false)
        let extra = lab.bench.addPort("extra", mac: MACAddress(0x0200_0000_0003))
        try lab.bench.start()
        let frame = PacketBuilder().ethernet(from: IPLab.a.mac, to: extra.mac)
            .ipv4(from: IPLab.a.ip, to: IPLab.far).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: extra, drops: ["ethernet-input/ip4-disabled": 1])
    }

    @Test(arguments: [
        ("0.1.2.3", "20.1.2.3", "bad-source"), ("127.0.0.1", "20.1.2.3", "bad-source"),
        ("224.0.0.1", "20.1.2.3", "bad-source"), ("255.255.255.255", "20.1.2.3", "bad-source"),
        ("240.0.0.1", "20.1.2.3", "bad-source"), ("10.0.0.2", "240.0.0.1", "bad-destination"),
        ("10.0.0.2", "0.1.2.3", "bad-destination"), ("10.0.0.2", "127.0.0.1", "bad-destination"),
        ("10.0.0.2", "224.0.1.5", "multicast"),
    ])
    func martiansAreDropped(source: String, destination: String, reason: String) {
        let frame = lab.fromA.ipv4(from: IPv4Address(source)!, to: IPv4Address(destination)!).udp(from: 1, to: 2).bytes
        lab.bench.send([frame], at: lab.lan, drops: ["ip4-input/\(reason)": 1])
    }

    /// Each malformed packet is silent and does no harm to its neighbours in the vector.
    @Test func malformedHeadersAreSilent() {
        let good = datagram()
        let lab = lab
        let bad: [(PacketBuilder, String)] = [
            (good.cut(to: 33), "truncated"), (good.overwrite(at: 14, 0x55), "bad-version"),
            (good.overwrite(at: 14, 0x44), "bad-header-length"),
            (good.overwrite(at: 14, 0x4f).cut(to: 60), "bad-header-length"),
            (good.overwrite(at: 24, 0, 0), "bad-checksum"), (good.cut(to: 61), "bad-length"),
        ]
        var drops: [String: UInt64] = [:]
        for (_, reason) in bad { drops["ip4-input/\(reason)", default: 0] += 1 }
        lab.bench.send(
            bad.flatMap { [good.bytes, $0.0.bytes] }, at: lab.lan,
            expect: [(lab.wan, bad.map { _ in forwarded().bytes })], drops: drops)
    }

    @Test func blackholeIsSilent() throws {
        try lab.ip.fib.setRoute(IPPrefix("30.0.0.0/8")!, [Path(.discard(.blackhole))])
        lab.bench.send(
            [datagram(to: IPv4Address(30, 0, 0, 1)).bytes], at: lab.lan, drops: ["ip4-no-forwarding/blackhole": 1])
    }
}
