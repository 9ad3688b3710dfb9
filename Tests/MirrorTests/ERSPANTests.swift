// SPDX-License-Identifier: Apache-2.0
import Control
import Glibc
import Graph
import GraphTestSupport
import IP
import Mirror
import Testing
import Wire

/// `type: erspan`: what a file may say, type III with its times, order over several workers, and what status asks. The other
/// types' bytes and all refusals are in the cases of erspan-input and erspan-output.
@Suite @ControlPlane struct ERSPANTests {
    private static let station = MACAddress(2, 0, 0, 0, 0, 1)
    private static let neighbor = MACAddress(2, 0, 0, 0, 1, 2)

    private func router(_ interfaces: String, _ more: String = "", workers: Int = 1) throws -> Router {
        let text = """
            workers: {count: \(workers)}
            buffers: {count: 2048}
            interfaces:
              wan0: {type: test, mac: "\(ERSPANTests.station)", addresses: [10.0.0.1/24, "2001:db8::1/64"]}
              tap0: {type: test, mac: "02:00:00:00:00:02"}
            \(interfaces)
            neighbors:
              ipv6-probes: 0
              static:
                - {interface: wan0, address: 10.0.0.2, mac: "\(ERSPANTests.neighbor)"}
            \(more)
            """
        let router = try Router(YAMLReader.read(text: text, name: "r.yaml"), modules: [TestPorts.self])
        try router.prepare()
        while router.engine.step() {}
        _ = router.registry.module(TestPorts.self)?["wan0"]?.takeSent()
        return router
    }

    /// Frames that come in by `relay`, and what the router makes of them.
    private func relay(_ frames: [PacketBuilder], _ router: Router) -> [[UInt8]] {
        let port = router.registry.module(TestPorts.self)?["wan0"]
        port?.receive(frames.map(\.bytes))
        while router.engine.step() {}
        return port?.takeSent() ?? []
    }

    private func wrapped(_ header: [UInt8], type: EtherType, sequence: UInt32 = 0) -> PacketBuilder {
        PacketBuilder().ethernet(from: ERSPANTests.neighbor, to: ERSPANTests.station)
            .ipv4(from: IPv4Address(10, 0, 0, 2), to: IPv4Address(10, 0, 0, 1))
            .gre(type: type, sequence: sequence).payload(header)
    }

