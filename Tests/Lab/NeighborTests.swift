// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// ARP with a kernel at the other end.
    @Suite struct Neighbors {
        private static func state(_ address: String, _ daemon: Daemon) -> String? {
            entry(address, daemon)?["state"].string
        }

        private static func entry(_ address: String, _ daemon: Daemon) -> JSONValue? {
            daemon.json("show neighbors")["neighbors"].list.first { $0["address"].string == address }
        }

        @Test func `a neighbour is asked for, used, and asked again when its time is over`() throws {
            let topology = Topology()
            let daemon = try topology.start(
                more: "neighbors: {reachable-time: 1s, delay-time: 100ms, retransmit-interval: 100ms}")
            // The first packet waits for the address, it is not lost.
            #expect(topology.ping(count: 1) == 1)
            #expect(Neighbors.state(Topology.server, daemon) == "reachable")
            let asked = daemon.json("show neighbors")["counters"]["requests_sent"].int ?? 0
            usleep(1_500_000)
            #expect(topology.ping() == 3, "it is used while it is asked again")
            #expect(
                eventually { (daemon.json("show neighbors")["counters"]["requests_sent"].int ?? 0) > asked },
                "\(daemon.text("show neighbors"))")
            #expect(eventually { Neighbors.state(Topology.server, daemon) == "reachable" })
        }

        @Test func `a neighbour that moves says so, and no packet is lost`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping() == 3)
            let before = Neighbors.entry(Topology.server, daemon)?["mac"].string
            topology.server.run("echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify")
            topology.server.run("ip link set eth0 address 02:00:00:00:aa:01")
            #expect(
                eventually { Neighbors.entry(Topology.server, daemon)?["mac"].string == "02:00:00:00:aa:01" },
                "\(daemon.text("show neighbors"))")
            #expect(before != "02:00:00:00:aa:01")
            #expect(topology.ping() == 3)
        }

        @Test func `the router announces itself, so that a neighbour learns its new address`() throws {
            let topology = Topology()
            do {
                let daemon = try topology.start(wan: ", mac: 02:00:00:00:bb:01")
                #expect(topology.ping() == 3)
                #expect(daemon.stop() == 0)
            }
            let daemon = try topology.start(wan: ", mac: 02:00:00:00:bb:02")
            let learned = eventually { topology.server.run("ip neigh").output.contains("02:00:00:00:bb:02") }
            #expect(learned, "\(topology.server.run("ip neigh").output)")
            #expect(topology.ping() == 3)
            #expect(daemon.isRunning)
        }

        @Test func `a next hop that falls silent is a failure, until it speaks again`() throws {
            let topology = Topology()
            let behind = "203.0.113.1"
            topology.server.run("ip addr add \(behind)/32 dev lo")
            let daemon = try topology.start(
                more: """
                    neighbors: {reachable-time: 1s, delay-time: 100ms, retransmit-interval: 100ms}
                    routes: [{to: 203.0.113.0/24, via: \(Topology.server)}]
                    """)
            #expect(topology.ping(behind) == 3)
            topology.server.run("ip addr del \(Topology.server)/24 dev eth0")
            #expect(
                eventually {
                    _ = topology.ping(behind, count: 1)
                    return Neighbors.state(Topology.server, daemon) == "unreachable"
                }, "\(daemon.text("show neighbors"))")
            #expect(daemon.log.contains("does not answer"))
            topology.setUpServer()
            #expect(eventually(40) { topology.ping(behind) == 3 }, "\(daemon.text("show neighbors"))")
            #expect(daemon.log.contains("answers again"))
        }

        @Test func `a neighbour that never answers is reported to the sender`() throws {
            let topology = Topology()
            let daemon = try topology.start(more: "neighbors: {retransmit-interval: 100ms, requests: 2}")
            let answer = topology.client.attempt("ping -n -c 2 -W 2 198.51.100.77").output
            #expect(answer.contains("From 192.0.2.1") && answer.contains("Unreachable"), "\(answer)")
            #expect(topology.ping() == 3)
            #expect(daemon.isRunning)
        }
    }
}
