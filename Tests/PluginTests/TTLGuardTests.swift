// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import ExamplePlugin

/// The node's decision, without a graph.
@Suite("TTL guard: decision")
struct TTLGuardTests {
    static let router = IPv4Address(192, 0, 2, 1)
    static let peer = IPv4Address(192, 0, 2, 2)

    /// What the guard, with rules for BGP from neighbours and LDP over one router, says about a packet, and what it
    /// counts.
    private func decide(_ packet: PacketBuilder) -> (trial: Trial<TTLGuard>, counts: [[UInt64]]) {
        var bgp = TTLGuardRule()
        bgp.port = 179
        var ldp = TTLGuardRule()
        ldp.destinations = IPv4Prefix(Self.router, length: 32)
        ldp.port = 646
        ldp.minimum = 254
        let rules = Published(TTLGuardRules([bgp, ldp]))
        let counts = PerWorker(TTLGuardCounts(), workerCount: 1)
        var node = TTLGuard(rules: rules.reader, counts: counts.slot(0))
        let trial = node.trial(packet.bytes)
        #expect(trial.bytes == packet.bytes, "the guard changes no packet")
        return (trial, (0..<2).map { [counts.values[0].accepted[$0], counts.values[0].dropped[$0]] })
    }

    private func tcp(
        _ destinationPort: UInt16, from sourcePort: UInt16 = 40000, ttl: UInt8, to destination: IPv4Address = router
    ) -> PacketBuilder {
        PacketBuilder().ipv4(from: Self.peer, to: destination, timeToLive: ttl)
            .tcp(from: sourcePort, to: destinationPort, flags: .syn)
    }

    @Test("a neighbour's packet passes, and any lower TTL is dropped", arguments: [0, 1, 64, 254, 255] as [UInt8])
    func neighbour(ttl: UInt8) {
        let (trial, counts) = decide(tcp(179, ttl: ttl))
        #expect(trial.verdict == (ttl == 255 ? .nextFeature : .drop(.ttlTooLow)))
        #expect(trial.trace.description == "rule 0, ttl \(ttl), at least 255 wanted")
        #expect(counts == [ttl == 255 ? [1, 0] : [0, 1], [0, 0]])
    }

    @Test("the session may have been opened from either end")
    func sourcePort() {
        #expect(decide(tcp(40000, from: 179, ttl: 64)).trial.verdict == .drop(.ttlTooLow))
    }

    @Test("a rule for one address leaves others alone")
    func destination() {
        #expect(decide(tcp(646, ttl: 253)).trial.verdict == .drop(.ttlTooLow))
        #expect(decide(tcp(646, ttl: 254)).counts == [[0, 0], [1, 0]])
        let (trial, counts) = decide(tcp(646, ttl: 1, to: IPv4Address(192, 0, 2, 3)))
        #expect(trial.verdict == .nextFeature)
        #expect(trial.trace.description == "no rule")
        #expect(counts == [[0, 0], [0, 0]])
    }

    @Test("another protocol with the same port is none of its business")
    func otherProtocol() {
        let packet = PacketBuilder().ipv4(from: Self.peer, to: Self.router, timeToLive: 1).udp(from: 179, to: 179)
        #expect(decide(packet).trial.verdict == .nextFeature)
    }

    @Test("later fragments have no ports")
    func fragments() {
        func fragment(_ units: UInt16, more: Bool) -> PacketBuilder {
            PacketBuilder()
                .ipv4(
                    from: Self.peer, to: Self.router, timeToLive: 1, moreFragments: more, fragmentUnits: units,
                    protocol: .tcp
                ).payload([0, 179, 0, 179, 0, 0, 0, 0])
        }
        #expect(decide(fragment(0, more: true)).trial.verdict == .drop(.ttlTooLow))
        #expect(decide(fragment(1, more: false)).trial.verdict == .nextFeature)
    }

    @Test("what is cut short is judged by nobody", arguments: 0..<24)
    func truncated(length: Int) {
        #expect(decide(tcp(179, ttl: 1).cut(to: length)).trial.verdict == .nextFeature)
    }

    @Test("behind options the ports are where the header ends")
    func options() {
        let packet = PacketBuilder()
            .ipv4(from: Self.peer, to: Self.router, timeToLive: 1, options: [1, 1, 1, 0])
            .tcp(from: 40000, to: 179, flags: .syn)
        #expect(decide(packet).trial.verdict == .drop(.ttlTooLow))
    }
}
