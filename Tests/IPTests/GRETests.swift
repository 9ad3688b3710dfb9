// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import IP

/// `type: gre`: what a file may say of tunnels, and how they follow the routes below them. What becomes of packets is in the
/// cases of gre-input and gre-output.
@Suite @ControlPlane struct GRETests {
    private static let underlay = """
        workers: {count: WORKERS}
        buffers: {count: 2048}
        interfaces:
          wan0: {type: test, mac: "02:00:00:00:00:01", addresses: [10.0.0.1/24, "2001:db8::1/64"]}
          lan0: {type: test, mac: "02:00:00:00:00:02", addresses: [10.1.0.1/24]}

        """

    private static let rest = """

        neighbors:
          ipv6-probes: 0
          static:
            - {interface: wan0, address: 10.0.0.2, mac: "02:00:00:00:01:02"}
            - {interface: lan0, address: 10.1.0.2, mac: "02:00:00:00:02:02"}

        """

    private func router(_ tunnels: String, _ more: String = "", workers: Int = 1) throws -> Router {
        let text =
            GRETests.underlay.replacing("WORKERS", with: "\(workers)") + tunnels + GRETests.rest + more
        let router = try Router(YAMLReader.read(text: text, name: "r.yaml"), modules: [TestPorts.self])
        try router.prepare()
        return router
    }

