// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Two Martlets with tunnels between them, through a network of a kernel's.
    ///
    ///     client 10.1.0.10 — left — core — right — 10.2.0.10 server
    @Suite struct GRE {
        private static let server = "10.2.0.10"

        /// What the tunnels go through, and who is at either end.
        private final class Sites {
            let client = Namespace("client")
            let left = Namespace("left")
            let core = Namespace("core")
            let right = Namespace("right")
            let server = Namespace("server")

            init() {
                left.connect("lan0", to: client, "eth0")
                right.connect("lan0", to: server, "eth0")
                left.connect("wan0", to: core, "left")
                right.connect("wan0", to: core, "right")
                client.finishChecksums("eth0")
                server.finishChecksums("eth0")
                client.run("ip addr add 10.1.0.10/24 dev eth0 && ip route add default via 10.1.0.1")
                server.run("ip addr add 10.2.0.10/24 dev eth0 && ip route add default via 10.2.0.1")
                let address = "ip addr add"
                core.run("cd /proc/sys/net/ipv6/conf && for i in all left right; do echo 0 > $i/disable_ipv6; done")
                core.run("\(address) 192.0.2.1/30 dev left && \(address) 198.51.100.1/30 dev right")
                core.run("\(address) 2001:db8:1::1/64 dev left nodad && \(address) 2001:db8:2::1/64 dev right nodad")
                core.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
            }

            /// - Parameter tunnel: Keys of the tunnel beside its ends.
            func start(_ tunnel: String, isIPv6: Bool = false, workers: Int = 1) throws -> [Daemon] {
                let wan = isIPv6 ? ["2001:db8:1::2", "2001:db8:2::2"] : ["192.0.2.2", "198.51.100.2"]
                let gateways = isIPv6 ? ["2001:db8:1::1", "2001:db8:2::1"] : ["192.0.2.1", "198.51.100.1"]
                return try [left, right].enumerated().map { here, router in
                    let there = 1 - here
                    return try Daemon(
                        """
                        workers: {count: \(workers)}
                        interfaces:
                          lan0: {type: af-xdp, addresses: [10.\(here + 1).0.1/24], handoff: \(workers > 1)}
                          wan0: {type: af-xdp, addresses: ["\(wan[here])/\(isIPv6 ? 64 : 30)"]}
                          gre0: {type: gre, source: "\(wan[here])", destination: "\(wan[there])", \(tunnel)
                                 addresses: [10.255.0.\(here + 1)/30]}
                        neighbors: {ipv6-probes: 0}
                        routes:
                          - {to: \(isIPv6 ? "default6" : "default"), via: "\(gateways[here])"}
                          - {to: 10.\(there + 1).0.0/24, interface: gre0}
                        """, in: router)
                }
            }

            func ping(_ target: String, options: String = "", count: Int = 3) -> Int {
                let result = client.attempt("ping -n -c \(count) -i 0.05 -W 2 \(options) \(target)")
                let words = result.output.split { $0 == " " || $0 == "," || $0 == "\n" }
                return words.firstIndex(of: "received").flatMap { Int(words[$0 - 1]) } ?? 0
            }

            /// What the core sees while `body` runs.
            func capture(_ file: String, _ body: () throws -> Void) rethrows {
                let tcpdump = core.start(["tcpdump", "-q", "-U", "-i", "left", "-w", file])
                #expect(eventually { FileManager.default.fileExists(atPath: file) })
                try body()
                usleep(300_000)
                tcpdump.kill(SIGINT)
                _ = tcpdump.wait(seconds: 5)
            }
        }

        @Test(arguments: [false, true]) func `packets go through, and tshark takes them for what they are`(isIPv6: Bool)
            throws
        {
            let sites = Sites()
            let daemons = try sites.start("key: 4711, checksum: true, sequence: true, dscp: 10,", isIPv6: isIPv6)
            let scratch = try ScratchDirectory()
            let file = "\(scratch.path)/core.pcap"
            #expect(
                eventually { sites.ping("10.255.0.2", count: 1) == 1 }, "\(daemons[0].text("show interfaces gre0"))")
            sites.capture(file) {
                #expect(sites.ping(GRE.server, count: 5) == 5)
                // Cut before it goes in; with DF the sender hears of it.
                #expect(sites.ping(GRE.server, options: "-M dont -s 3000") == 3)
            }
            let told = sites.client.attempt("ping -n -c 1 -W 2 -M do -s 1460 \(GRE.server)").output
            #expect(told.contains("mtu = \(isIPv6 ? 1444 : 1464)"), "\(told)")
            #expect(Tshark.complaints(in: file) == [])
            #expect(Tshark.count("gre.key == 4711 && gre.checksum.status == 1 && icmp", in: file) >= 16)
            #expect(Tshark.count("gre.checksum.status == 0", in: file) == 0)
            #expect(
                Tshark.count(isIPv6 ? "ipv6.tclass.dscp == 10" : "ip.dsfield.dscp == 10 && ip.flags.df", in: file) >= 16
            )
            let numbers = Shell.run(
                "tshark -n -r \(file) -Y 'icmp.type == 8' -T fields -e gre.sequence_number 2> /dev/null"
            ).output.split(separator: "\n").compactMap { Int($0) }
            #expect(!numbers.isEmpty && zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "\(numbers)")
            for daemon in daemons {
                let errors = daemon.json("show errors")["errors"].list.compactMap { $0["node"].string }
                #expect(!errors.contains { $0.hasPrefix("gre") }, "\(daemon.text("show errors"))")
                #expect(daemon.stop() == 0, "\(daemon.log)")
            }
        }

        @Test func `TCP goes through, both ways`() throws {
            let sites = Sites()
            let daemons = try sites.start("")
            #expect(eventually { sites.ping(GRE.server, count: 1) == 1 })
            let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            #expect(try Traffic.echoTCP(bytes, from: sites.client, to: sites.server, at: GRE.server) == bytes)
            #expect(daemons.allSatisfy { $0.stop() == 0 })
        }

        /// The far end drops what comes late: it sees whether they leave in the order of their numbers.
        @Test func `sequence numbers rise on the wire with two workers`() throws {
            let sites = Sites()
            let daemons = try sites.start("sequence: true,", workers: 2)
            #expect(eventually { sites.ping(GRE.server, count: 1) == 1 })
            for port in 9000..<9004 as Range<UInt16> {
                let account = try Traffic.flow(
                    from: sites.client, to: sites.server, at: GRE.server, port: port, rate: 10_000, seconds: 0.5)
                #expect(account.lost == 0 && account.reordered == 0, "\(account)")
            }
            #expect(daemons[1].json("show errors")["errors"].list.allSatisfy { $0["reason"].string != "late-sequence" })
            #expect(daemons.allSatisfy { $0.stop() == 0 })
        }

        @Test func `the tunnel's link follows the route to its far end`() throws {
            let sites = Sites()
            let daemons = try sites.start("")
            #expect(eventually { sites.ping(GRE.server, count: 1) == 1 })
            daemons[0].text("route del default")
            let state = daemons[0].json("show interfaces gre0")["interfaces"].list.first?["link_up"].value as? Bool
            #expect(state == false, "\(daemons[0].text("show interfaces gre0"))")
            #expect(sites.ping(GRE.server, count: 1) == 0)
            daemons[0].text("route add default 192.0.2.1")
            #expect(eventually { sites.ping(GRE.server, count: 1) == 1 })
        }
    }
}
