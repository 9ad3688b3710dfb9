// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

/// Loses every packet: neither sends nor drops nor frees it.
private struct LeakyNode: Node {
    static let name = "leaky"

    mutating func decide(_ packet: Packet, _ trace: inout NoTrace) -> Verdict<NoNext, NoReason> { .kept }
}

/// Frees every packet and lets it go on.
private struct GreedyNode: Node {
    static let name = "greedy"

    enum Next: UInt16, NextNode {
        case next

        var node: String { "ip4-lookup" }
    }

    mutating func process(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            context.free(context.packet(frame[position]))
            context.decide(position, Verdict<Next, NoReason>.to(.next))
        }
    }
}

@ControlPlane
private final class FaultyNodes: Module {
    nonisolated static let name = "faulty-nodes"

    init() {}

    func register(in registry: Registry) {
        registry.add(NodeDescriptor(LeakyNode.self) { _ in LeakyNode() })
        registry.add(NodeDescriptor(GreedyNode.self) { _ in GreedyNode() })
    }
}

/// A matcher that cannot fail proves nothing: here is each of them failing.
@Suite("Cases: matchers fail")
struct MatcherTests {
    private static let input = """
        in wan0
          ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 192.0.2.9 udp 1000 > 53 payload 20
        """
    private static let output = """
        out lan0
          ethernet lan0 > 10.1.0.2 ipv4 10.0.0.2 > 192.0.2.9 ttl 63 udp 1000 > 53 payload 20
        """

    /// What the matchers say about the standard input with these expectations.
    private func mismatches(_ expectation: String, graph: String = "") async throws -> [String] {
        let text = "graph two-ports\n\(graph)\n\(MatcherTests.input)\n\(expectation)\n"
        let file = try CaseTests.read("test.case", text)
        let outcomes = try await CaseRun(file, modules: [FaultyNodes.self]).run()
        return zip(file.steps, outcomes).flatMap { CaseMismatch.all($0, $1) }.map(\.description)
    }

    @Test func theRightExpectationHolds() async throws {
        #expect(try await mismatches(MatcherTests.output) == [])
    }

    @Test func wrongBytes() async throws {
        let found = try await mismatches(MatcherTests.output.replacing("ttl 63", with: "ttl 62"))
        #expect(found.count == 1)
        let text = try #require(found.first)
        // The header that differs is told apart from those that agree, and so is the byte: 14 + 8 is the TTL's.
        #expect(text.hasPrefix("line 6: packet 1 from lan0 is another:\n"))
        #expect(text.contains("\n    Ethernet 02:00:00:00:00:02 > 02:00:00:00:02:02"))
        #expect(text.contains("\n  -   IPv4 10.0.0.2 > 192.0.2.9, ttl 62"))
        #expect(text.contains("\n  +   IPv4 10.0.0.2 > 192.0.2.9, ttl 63"))
        #expect(text.contains("\n  from byte 22: expected 3e"))
    }

    @Test func onePacketTooFew() async throws {
        let found = try await mismatches(MatcherTests.output.replacing("payload 20", with: "payload 20 times 2"))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("line 6: this packet did not leave lan0:\nEthernet ") == true)
    }

    @Test func onePacketTooMany() async throws {
        let found = try await mismatches("")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("line 3: nobody expected this packet from lan0:\nEthernet ") == true)
    }

    @Test func theWrongPort() async throws {
        let found = try await mismatches(MatcherTests.output.replacing("out lan0", with: "out wan0"))
        #expect(found.count == 2)
    }

    @Test func droppedAndNotExpectedTo() async throws {
        let found = try await mismatches(
            "", graph: "  graph: {nodes: {ip4-input: {arcs: {lookup: ip4-no-forwarding}}}}")
        #expect(found.contains { $0.hasPrefix("line 3: drops ip4-") && $0.hasSuffix(": 1, 0 expected") })
    }

    @Test func notDroppedAndExpectedTo() async throws {
        let found = try await mismatches("\(MatcherTests.output)\ndrops\n  ip4-input bad-checksum 1")
        #expect(found == ["line 3: drops ip4-input bad-checksum: 0, 1 expected"])
    }

    @Test func packetsAtAnotherNode() async throws {
        let found = try await mismatches("\(MatcherTests.output)\nnodes\n  ip4-input 1\n  ip4-options 1")
        #expect(found.contains("line 3: packets at ip4-options: 0, 1 expected"))
        #expect(found.contains("line 3: packets at ip4-lookup: 1, 0 expected"))
    }

    @Test func aBufferThatNeverCameBack() async throws {
        let found = try await mismatches(
            "", graph: "  graph: {nodes: {ip4-input: {arcs: {lookup: leak}}, leak: {kind: leaky}}}")
        #expect(found == ["line 3: 1 buffers never came back"])
    }

    @Test func aBufferThatWasFreedTwice() async throws {
        let graph =
            "  graph: {nodes: {ip4-input: {arcs: {lookup: greed}}, greed: {kind: greedy, arcs: {next: ip4-lookup}}}}"
        let found = try await mismatches(MatcherTests.output, graph: graph)
        #expect(found == ["line 3: 1 buffers were freed twice"])
    }

    @Test func interfaceCountersThatDisagree() {
        let step = CaseFile.Step(stimulus: .start, line: 3, expectationLines: 0..<0)
        var outcome = StepOutcome()
        outcome.miscounts = ["wan0 counts 2 rx packets, 1 are right"]
        #expect(CaseMismatch.all(step, outcome).map(\.description) == ["line 3: wan0 counts 2 rx packets, 1 are right"])
    }
}
