// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// A next hop fails under traffic, and the packets take its backup.
    @Suite struct FastReroute {
        static var failures: Int { Laboratory.isSoak ? 100 : 20 }
        static let rate = 10_000

        private static let section = """
            fast-reroute:
              wait-to-restore: 100ms
              hold-down: 0s
              next-hops:
                - {address: 198.51.100.10, backup: {address: 203.0.113.10}}
            """

        @Test func `carrier lost: the backup takes over, traffic comes back, again and again`() throws {
            let lab = RerouteTopology()
            let daemon = try lab.start(FastReroute.section)
            lab.awaitReady(daemon)
            let account = try Traffic.flow(
                from: lab.client, to: lab.server, at: RerouteTopology.service, rate: FastReroute.rate, seconds: 0
            ) {
                for number in 1...FastReroute.failures {
                    lab.server.run("ip link set eth0 down")
                    #expect(eventually { lab.state(daemon) == "backup" }, "failure \(number): \(daemon.log)")
                    lab.server.run("ip link set eth0 up")
                    #expect(eventually { lab.state(daemon) == "primary" }, "failure \(number): \(daemon.log)")
                }
            }
            let switches = daemon.json("show frr history")["switches"].list
            #expect(switches.count == FastReroute.failures)
            #expect(switches.allSatisfy { $0["reason"].string == "link-down" })
            let first = switches.compactMap { $0["first_packet_microseconds"].double }
            #expect(first.count == FastReroute.failures, "\(daemon.text("show frr history"))")
            let stored = switches.compactMap { $0["switched_microseconds"].double }
            Distribution("carrier lost, kernel's news to the store that workers see", stored, unit: " us").print()
            Distribution("carrier lost, kernel's news to first packet on the backup", first.map { $0 / 1000 }).print()
            Distribution("carrier lost, datagrams missing", account.outages.map { Double($0.lost) }, unit: "").print()
            Distribution("carrier lost, silence at the receiver", account.outages.map { $0.seconds * 1000 }).print()
            // Traffic that comes back loses nothing: there is no outage but those of the failures.
            #expect(account.outages.count <= FastReroute.failures, "\(account.outages)")
            #expect(account.duplicated == 0)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        /// The same with IPv6: a global next hop, whose backup is the neighbour's link-local address on the other link.
        @Test func `carrier lost, IPv6: the backup takes over, and traffic comes back`() throws {
            let lab = RerouteTopology()
            lab.addIPv6()
            let daemon = try lab.start(
                """
                fast-reroute:
                  wait-to-restore: 100ms
                  hold-down: 0s
                  next-hops:
                    - {address: "2001:db8:1::10", backup: {address: "fe80::10", interface: wan1}}
                """)
            lab.awaitReady(daemon, "2001:db8:1::10")
            func state() -> String? { lab.state(daemon, "2001:db8:1::10") }
            let failures = FastReroute.failures / 4
            let account = try Traffic.flow(
                from: lab.client, to: lab.server, at: RerouteTopology.service6, rate: FastReroute.rate, seconds: 0
            ) {
                for number in 1...failures {
                    lab.server.run("ip link set eth0 down")
                    #expect(eventually { state() == "backup" }, "failure \(number): \(daemon.log)")
                    lab.server.run("ip link set eth0 up && \(RerouteTopology.primary6)")
                    #expect(eventually { state() == "primary" }, "failure \(number): \(daemon.log)")
                }
            }
            let switches = daemon.json("show frr history")["switches"].list
            #expect(switches.count == failures && switches.allSatisfy { $0["reason"].string == "link-down" })
            let first = switches.compactMap { $0["first_packet_microseconds"].double }
            #expect(first.count == failures, "\(daemon.text("show frr history"))")
            Distribution("carrier lost, IPv6, kernel's news to first packet on the backup", first.map { $0 / 1000 })
                .print()
            Distribution("carrier lost, IPv6, datagrams missing", account.outages.map { Double($0.lost) }, unit: "")
                .print()
            #expect(account.outages.count <= failures, "\(account.outages)")
            #expect(account.duplicated == 0)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        /// Every next hop on a link, by an operator's hand, and back again: no packet is lost either way.
        @Test func `a next hop is taken out of use for maintenance`() throws {
            let lab = RerouteTopology()
            let daemon = try lab.start(
                """
                fast-reroute:
                  wait-to-restore: never
                  interfaces:
                    - {interface: wan0, backup: {address: 203.0.113.10, interface: wan1}}
                """)
            lab.awaitReady(daemon)
            let before = lab.router.statistic("tx_packets", of: "wan1")
            let account = try Traffic.flow(
                from: lab.client, to: lab.server, at: RerouteTopology.service, rate: FastReroute.rate, seconds: 0
            ) {
                for _ in 0..<5 {
                    daemon.text("set next-hop 198.51.100.10 down")
                    #expect(lab.state(daemon) == "backup")
                    usleep(50_000)
                    daemon.text("set next-hop 198.51.100.10 up")
                    #expect(lab.state(daemon) == "primary")
                }
            }
            #expect(account.lost == 0, "\(account)")
            #expect(lab.router.statistic("tx_packets", of: "wan1") > before + 1000)
        }

        /// A device that is removed takes its next hops with it; when it is back, so is the traffic.
        @Test func `the device is removed and made again`() throws {
            let lab = RerouteTopology()
            let daemon = try lab.start(FastReroute.section)
            lab.awaitReady(daemon)
            lab.router.run("ip link delete wan0")
            #expect(eventually { lab.state(daemon) == "backup" }, "\(daemon.log)")
            #expect(eventually { lab.entry(daemon)["reason"].string == "device-removed" }, "\(daemon.text("show frr"))")
            #expect(daemon.json("show frr history")["switches"].list.map { $0["reason"].string } == ["device-removed"])
            #expect(lab.ping() == 3)
            lab.connectPrimary()
            #expect(eventually { lab.state(daemon) == "primary" }, "\(daemon.text("show frr"))\(daemon.log)")
            #expect(eventually { lab.ping() == 3 })
        }
    }
}

/// A server behind two links, the second of which is to be the first one's backup:
///
///     client eth0 192.0.2.10 — lan0 [router] wan0 198.51.100.1 — wire — eth0 198.51.100.10 server, 10.99.0.1
///                                            wan1 203.0.113.1 ———————— eth1 203.0.113.10
///
/// The wire is a bridge, so that a failure can be silent: what is behind it stops, and the router's carrier stays.
final class RerouteTopology {
    static let service = "10.99.0.1"
    static let nextHop = "198.51.100.10"
    static let service6 = "2001:db8:99::1"
    /// The kernel takes IPv6 addresses off a device that goes down.
    static let primary6 = "ip addr replace 2001:db8:1::10/64 dev eth0 nodad"

    let client = Namespace("client")
    let router = Namespace("router")
    let server = Namespace("server")
    let wire: Namespace?

    /// - Parameter isSilent: With a bridge between the router and the server's first link.
    init(isSilent: Bool = false) {
        wire = isSilent ? Namespace("wire") : nil
        router.connect("lan0", to: client, "eth0")
        client.finishChecksums("eth0")
        client.run("ip addr add 192.0.2.10/24 dev eth0 && ip route replace default via 192.0.2.1")
        server.run("for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done")
        connectPrimary()
        router.connect("wan1", to: server, "eth1")
        server.finishChecksums("eth1")
        server.run("ip addr add 203.0.113.10/24 dev eth1 && ip addr add \(RerouteTopology.service)/32 dev lo")
        // Answers go by the second link, whatever becomes of the first.
        server.run("ip route replace default via 203.0.113.1")
    }

    /// Makes the first link; also anew.
    func connectPrimary() {
        if let wire {
            router.connect("wan0", to: wire, "near")
            server.connect("eth0", to: wire, "far")
            wire.run("ip link add br0 type bridge && ip link set br0 up")
            wire.run("ip link set near master br0 && ip link set far master br0")
        } else {
            router.connect("wan0", to: server, "eth0")
        }
        server.finishChecksums("eth0")
        server.run("ip addr add 198.51.100.10/24 dev eth0; echo 0 > /proc/sys/net/ipv4/conf/eth0/rp_filter")
    }

    /// Gives all of it IPv6: 2001:db8::/64 at the client, 2001:db8:1::/64 and 2001:db8:2::/64 at the server.
    func addIPv6() {
        for end in [client, server] {
            end.run("for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 > $f; done")
        }
        client.run("ip addr add 2001:db8::10/64 dev eth0 nodad && ip route add default via 2001:db8::1")
        server.run(RerouteTopology.primary6)
        server.run("ip addr add 2001:db8:2::10/64 dev eth1 nodad && ip addr add fe80::10/64 dev eth1 nodad")
        server.run("ip addr add \(RerouteTopology.service6)/128 dev lo && ip route add default via 2001:db8:2::1")
    }

    /// Starts the router with a route to the service by the first link, in both families.
    func start(_ more: String) throws -> Daemon {
        try Daemon(
            """
            interfaces:
              lan0: {type: af-xdp, addresses: [192.0.2.1/24, "2001:db8::1/64"]}
              wan0: {type: af-xdp, addresses: [198.51.100.1/24, "2001:db8:1::1/64"]}
              wan1: {type: af-xdp, addresses: [203.0.113.1/24, "2001:db8:2::1/64"]}
            routes:
              - {to: 10.99.0.0/24, via: 198.51.100.10}
              - {to: "2001:db8:99::/64", via: "2001:db8:1::10"}
            \(more)
            """, in: router)
    }

    /// Waits until the next hop and its backup are known and packets arrive.
    func awaitReady(_ daemon: Daemon, _ nextHop: String = nextHop) {
        let service = nextHop.contains(":") ? RerouteTopology.service6 : RerouteTopology.service
        #expect(eventually { ping(service) == 3 }, "\(daemon.text("show neighbors"))")
        let isReady = eventually {
            entry(daemon, nextHop)["backup_state"].string == "ready" && state(daemon, nextHop) == "primary"
        }
        #expect(isReady, "\(daemon.text("show frr"))")
    }

    func ping(_ address: String = service) -> Int {
        let answer = client.attempt("ping -n -c 3 -i 0.05 -W 1 \(address)").output
        return answer.components(separatedBy: "bytes from").count - 1
    }

    /// What `show frr` says of the next hop.
    func entry(_ daemon: Daemon, _ nextHop: String = nextHop) -> JSONValue {
        daemon.json("show frr \(nextHop)")["next_hops"].list.first ?? JSONValue("null")
    }

    func state(_ daemon: Daemon, _ nextHop: String = nextHop) -> String? { entry(daemon, nextHop)["state"].string }
}

/// Values in order, for people to read.
struct Distribution {
    let name: String
    let values: [Double]
    let unit: String

    init(_ name: String, _ values: [Double], unit: String = " ms") {
        self.name = name
        self.values = values.sorted()
        self.unit = unit
    }

    func quantile(_ part: Double) -> Double {
        values.isEmpty ? .nan : values[min(values.count - 1, Int(Double(values.count) * part))]
    }

    func print() {
        func text(_ value: Double) -> String { String(format: "%.2f", value) + unit }
        Swift.print(
            "\(name): \(values.count) values, least \(text(quantile(0))), median \(text(quantile(0.5))), "
                + "90 % below \(text(quantile(0.9))), most \(text(quantile(1)))")
        Swift.print("    " + values.map { String(format: "%.2f", $0) }.joined(separator: " "))
    }
}
