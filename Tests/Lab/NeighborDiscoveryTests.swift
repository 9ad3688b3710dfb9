// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Neighbor discovery with kernels at the other ends.
    @Suite struct NeighborDiscovery {
        private static let client = "2001:db8:1::10"
        private static let server = "2001:db8:2::10"
        private static let quick = "neighbors: {reachable-time: 1s, delay-time: 100ms, retransmit-interval: 100ms}"

        /// The two ends have IPv6; they have addresses of their own unless `hasAddresses` is false.
        private static func topology(clientHasAddress: Bool = true) -> Topology {
            let topology = Topology()
            for end in [topology.client, topology.server] {
                end.run("cd /proc/sys/net/ipv6/conf && echo 0 > all/disable_ipv6 && echo 0 > eth0/disable_ipv6")
            }
            if clientHasAddress {
                topology.client.run("ip addr add \(client)/64 dev eth0 nodad && ip route add default via 2001:db8:1::1")
            }
            topology.server.run("ip addr add \(server)/64 dev eth0 nodad && ip route add default via 2001:db8:2::1")
            return topology
        }

        private static func start(_ topology: Topology, more: String = "", lan: String = "") throws -> Daemon {
            try Daemon(
                """
                interfaces:
                  lan0: {type: af-xdp, device: lan0, addresses: [192.0.2.1/24, 2001:db8:1::1/64]\(lan)}
                  wan0: {type: af-xdp, device: wan0, addresses: [198.51.100.1/24, 2001:db8:2::1/64]}
                \(more)
                """, in: topology.router)
        }

        private static func entry(_ address: String, _ daemon: Daemon) -> JSONValue? {
            daemon.json("show neighbors")["neighbors"].list.first { $0["address"].string == address }
        }

        private static func state(of address: String, _ daemon: Daemon) -> String? {
            daemon.json("show addresses")["addresses"].list
                .first { $0["address"].string?.hasPrefix(address) ?? false }?["state"].string
        }

        /// Packets go on without the control side, and so must the way to them: a neighbour asks twice a minute.
        @Test func `neighbours find the router while its control side stands still`() throws {
            let topology = NeighborDiscovery.topology()
            let daemon = try NeighborDiscovery.start(topology)
            let targets = ["192.0.2.1", "2001:db8:1::1", Topology.server, NeighborDiscovery.server]
            for target in targets { #expect(eventually { topology.ping(target) == 3 }, "\(target)") }
            let stopped = try StoppedThreads(of: daemon.pid) { !$0.hasPrefix("martlet-wk") }
            defer { stopped.resume() }
            for end in [topology.client, topology.server] { end.run("ip neigh flush all && ip -6 neigh flush all") }
            for target in targets { #expect(topology.ping(target) == 3, "\(target)") }
        }

        /// A NIC lets no group pass that nobody asked for; a veth passes all, but shows what it was asked.
        @Test func `without promiscuous mode neighbours are found`() throws {
            let topology = NeighborDiscovery.topology()
            let daemon = try NeighborDiscovery.start(topology, lan: ", promiscuous: false")
            let device = topology.router.run("ip -details link show lan0").output
            #expect(device.contains("promiscuity 0") && device.contains("allmulti 1"), "\(device)")
            #expect(eventually { topology.ping(NeighborDiscovery.server) == 3 }, "\(daemon.text("show errors"))")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `two hosts reach each other, and the router by each of its addresses`() throws {
            let topology = NeighborDiscovery.topology()
            let daemon = try NeighborDiscovery.start(topology, more: NeighborDiscovery.quick)
            #expect(eventually { topology.ping(NeighborDiscovery.server) == 3 }, "\(daemon.text("show errors"))")
            #expect(topology.ping("2001:db8:1::1") == 3)
            #expect(topology.ping("2001:db8:1::") == 3, "the subnet-router anycast address")
            let own =
                daemon.json("show addresses")["addresses"].list
                .first { $0["interface"].string == "lan0" && $0["is_automatic"].int == 1 }?["address"].string ?? ""
            #expect(topology.ping("\(own.dropLast(3))%eth0") == 3, "\(own)")
            // The kernel asks by unicast before it forgets: it must be answered.
            let neighbors = topology.client.run("ip -6 neigh show dev eth0").output
            #expect(neighbors.contains("router"), "\(neighbors)")
            // Both were asked for, and answered; an echo from the router's own side goes to link-local addresses too.
            #expect(NeighborDiscovery.entry(NeighborDiscovery.server, daemon) != nil)
        }

        @Test func `a host learns its address and its default route`() throws {
            let topology = NeighborDiscovery.topology(clientHasAddress: false)
            let daemon = try NeighborDiscovery.start(
                topology, lan: ", router-advertisements: {interval: 4s, prefixes: [{prefix: \"2001:db8:1::/64\"}]}")
            #expect(
                eventually {
                    topology.client.run("ip -6 addr show dev eth0 scope global").output.contains("2001:db8:1:")
                })
            #expect(eventually { topology.client.run("ip -6 route").output.contains("default via fe80::") })
            #expect(eventually { topology.ping(NeighborDiscovery.server) == 3 }, "\(daemon.text("show neighbors"))")
            // Its last word is that it is no router any more.
            #expect(daemon.stop() == 0)
            #expect(eventually { !topology.client.run("ip -6 route").output.contains("default via") })
        }

        @Test(.enabled(if: Shell.run("command -v rdisc6 && command -v ndisc6").code == 0, "ndisc6 is not installed"))
        func `what hosts ask is answered`() throws {
            let topology = NeighborDiscovery.topology()
            let daemon = try NeighborDiscovery.start(
                topology,
                lan: ", router-advertisements: {managed: true, mtu: 1400, dns: [\"2001:db8::53\"], preference: high}")
            var answer = ""
            let isAnswered = eventually {
                answer = topology.client.attempt("rdisc6 -1 -w 4000 eth0").output
                return answer.contains("2001:db8:1::/64")
            }
            #expect(isAnswered, "\(answer)")
            for part in ["1400 bytes", "2001:db8::53", "high"] { #expect(answer.contains(part), "\(answer)") }
            let found = topology.client.run("ndisc6 -1 2001:db8:1::1 eth0").output
            #expect(found.contains("Target link-layer address"), "\(found)")
            #expect(daemon.isRunning)
        }

        @Test func `an address that a host has already is not used, and the reverse`() throws {
            let topology = NeighborDiscovery.topology()
            topology.client.run("ip addr add 2001:db8:1::1/64 dev eth0 nodad")
            let daemon = try NeighborDiscovery.start(topology)
            #expect(
                eventually { NeighborDiscovery.state(of: "2001:db8:1::1/", daemon) == "duplicate" },
                "\(daemon.text("show addresses"))")
            #expect(daemon.log.contains("2001:db8:1::1 cannot be used on lan0"), "\(daemon.log)")
            #expect(eventually { NeighborDiscovery.state(of: "2001:db8:2::1/", daemon) == "usable" })
            topology.server.run("ip addr add 2001:db8:2::1/64 dev eth0")
            #expect(
                eventually { topology.server.run("ip -6 addr show dev eth0").output.contains("dadfailed") },
                "\(topology.server.run("ip -6 addr show dev eth0").output)")
        }
    }
}
