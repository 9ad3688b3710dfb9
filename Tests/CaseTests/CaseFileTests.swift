// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite("Cases: files")
struct CaseFileTests {
    private static let wrong = """
        # Why.
        graph two-ports

        # The first packet.
        in wan0
          ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 192.0.2.9 udp 1000 > 53 payload 20
        out wan0
          ethernet wan0 > 10.0.0.2 ipv4 10.0.0.2 > 192.0.2.9 udp 1000 > 53 payload 20
        drops
          ip4-input bad-checksum 1

        in wan0
          ethernet 10.0.0.2 > wan0
            ipv4 10.0.0.2 > 192.0.2.9 udp 1000 > 53 payload 20 set 24 0000
        nothing

        in lan0
          ethernet 10.1.0.2 > lan0 ipv4 192.0.2.9 > 10.0.0.2 ttl 1 udp 1000 > 53 payload 20
        out lan0
          ethernet lan0 > 10.1.0.2 ipv4 10.1.0.1 > 192.0.2.9 ttl 255 tos 192 id any icmp time-exceeded
            quoting ipv4 192.0.2.9 > 10.0.0.2 ttl 1 udp 1000 > 53 payload 20
        drops
          ip4-icmp-error ttl-expired 1
        """

    private static let right = """
        # Why.
        graph two-ports

        # The first packet.
        in wan0
          ethernet 10.0.0.2 > wan0 ipv4 10.0.0.2 > 192.0.2.9 udp 1000 > 53 payload 20
        out lan0
          ethernet lan0 > 10.1.0.2 ipv4 10.0.0.2 > 192.0.2.9 ttl 63 udp 1000 > 53 payload 20

        in wan0
          ethernet 10.0.0.2 > wan0
            ipv4 10.0.0.2 > 192.0.2.9 udp 1000 > 53 payload 20 set 24 0000
        drops
          ip4-input bad-checksum 1

        in lan0
          ethernet 10.1.0.2 > lan0 ipv4 192.0.2.9 > 10.0.0.2 ttl 1 udp 1000 > 53 payload 20
        out lan0
          ethernet lan0 > 10.1.0.2 ipv4 10.1.0.1 > 192.0.2.9 ttl 255 tos 192 id any icmp time-exceeded
            quoting ipv4 192.0.2.9 > 10.0.0.2 ttl 1 udp 1000 > 53 payload 20
        drops
          ip4-icmp-error ttl-expired 1
        """

    @Test func wrongExpectationsAreRewritten() async throws {
        let file = try CaseTests.read("test.case", CaseFileTests.wrong)
        #expect(file.text(updatedBy: try await CaseRun(file).run()) == CaseFileTests.right)
    }

    @Test func rightOnesKeepTheirWords() async throws {
        let file = try CaseTests.read("test.case", CaseFileTests.right)
        #expect(file.text(updatedBy: try await CaseRun(file).run()) == CaseFileTests.right)
    }

    @Test(arguments: [
        ("in wan0", "line 1: a case begins with its graph"),
        ("graph two-ports", "line 1: nothing happens: 'in PORT', 'start' or 'wait' is missing"),
        ("graph two-ports\nout wan0", "line 2: an expectation stands before anything happens"),
        ("graph two-ports\nin wan0\n  ipv4 10.0.0.1 > 10.0.0.2", "line 3: a packet begins with 'ethernet' or 'hex'"),
        ("graph two-ports\nin\n", "line 2: 'in' wants the name of one port"),
        ("graph two-ports\nwait\nouts wan0", "line 3: 'outs' is no part of a case"),
        ("graph two-ports\nwait\ndrops\n  ip4-input 1", "line 4: a line is NODE REASON COUNT"),
    ])
    func mistakesAreExplained(text: String, problem: String) {
        #expect { try CaseTests.read("test.case", text) } throws: { "\($0)" == problem }
    }

    @Test func anUnknownPortIsAnError() async throws {
        let file = try CaseTests.read("test.case", "graph two-ports\nin wan9\n  hex 00\n")
        await #expect { _ = try await CaseRun(file).run() } throws: {
            "\($0)" == "line 2: there is no port 'wan9' of type test"
        }
    }
}
