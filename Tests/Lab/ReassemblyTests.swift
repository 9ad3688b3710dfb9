// SPDX-License-Identifier: Apache-2.0
import Testing

extension Lab {
    /// Pings that do not fit into one packet, with a kernel at the other end.
    @Suite struct Reassembly {
        private static func drops(_ daemon: Daemon) -> [String] {
            daemon.json("show errors")["errors"].list.compactMap(\.["reason"].string)
        }

        @Test func `the router answers pings in fragments, as long as they fit into a buffer`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping("192.0.2.1", options: "-s 1700") == 3, "\(daemon.text("show errors"))")
            #expect(Reassembly.drops(daemon) == [])
            #expect(topology.ping("192.0.2.1", count: 1, options: "-s 2500") == 0)
            #expect(Reassembly.drops(daemon) == ["datagram-too-long"])
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test(arguments: [1, 2]) func `larger buffers hold longer pings`(workers: Int) throws {
            let topology = Topology(queues: workers)
            topology.client.run("cd /proc/sys/net/ipv6/conf && echo 0 > all/disable_ipv6 && echo 0 > eth0/disable_ipv6")
            topology.client.run("ip addr add 2001:db8:1::10/64 dev eth0 nodad")
            let daemon = try Daemon(
                """
                workers: {count: \(workers)}
                buffers: {size: 16384}
                interfaces:
                  lan0: {type: af-xdp, addresses: [192.0.2.1/24, "2001:db8:1::1/64"], queues: \(workers)}
                """, in: topology.router)
            for size in [2500, 9000, 16000] {
                #expect(topology.ping("192.0.2.1", options: "-s \(size)") == 3, "\(daemon.text("show errors"))")
                #expect(
                    eventually { topology.ping("2001:db8:1::1", options: "-s \(size)") == 3 },
                    "\(daemon.text("show errors"))")
            }
            let report = daemon.json("show reassembly")["families"].list
            #expect(report.compactMap(\.["held"].int) == [0, 0])
            #expect(report.allSatisfy { ($0["whole"].int ?? 0) >= 9 }, "\(daemon.text("show reassembly"))")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }
    }
}