    private func errors(_ tunnels: String, _ more: String = "") -> [String] {
        do {
            _ = try router(tunnels, more)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.all.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    private let far = "routes:\n  - {to: 198.51.100.0/24, via: 10.0.0.2}\n"

    // MARK: - Following the underlay

    @Test func `its link is up while a route leads to its far end`() throws {
        let router = try router("  gre0: {type: gre, source: 10.0.0.1, destination: 198.51.100.1}", far)
        let tunnel = try #require(router.engine.interface(named: "gre0"))
        let ip = try #require(router.registry.module(IPModule.self))
        #expect(tunnel.isLinkUp && tunnel.mtu == 1476)
        #expect(tunnel.details.map(\.value) == ["10.0.0.1 > 198.51.100.1", "via 10.0.0.2 on wan0"])
        let prefix = IPPrefix("198.51.100.0/24")!
        ip.fib.removeRoute(prefix)
        #expect(!tunnel.isLinkUp)
        #expect(tunnel.details.last?.value == "no route leads to 198.51.100.1")
        try ip.addRoute(prefix, via: .v4(IPv4Address(10, 0, 0, 2)))
        #expect(tunnel.isLinkUp)
        let wan = try #require(router.engine.interface(named: "wan0"))
        wan.isLinkUp = false
        #expect(!tunnel.isLinkUp)
        wan.isLinkUp = true
        #expect(tunnel.isLinkUp)
    }

    @Test func `its MTU is what the first link takes, less its headers, unless the file says`() throws {
        let router = try router(
            """
              a: {type: gre, source: 10.0.0.1, destination: 198.51.100.1, key: 1, checksum: true, sequence: true}
              b: {type: gre, source: "2001:db8::1", destination: "2001:db8::9"}
              c: {type: gre, source: 10.0.0.1, destination: 198.51.100.2, mtu: 1400}
              d: {type: gre, source: 10.0.0.1, destination: 198.51.100.3}
            """, far + "  - {to: 198.51.100.3/32, via: {address: 10.0.0.2, labels: [17, 18]}}\n")
        let mtus = { ["a", "b", "c", "d"].map { router.engine.interface(named: $0)!.mtu } }
        #expect(mtus() == [1464, 1456, 1400, 1468])
        router.engine.interface(named: "wan0")?.mtu = 1300
        #expect(mtus() == [1264, 1256, 1400, 1268])
    }

    @Test func `next hops on the way are kept resolved`() throws {
        let router = try router("  gre0: {type: gre, source: 10.0.0.1, destination: 10.0.0.9}")
        let ip = try #require(router.registry.module(IPModule.self))
        let wan = try #require(router.engine.interface(named: "wan0"))
        #expect(ip.neighbors[.v4(IPv4Address(10, 0, 0, 9)), wan]?.isKept == true)
        #expect(router.engine.interface(named: "gre0")?.details.last?.value == "via 10.0.0.9 on wan0")
    }

    /// Its own routes would make the way free and take it again, without end.
    @Test func `a tunnel that leads through itself goes down and stays so for a while`() throws {
        let router = try router(
            """
              gre0: {type: gre, source: 10.0.0.1, destination: 198.51.100.1}
              gre1: {type: gre, source: 10.0.0.1, destination: 203.0.113.1}
            """,
            """
            routes:
              - {to: 0.0.0.0/0, via: 10.0.0.2}
              - {to: 203.0.113.0/24, interface: gre0}
            """)
        let engine = router.engine
        let (one, two) = (engine.interface(named: "gre0")!, engine.interface(named: "gre1")!)
        #expect(one.isLinkUp && two.isLinkUp)
        let ip = try #require(router.registry.module(IPModule.self))
        // Through the one to the other, and back.
        let prefix = IPPrefix("198.51.100.0/24")!
        try ip.fib.setRoute(prefix, [Path(.glean(two.index))])
        #expect(!one.isLinkUp || !two.isLinkUp)
        let downs = [one, two].filter { !$0.isLinkUp }.map { $0.details.last?.value ?? "" }
        #expect(downs.contains { $0.hasSuffix("leads through the tunnel itself") })
        for _ in 0..<20 { _ = engine.step() }
        #expect(!one.isLinkUp || !two.isLinkUp)
    }

    // MARK: - What leads through it

    @Test func `neighbours behind a tunnel need no address`() throws {
        let router = try router(
            "  gre0: {type: gre, source: 10.0.0.1, destination: 198.51.100.1, addresses: [10.9.0.1/24, \"2001:db8:9::1/64\"]}",
            far + "  - {to: 203.0.113.0/25, interface: gre0}\n  - {to: 203.0.113.128/25, via: 10.9.0.7}\n")
        let ip = try #require(router.registry.module(IPModule.self))
        let index = try #require(router.engine.interface(named: "gre0")).index
        for text in ["10.9.0.2", "10.9.0.77", "203.0.113.1", "203.0.113.200", "2001:db8:9::77"] {
            let forwarding = try #require(ip.fib.forwarding(to: IPAddress(text)!))
            #expect(forwarding.kind == .rewrite, "\(text): \(forwarding.word)")
            let record = ip.fib.adjacencies.table[forwarding.index]
            #expect(record.status.isReady && record.txInterface == index && record.mtu == 1476)
        }
        #expect(ip.neighbors.all.allSatisfy { $0.key.interface != index })
        let linkLocal = try #require(ip.interfaces.linkLocal(of: index))
        #expect("\(linkLocal)" == "fe80::aff:fe00:1")
    }

    @Test func `flows inside choose the path outside, but not where they must not overtake each other`() throws {
        let router = try router(
            """
              gre0: {type: gre, source: 10.0.0.1, destination: 198.51.100.1, addresses: [10.9.0.1/30]}
              gre1: {type: gre, source: 10.0.0.1, destination: 198.51.100.2, sequence: true, addresses: [10.9.1.1/30]}
              x0: {type: test, mac: "02:00:00:00:00:03", addresses: [10.3.0.1/24]}
            """,
            """
                - {interface: x0, address: 10.3.0.2, mac: "02:00:00:00:03:02"}
            routes:
              - {to: 198.51.100.0/24, via: [10.0.0.2, 10.3.0.2]}
              - {to: 203.0.113.0/25, interface: gre0}
              - {to: 203.0.113.128/25, interface: gre1}
            """)
        let ports = try #require(router.registry.module(TestPorts.self))
        while router.engine.step() {}
        for (last, isSpread) in [(1, true), (129, false)] {
            _ = (ports["wan0"]?.takeSent(), ports["x0"]?.takeSent())
            ports["lan0"]?.receive((0..<64).map { packet(to: IPv4Address(203, 0, 113, UInt8(last)), port: $0) })
            while router.engine.step() {}
            let counts = [ports["wan0"]?.takeSent().count ?? 0, ports["x0"]?.takeSent().count ?? 0]
            #expect(counts.reduce(0, +) == 64)
            #expect(isSpread ? counts.allSatisfy { $0 > 8 } : counts.contains(64), "\(counts)")
        }
    }

    @Test func `sequence numbers rise on the wire whichever worker has the packets`() throws {
        let router = try router(
            "  gre0: {type: gre, source: 10.0.0.1, destination: 198.51.100.1, sequence: true}",
            far + "  - {to: 203.0.113.0/24, interface: gre0}\n", workers: 2)
        let lan = try #require(router.engine.interface(named: "lan0"))
        try router.engine.setFeature("worker-handoff", on: "device-input", interface: lan, true)
        let ports = try #require(router.registry.module(TestPorts.self))
        while router.engine.step() {}
        _ = ports["wan0"]?.takeSent()
        for _ in 0..<3 {
            ports["lan0"]?.receive((0..<64).map { packet(to: IPv4Address(203, 0, 113, 1), port: $0) })
            while router.engine.step() {}
        }
        let outputs = router.engine.nodeSamples().filter { $0.node == "ip4-input" }.map(\.counters.packets)
        #expect(outputs.allSatisfy { $0 > 8 }, "both workers had some")
        let sequences = (ports["wan0"]?.takeSent() ?? []).map { frame in
            frame[38..<42].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        #expect(sequences == Array(0..<192))
        #expect(router.engine.buffersInUse == 0)
    }

    private func packet(to destination: IPv4Address, port: Int) -> [UInt8] {
        PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 2, 2), to: MACAddress(2, 0, 0, 0, 0, 2))
            .ipv4(from: IPv4Address(10, 1, 0, 2), to: destination)
            .udp(from: UInt16(1024 + port), to: 53).payload(count: 20).bytes
    }

    @Test func `the fictive Ethernet header is not counted`() throws {
        let router = try router(
            "  gre0: {type: gre, source: 10.0.0.1, destination: 198.51.100.1, addresses: [10.9.0.1/30]}",
            far + "  - {to: 203.0.113.0/24, interface: gre0}\n")
        let ports = try #require(router.registry.module(TestPorts.self))
        while router.engine.step() {}
        let tunnel = try #require(router.engine.interface(named: "gre0"))
        let before = router.engine.counters(of: tunnel.index)
        ports["lan0"]?.receive([packet(to: IPv4Address(203, 0, 113, 1), port: 1)])
        let back = PacketBuilder().ethernet(from: MACAddress(2, 0, 0, 0, 1, 2), to: MACAddress(2, 0, 0, 0, 0, 1))
            .ipv4(from: IPv4Address(198, 51, 100, 1), to: IPv4Address(10, 0, 0, 1)).gre()
            .ipv4(from: IPv4Address(203, 0, 113, 1), to: IPv4Address(10, 1, 0, 2)).udp(from: 53, to: 1024)
        ports["wan0"]?.receive([back.bytes])
        while router.engine.step() {}
        let counters = router.engine.counters(of: tunnel.index) - before
        #expect(counters.txPackets == 1 && counters.txBytes == 48)
        #expect(counters.rxPackets == 1 && counters.rxBytes == 28)
    }

    // MARK: - Mistakes

    @Test(arguments: [
        (
            "  x: {type: gre, source: 10.0.0.9, destination: 198.51.100.1}\n", "",
            "interfaces.x.source: 10.0.0.9 is no address of this router; give one that an interface has there"
        ),
        (
            "  x: {type: gre, source: 10.0.0.1, destination: \"2001:db8::2\"}\n", "",
            "interfaces.x.destination: 2001:db8::2 is IPv6, and the source 10.0.0.1 IPv4; give two addresses of one family"
        ),
        (
            "  x: {type: gre, source: 10.0.0.1, destination: 224.0.0.5}\n", "",
            "interfaces.x.destination: 224.0.0.5 cannot be a tunnel's end; give an address that routes lead to"
        ),
        (
            "  x: {type: gre, source: 10.0.0.1, destination: 10.0.0.1}\n", "",
            "interfaces.x.destination: the tunnel leads from 10.0.0.1 to itself; give the other router's address"
        ),
        (
            "  x: {type: gre, source: 10.0.0.1, destination: 10.0.0.2}\n  y: {type: gre, source: 10.0.0.1, destination: 10.0.0.2}\n",
            "", "interfaces.y: x has the same ends and key; give one of them another key"
        ),
        (
            "  x: {type: gre, source: 10.0.0.1, destination: 10.0.0.2}\n  x.7: {type: vlan, parent: x, dot1q: 7}\n", "",
            "interfaces.x.7.parent: x is a tunnel, whose packets have no VLAN tags; name a port"
        ),
        (
            "", "routes: [{to: 192.0.2.0/24, interface: lan0}]\n",
            "routes[0].interface: lan0 is no tunnel: it has more than one neighbour; name one of them with `via`"
        ),
        (
            "  x: {type: gre, source: 10.0.0.1, destination: 10.0.0.2, ttl: 256}\n", "",
            "interfaces.x.ttl: '256' is not a number from 1 to 255, or copy; give one like 255"
        ),
    ]) func `mistakes are said where they stand`(tunnels: String, more: String, expected: String) {
        let found = errors(tunnels, more)
        #expect(found.count == 1 && found[0].hasSuffix(expected), "\(found)")
    }
}
