// SPDX-License-Identifier: Apache-2.0
import ExamplePlugin
import Graph
import Testing
import Wire

/// The node in a graph: enabled by its section, counted, traced and shown.
@Suite("TTL guard: graph")
@ControlPlane
struct TTLGuardGraphTests {
    static let section = """
        ttl-guard:
          interfaces: [wan0]
          rules:
            - {protocol: tcp, port: 179}
            - {protocol: udp, port: 3784, to: 192.0.2.0/24, minimum: 254}
        """

    private static func packet(_ protocol: IPProtocol, _ port: UInt16, ttl: UInt8) -> [UInt8] {
        let header = PacketBuilder()
            .ipv4(from: IPv4Address(192, 0, 2, 2), to: IPv4Address(192, 0, 2, 1), timeToLive: ttl)
        if `protocol` == .tcp { return header.tcp(from: 4000, to: port, flags: .syn).bytes }
        return header.udp(from: 4000, to: port).bytes
    }

    static let packets = [
        packet(.tcp, 179, ttl: 255), packet(.tcp, 179, ttl: 254), packet(.tcp, 80, ttl: 3),
        packet(.udp, 3784, ttl: 254), packet(.udp, 3784, ttl: 253), packet(.udp, 3784, ttl: 252),
    ]

    private func lab(_ text: String = section) throws -> PluginLab {
        let lab = try PluginLab(Self.packets)
        lab.addFeatureArc()
        lab.registry.load(TTLGuardModule.self)
        try lab.apply(text)
        return lab
    }

    @Test("packets from too far away are dropped by name, the others go on, and no buffer is lost")
    func drops() throws {
        let lab = try lab()
        lab.engine.runToEnd()
        #expect(lab.drops == ["ip4-ttl-guard ttl-too-low": 3])
        #expect(lab.packets(at: "ip4-ttl-guard") == 6)
        #expect(lab.packets(at: "ip4-lookup") == 3)
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test("an interface that is not named pays nothing")
    func otherInterface() throws {
        let lab = try lab(Self.section.replacing("wan0", with: "lan0"))
        lab.engine.runToEnd()
        #expect(lab.drops == [:])
        #expect(lab.packets(at: "ip4-ttl-guard") == 0)
        #expect(lab.packets(at: "ip4-lookup") == 6)
    }

    @Test("show ttl-guard counts by rule, as text and as JSON")
    func show() async throws {
        let lab = try lab()
        lab.engine.runToEnd()
        let (text, json) = try await lab.run("show ttl-guard")
        #expect(
            text == """
                Interfaces  wan0
                To            Protocol  Port  Minimum  Accepted  Dropped
                0.0.0.0/0     TCP        179      255         1        1
                192.0.2.0/24  UDP       3784      254         1        2

                """)
        #expect(json.filter { !$0.isWhitespace }.contains("\"accepted\":1,\"dropped\":2"))
    }

    @Test("the trace tells the rule and both TTLs")
    func trace() async throws {
        let lab = try lab()
        try await lab.engine.addTrace(at: "ip4-ttl-guard", count: 3, filter: nil)
        lab.engine.runToEnd()
        let steps = await lab.engine.traces().packets.flatMap(\.steps).filter { $0.node == "ip4-ttl-guard" }
        #expect(
            steps.map(\.text) == [
                "rule 0, ttl 255, at least 255 wanted", "rule 0, ttl 254, at least 255 wanted", "no rule",
            ])
        #expect(steps.map(\.dropReason) == [nil, "ttl-too-low", nil])
    }

    @Test("an unknown interface is an error with its place")
    func unknownInterface() {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try lab(Self.section.replacing("wan0", with: "wan7"))
        }
        #expect(
            error?.description
                == "r.yaml:2:16: ttl-guard.interfaces[0]: there is no interface 'wan7'; did you mean 'wan0'?")
    }
}