    private func number(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        bytes[range].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static let source =
        "  relay: {type: erspan, version: 3, session-id: 5, source: 10.0.0.1, destination: 10.0.0.2, decapsulate-to: out}\n"

    @Test func `type III tells direction, hardware, quality and time`() throws {
        let router = try router(
            ERSPANTests.source
                + "  out: {type: erspan, version: 3, session-id: 513, hardware-id: 37, source: 10.0.0.1, destination: 10.0.0.2}"
        )
        let (short, long) = (PacketBuilder().payload(count: 40).bytes, PacketBuilder().payload(count: 1519).bytes)
        let ingress: [UInt8] = [0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0x80, 0]
        let egress: [UInt8] = [0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0x80, 8]
        let tagged: [UInt8] =
            [UInt8](repeating: 2, count: 12) + [0x81, 0, 0x60, 0x64] + [UInt8](repeating: 1, count: 60)
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        let before = (UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)) / 100_000
        let sent = relay(
            [
                wrapped(ingress + short, type: .erspan3), wrapped(egress + long, type: .erspan3, sequence: 1),
                wrapped(ingress + tagged, type: .erspan3, sequence: 2),
            ], router)
        clock_gettime(CLOCK_REALTIME, &clock)
        let after = (UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)) / 100_000
        try #require(sent.count == 3)
        // Behind Ethernet, IPv4 and GRE with a number.
        let first: [UInt64] = sent.map { number($0, 42..<46) }
        #expect(first == [0x2000_0a01, 0x2000_1601, 0x2064_6201].map { $0 })
        #expect(
            sent.map { number($0, 34..<42) } == [0x1000_22eb_0000_0000, 0x1000_22eb_0000_0001, 0x1000_22eb_0000_0002])
        for frame in sent {
            let time = number(frame, 46..<50)
            #expect((before & 0xffff_ffff...after & 0xffff_ffff).contains(time))
        }
        #expect(sent.map { number($0, 50..<54) } == [0x8250, 0x8258, 0x8250])
        #expect(Array(sent[0][54...]) == short)
        #expect(sent[1].count == 14 + 1500 && Array(sent[1][54...]) == Array(long.prefix(1460)))
        #expect(Array(sent[2][54...]) == tagged)
    }

    @Test func `nanoseconds have their seconds in a sub-header`() throws {
        let router = try router(
            ERSPANTests.source
                + "  out: {type: erspan, version: 3, timestamp: 1ns, hardware-id: 3, source: 10.0.0.1, destination: 10.0.0.2}"
        )
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        let before = UInt64(clock.tv_sec)
        let sent = relay(
            [wrapped([0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0x80, 8] + [UInt8](repeating: 9, count: 60), type: .erspan3)],
            router)
        try #require(sent.count == 1 && sent[0].count == 14 + 20 + 8 + 20 + 60)
        #expect(number(sent[0], 46..<50) < 1_000_000_000)
        #expect(number(sent[0], 50..<54) == 0x803d)
        let relay = try #require(router.engine.interface(named: "relay"))
        #expect(number(sent[0], 54..<58) == 5 << 26 | 3 << 16 | UInt64(relay.index))
        #expect((before...before + 60).contains(number(sent[0], 58..<62)))
    }

    @Test func `numbers rise on the wire whichever worker has the frames`() throws {
        let router = try router(
            """
              relay: {type: erspan, version: 1, source: "2001:db8::1", destination: "2001:db8::2", decapsulate-to: one}
              other: {type: erspan, version: 1, source: 10.0.0.1, destination: 10.0.0.3, decapsulate-to: two}
              one: {type: erspan, session-id: 1, source: 10.0.0.1, destination: 10.0.0.2}
              two: {type: erspan, session-id: 2, source: 10.0.0.1, destination: 10.0.0.2}
            """, workers: 2)
        let wan = try #require(router.engine.interface(named: "wan0"))
        try router.engine.setFeature("worker-handoff", on: "device-input", interface: wan, true)
        let frames = (0..<64).map { number in
            PacketBuilder().ethernet(from: ERSPANTests.neighbor, to: ERSPANTests.station)
                .ipv4(from: IPv4Address(10, 0, 0, 3), to: IPv4Address(10, 0, 0, 1))
                .gre(type: .erspan2).payload([UInt8](repeating: UInt8(number), count: 60))
        }
        let sent = relay(frames, router)
        #expect(sent.map { number($0, 38..<42) } == Array(0..<64))
        #expect(router.engine.buffersInUse == 0)
    }

    @Test func `lost and late numbers are counted, and late frames delivered`() async throws {
        let router = try router(
            """
              relay: {type: erspan, session-id: 5, source: 10.0.0.1, destination: 10.0.0.2, decapsulate-to: tap0}
            """)
        let numbers: [UInt32] = [7, 8, 12, 9, 13]
        let frame = [UInt8](repeating: 3, count: 60)
        _ = relay(
            numbers.map { wrapped([0x10, 0, 4, 5, 0, 0, 0, 0] + frame, type: .erspan2, sequence: $0) }, router)
        #expect(router.registry.module(TestPorts.self)?["tap0"]?.takeSent() == numbers.map { _ in frame })
        let answer = await CommandService(router.commands).execute(["show", "erspan"])
        let row = try #require(answer.text.split(separator: "\n").last).split(separator: " ")
        #expect(row.suffix(5) == ["5", "3", "1", "0", "5"], "\(answer.text)")
    }

    @Test func `what status asks of a destination`() async throws {
        let router = try router(
            "  out: {type: erspan, source: 10.0.0.1, destination: 10.0.0.9}",
            "monitor-sessions: {watch: {destination: out, sources: [tap0]}}")
        func status() async -> String {
            await CommandService(router.commands).execute(["show", "monitor-session", "watch", "status"]).text
        }
        let module = try #require(router.registry.module(ERSPANModule.self))
        let interface = try #require(router.engine.interface(named: "out"))
        let destination = try #require(module.destination(of: interface))
        let ip = try #require(router.registry.module(IPModule.self))
        let wan = try #require(router.engine.interface(named: "wan0"))
        let analyser = IPv4Address(10, 0, 0, 9)
        #expect(destination.nextHop == .v4(analyser) && !destination.isResolved && destination.problem == nil)
        #expect(interface.isLinkUp && interface.mtu == 1500 - 36 - 14)
        var text = await status()
        #expect(text.contains("Destination Nexthop 10.0.0.9 (not resolved)\n"), "\(text)")
        #expect(text.contains("Not operational (destination not active)"), "\(text)")
        try ip.neighbors.addStatic(.v4(analyser), at: MACAddress(2, 0, 0, 0, 1, 9), on: wan)
        #expect(destination.isResolved)
        text = await status()
        #expect(text.contains("Destination Nexthop 10.0.0.9\n") && text.contains(" Operational"), "\(text)")
        wan.isLinkUp = false
        #expect(destination.problem != nil && !destination.isResolved && !interface.isLinkUp)
        #expect(module.destination(of: wan) == nil)
    }

    @Test(arguments: [
        (
            "x: {type: erspan, version: 1, session-id: 7, source: 10.0.0.1, destination: 10.0.0.2}",
            "interfaces.x.session-id: ERSPAN of type I has no session-id; remove it, or give `version: 2`"
        ),
        (
            "x: {type: erspan, version: 2, hardware-id: 7, source: 10.0.0.1, destination: 10.0.0.2}",
            "interfaces.x.hardware-id: ERSPAN of type II has no hardware-id; remove it, or give `version: 3`"
        ),
        (
            "x: {type: erspan, source: 10.0.0.7, destination: 10.0.0.2}",
            "interfaces.x.source: 10.0.0.7 is no address of this router; give one that an interface has there"
        ),
        (
            "x: {type: erspan, source: 10.0.0.1, destination: 10.0.0.2, addresses: [10.1.0.1/24]}",
            "interfaces.x.addresses: x carries mirrored frames, and no packets of its own; remove `addresses`"
        ),
        (
            "x: {type: erspan, source: 10.0.0.1, destination: 10.0.0.2, decapsulate-to: x}",
            "interfaces.x.decapsulate-to: frames would go in at x and out there without end; name a port"
        ),
        (
            "x: {type: erspan, source: 10.0.0.1, destination: 10.0.0.2, decapsulate-to: wan1}",
            "interfaces.x.decapsulate-to: there is no interface 'wan1'; did you mean 'wan0'?"
        ),
        (
            "x: {type: erspan, source: 10.0.0.1, destination: 10.0.0.2}\n  y: {type: erspan, version: 3, source: 10.0.0.1, destination: 10.0.0.2}",
            "interfaces.y: x has the same ends and session; give one of them another session-id"
        ),
        (
            "x: {type: erspan, source: 10.0.0.1, destination: 10.0.0.2}\n  x.7: {type: vlan, parent: x, dot1q: 7}",
            "interfaces.x.7.parent: x carries mirrored frames, and has no sub-interfaces; name a port"
        ),
    ]) func `mistakes are said where they stand`(interfaces: String, expected: String) {
        do {
            _ = try router("  " + interfaces)
            Issue.record("nothing is wrong with \(interfaces)")
        } catch let errors as ConfigurationErrors {
            let found = errors.all.map(\.description)
            #expect(found.count == 1 && found[0].hasSuffix(expected), "\(found)")
        } catch {
            Issue.record("\(error)")
        }
    }
}
