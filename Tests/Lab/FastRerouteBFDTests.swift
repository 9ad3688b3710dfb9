// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// A failure that no device reports: only BFD can tell.
    @Suite(.enabled(if: BFDSuite.isPossible, BFDSuite.reason))
    struct FastRerouteByBFD {
        private static let peer = "198.51.100.10"
        private static let own = "198.51.100.1"

        @Test func `silent failure: BFD at 15 ms x 3, from the last packet before it to the first over the backup`()
            throws
        {
            let lab = RerouteTopology(isSilent: true)
            let daemon = try lab.start(
                """
                bfd:
                  profiles:
                    fast: {transmit-interval: 15ms, receive-interval: 15ms, multiplier: 3}
                fast-reroute:
                  wait-to-restore: 0s
                  hold-down: 0s
                  next-hops:
                    - {address: \(FastRerouteByBFD.peer), bfd: fast, backup: {address: 203.0.113.10}}
                """)
            let frr = try BFDSuite(
                "peer \(FastRerouteByBFD.own) interface eth0\n  transmit-interval 15\n  receive-interval 15\n"
                    + "  detect-multiplier 3\n exit", in: lab.server)
            lab.awaitReady(daemon)
            var marks: [(begin: Double, end: Double)] = []
            func isUp() -> Bool { daemon.bfdState(FastRerouteByBFD.peer) == "up" && lab.state(daemon) == "primary" }
            let account = try Traffic.flow(
                from: lab.client, to: lab.server, at: RerouteTopology.service, rate: FastReroute.rate, seconds: 0
            ) {
                for number in 1...FastReroute.failures {
                    #expect(eventually(15) { isUp() }, "failure \(number): \(daemon.log)\(frr.log)")
                    let begin = Traffic.now()
                    lab.wire?.run("ip link set far down")
                    #expect(eventually { lab.state(daemon) == "backup" }, "failure \(number): \(daemon.log)")
                    marks.append((begin, Traffic.now()))
                    lab.wire?.run("ip link set far up")
                }
            }
            // Where a machine that has no time for bfdd makes the session flap, traffic switches without any outage.
            let outages = marks.compactMap { mark in
                account.outages.filter { $0.after > mark.begin && $0.before < mark.end }.max { $0.seconds < $1.seconds }
            }
            #expect(outages.count == FastReroute.failures, "\(account.outages)")
            let times = Distribution("silent failure, BFD 15 ms x 3, end to end", outages.map { $0.seconds * 1000 })
            times.print()
            Distribution("silent failure, datagrams missing", outages.map { Double($0.lost) }, unit: "").print()
            let switches = daemon.json("show frr history")["switches"].list
            let byBFD = switches.filter { $0["reason"].string == "bfd-down" }
            #expect(byBFD.count >= FastReroute.failures)
            let first = byBFD.compactMap { $0["first_packet_microseconds"].double }
            Distribution("BFD's verdict to first packet on the backup", first.map { $0 / 1000 }).print()
            // A machine that is busy with other things proves nothing; the long run wants it for itself.
            if Laboratory.isSoak { #expect(times.quantile(0.5) < 50) }
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }
    }
}
