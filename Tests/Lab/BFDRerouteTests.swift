// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// A neighbour falls silent while the link stays up: BFD finds it, and the packets take the backup.
    @Suite(.enabled(if: BFDSuite.isPossible, BFDSuite.reason))
    struct BFDReroute {
        private static let config = """
            fast-reroute:
              wait-to-restore: 100ms
              hold-down: 0s
              next-hops:
                - {address: 198.51.100.10, backup: {address: 203.0.113.10}}
            bfd:
              sessions:
                - {peer: 198.51.100.10, interface: wan0, transmit-interval: 15ms, receive-interval: 15ms}
            """

        @Test func `silence for 15 ms x 3, again and again`() throws {
            let lab = RerouteTopology(isSilent: true)
            let wire = try #require(lab.wire)
            let frr = try BFDSuite(
                "peer 198.51.100.1 interface eth0\n  transmit-interval 15\n  receive-interval 15\n exit",
                in: lab.server)
            let daemon = try lab.start(BFDReroute.config)
            lab.awaitReady(daemon)
            func isUp() -> Bool { daemon.bfdState("198.51.100.10") == "up" && lab.state(daemon) == "primary" }
            #expect(eventually(15) { isUp() }, "\(daemon.text("show bfd 198.51.100.10"))\(frr.log)")
            let account = try Traffic.flow(
                from: lab.client, to: lab.server, at: RerouteTopology.service, rate: FastReroute.rate, seconds: 0
            ) {
                for number in 1...FastReroute.failures {
                    // The server stays reachable by its second link.
                    wire.run("ip link set far down")
                    #expect(eventually { lab.state(daemon) == "backup" }, "failure \(number): \(daemon.log)")
                    wire.run("ip link set far up")
                    #expect(eventually(20) { isUp() }, "failure \(number): \(daemon.log)")
                }
            }
            let switches = daemon.json("show frr history")["switches"].list
            #expect(switches.count >= FastReroute.failures)
            #expect(switches.allSatisfy { $0["reason"].string == "bfd-down" }, "\(daemon.text("show frr history"))")
            let first = switches.compactMap { $0["first_packet_microseconds"].double }
            Distribution("silence, detection by BFD to first packet on the backup", first.map { $0 / 1000 }).print()
            Distribution("silence, at the receiver", account.outages.map { $0.seconds * 1000 }).print()
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }
    }
}
