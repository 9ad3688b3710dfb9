// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Daemon {
    /// The first of the BFD sessions with `peer`, as `show bfd PEER` has it.
    func bfd(_ peer: String) -> JSONValue? {
        let answer = command("show bfd \(peer) --json")
        return answer.code == 0 ? JSONValue(answer.output)["sessions"].list.first : nil
    }

    func bfdState(_ peer: String) -> String? { bfd(peer)?["session"]["state"].string }

    /// How often the session has come up, and how often its path was lost.
    func bfdCounts(_ peer: String) -> [Int?] {
        let session = bfd(peer)?["session"]
        return [session?["ups"].int, session?["failures"].int]
    }
}

extension Lab {
    /// BFD with FRR's bfdd at the other end.
    @Suite(.enabled(if: BFDSuite.isPossible, BFDSuite.reason))
    struct BFD {
        private static let peer = Topology.server
        private static let own = "198.51.100.1"

        /// A router with one session, and bfdd at the server.
        private struct Pair {
            let topology: Topology
            let daemon: Daemon
            let frr: BFDSuite

            init(_ session: String = "", frr lines: String = "", multihop: Bool = false) throws {
                topology = Topology()
                daemon = try topology.start(
                    more: """
                        bfd:
                          sessions:
                            - {peer: \(peer)\(session)}
                        """)
                let kind = multihop ? "multihop local-address \(peer)" : "interface eth0"
                frr = try BFDSuite(
                    "peer \(own) \(kind)\n  transmit-interval 50\n  receive-interval 50\n\(lines) exit",
                    in: topology.server)
            }

            /// Waits until both sides say up.
            func isUp(seconds: Double = 15) -> Bool {
                eventually(seconds) { daemon.bfdState(peer) == "up" && frr.status(own) == "up" }
            }

            var report: Comment {
                "\(daemon.text("show bfd \(peer)"))\(daemon.text("show errors"))\(frr.vtysh("show bfd peers").output)\(frr.log)"
            }
        }

        private static let fast = ", transmit-interval: 50ms, receive-interval: 50ms"

        @Test func `comes up, negotiates, and stays up`() throws {
            let pair = try Pair(BFD.fast)
            #expect(pair.isUp(), pair.report)
            #expect(eventually { pair.daemon.bfd(BFD.peer)?["session"]["detection_time_microseconds"].int == 150_000 })
            usleep(3_000_000)
            #expect(pair.daemon.bfdCounts(BFD.peer) == [1, 0], pair.report)
            #expect(pair.frr.peer(BFD.own)?["remote-receive-interval"].int == 50)
            print(pair.daemon.text("show bfd"), pair.daemon.text("show bfd \(BFD.peer)"), separator: "\n")
            print(pair.frr.vtysh("show bfd peer \(BFD.own) interface eth0").output)
        }

        @Test func `intervals change on either side without a flap`() throws {
            let pair = try Pair(BFD.fast)
            #expect(pair.isUp(), pair.report)
            pair.daemon.text("set bfd \(BFD.peer) --transmit-interval 300ms --receive-interval 300ms")
            #expect(
                eventually { pair.frr.peer(BFD.own)?["remote-transmit-interval"].int == 300 }, pair.report)
            #expect(eventually { pair.daemon.bfd(BFD.peer)?["session"]["detection_time_microseconds"].int == 900_000 })
            pair.frr.configure(
                "peer \(BFD.own) interface eth0", "transmit-interval 100", "receive-interval 100",
                "detect-multiplier 5")
            #expect(
                eventually { pair.daemon.bfd(BFD.peer)?["session"]["detection_time_microseconds"].int == 1_500_000 },
                pair.report)
            pair.daemon.text("set bfd \(BFD.peer) --transmit-interval 20ms --receive-interval 20ms")
            #expect(
                eventually { pair.daemon.bfd(BFD.peer)?["session"]["detection_time_microseconds"].int == 500_000 },
                pair.report)
            usleep(1_000_000)
            #expect(pair.daemon.bfdCounts(BFD.peer) == [1, 0], pair.report)
        }

        @Test func `a peer that dies is missed, and comes back`() throws {
            let pair = try Pair(BFD.fast)
            #expect(pair.isUp(), pair.report)
            pair.frr.kill()
            #expect(eventually(3) { pair.daemon.bfdState(BFD.peer) == "down" }, pair.report)
            #expect(pair.daemon.bfd(BFD.peer)?["session"]["diagnostic"].string == "control detection time expired")
            #expect(pair.daemon.bfdCounts(BFD.peer) == [1, 1])
            pair.frr.start()
            #expect(pair.isUp(), pair.report)
            #expect(pair.daemon.bfdCounts(BFD.peer) == [2, 1])
        }

        @Test func `a link that goes down is noticed at both ends`() throws {
            let pair = try Pair(BFD.fast)
            #expect(pair.isUp(), pair.report)
            pair.topology.server.run("ip link set eth0 down")
            #expect(eventually(3) { pair.daemon.bfdState(BFD.peer) == "down" }, pair.report)
            #expect(eventually(3) { pair.frr.status(BFD.own) == "down" })
            pair.topology.server.run("ip link set eth0 up")
            #expect(pair.isUp(), pair.report)
        }

        @Test func `admin down, from either side`() throws {
            let pair = try Pair(BFD.fast)
            #expect(pair.isUp(), pair.report)
            pair.frr.configure("peer \(BFD.own) interface eth0", "shutdown")
            #expect(eventually(3) { pair.daemon.bfdState(BFD.peer) == "down" }, pair.report)
            // The peer's operator is no failure of the path.
            #expect(pair.daemon.bfdCounts(BFD.peer) == [1, 0], pair.report)
            pair.frr.configure("peer \(BFD.own) interface eth0", "no shutdown")
            #expect(pair.isUp(), pair.report)
            pair.daemon.text("set bfd \(BFD.peer) admin-down")
            #expect(eventually(3) { pair.frr.status(BFD.own) == "down" }, pair.report)
            #expect(pair.daemon.bfdState(BFD.peer) == "admin-down")
            #expect(
                eventually { pair.frr.peer(BFD.own)?["remote-diagnostic"].string == "administratively down" },
                pair.report)
            pair.daemon.text("set bfd \(BFD.peer) up")
            #expect(pair.isUp(), pair.report)
            #expect(pair.daemon.bfdCounts(BFD.peer) == [3, 0], pair.report)
        }

        /// Over a global and over a link-local address.
        @Test(arguments: [true, false]) func `IPv6`(isGlobal: Bool) throws {
            let topology = Topology()
            let server = topology.server
            server.run("echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6")
            server.run("ip addr add 2001:db8::10/64 dev eth0 nodad; ip addr add fe80::10/64 dev eth0 nodad")
            let (peer, own) = isGlobal ? ("2001:db8::10", "2001:db8::1") : ("fe80::10", "fe80::1")
            let daemon = try Daemon(
                """
                interfaces:
                  wan0: {type: af-xdp, device: wan0, addresses: [198.51.100.1/24, "2001:db8::1/64", "fe80::1/64"]}
                bfd: {sessions: [{peer: "\(peer)", interface: wan0\(BFD.fast)}]}
                """, in: topology.router)
            let frr = try BFDSuite(
                "peer \(own) local-address \(peer) interface eth0\n  transmit-interval 50\n  receive-interval 50\n exit",
                in: server)
            let report: () -> Comment = {
                "\(daemon.text("show bfd \(peer)"))\(daemon.text("show errors"))\(frr.vtysh("show bfd peers").output)\(frr.log)"
            }
            #expect(eventually(15) { daemon.bfdState(peer) == "up" && frr.status(own) == "up" }, report())
            usleep(2_000_000)
            #expect(daemon.bfdCounts(peer) == [1, 0], report())
            frr.kill()
            #expect(eventually(3) { daemon.bfdState(peer) == "down" }, report())
            frr.start()
            #expect(eventually(15) { daemon.bfdState(peer) == "up" && frr.status(own) == "up" }, report())
        }

        @Test func `the router's restart`() throws {
            let pair = try Pair(BFD.fast)
            #expect(pair.isUp(), pair.report)
            pair.daemon.signal(SIGKILL)
            _ = pair.daemon.wait()
            #expect(eventually(3) { pair.frr.status(BFD.own) == "down" })
            let again = try pair.topology.start(more: "bfd: {sessions: [{peer: \(BFD.peer)\(BFD.fast)}]}")
            #expect(
                eventually(15) { again.bfdState(BFD.peer) == "up" && pair.frr.status(BFD.own) == "up" },
                "\(again.text("show bfd \(BFD.peer)"))\(pair.frr.vtysh("show bfd peers").output)")
        }

        @Test func `our echo packets come back from the peer's kernel`() throws {
            let pair = try Pair(BFD.fast + ", echo-interval: 50ms")
            pair.topology.server.run(
                "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects; "
                    + "echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects")
            #expect(pair.isUp(), pair.report)
            #expect(
                eventually { (pair.daemon.bfd(BFD.peer)?["counters"]["echoes_received"].int ?? 0) > 20 }, pair.report)
            #expect(pair.daemon.bfdState(BFD.peer) == "up", pair.report)
            // The control packets have become slow: it is the echoes that find the failure.
            pair.topology.server.run("echo 0 > /proc/sys/net/ipv4/ip_forward")
            #expect(
                eventually(3) {
                    pair.daemon.bfd(BFD.peer)?["changes"].list.contains {
                        $0["diagnostic"].string == "echo function failed"
                    } ?? false
                },
                pair.report)
        }

        @Test func `the peer's echo packets come back from us`() throws {
            let pair = try Pair(BFD.fast, frr: "  echo-mode\n  echo transmit-interval 50\n")
            #expect(pair.isUp(), pair.report)
            usleep(3_000_000)
            #expect(pair.frr.status(BFD.own) == "up", pair.report)
            #expect(pair.daemon.bfdCounts(BFD.peer) == [1, 0], pair.report)
            print(pair.frr.vtysh("show bfd peers counters").output)
        }

        @Test func `over several hops`() throws {
            let pair = try Pair(BFD.fast + ", multihop: true, local-address: \(BFD.own)", multihop: true)
            #expect(pair.isUp(), pair.report)
            pair.frr.kill()
            #expect(eventually(3) { pair.daemon.bfdState(BFD.peer) == "down" }, pair.report)
        }

        /// BGP PIC edge: a next hop two routes away dies, and what leads through it takes the other one.
        @Test func `a distant next hop that dies takes its routes with it`() throws {
            let topology = Topology()
            topology.server.run("ip addr add 203.0.113.1/32 dev lo")
            let daemon = try topology.start(
                more: """
                    bfd:
                      profiles: {fast: {transmit-interval: 50ms, receive-interval: 50ms}}
                    routes:
                      - {to: 203.0.113.1/32, via: \(BFD.peer)}
                      - to: 10.99.0.0/16
                        via:
                          - {address: 203.0.113.1, bfd: {profile: fast, local-address: \(BFD.own)}}
                          - {address: 198.51.100.77, preference: 1}
                    """)
            func state() -> String? {
                daemon.json("show fib 10.99.0.1")["path_lists"].list.first?["paths"].list.first?["problem"].string
            }
            func isUp() -> Bool { daemon.bfdState("203.0.113.1") == "up" }
            #expect(state() == nil, "\(daemon.text("show fib 10.99.0.1"))")
            let frr = try BFDSuite(
                "peer \(BFD.own) multihop local-address 203.0.113.1\n  transmit-interval 50\n"
                    + "  receive-interval 50\n exit", in: topology.server)
            #expect(eventually(15) { isUp() }, "\(daemon.text("show bfd"))\(frr.log)")
            #expect(daemon.text("show bfd").contains("routes"))
            frr.kill()
            #expect(eventually(3) { state() == "BFD down (control detection time expired)" })
            print(daemon.text("show fib 10.99.0.1"))
            frr.start()
            #expect(eventually(15) { isUp() && state() == nil }, "\(daemon.text("show bfd"))\(frr.log)")
            // Their operator takes it out of service.
            frr.configure("peer \(BFD.own) multihop local-address 203.0.113.1", "shutdown")
            #expect(eventually(5) { !isUp() })
            #expect(state() == nil, "\(daemon.text("show fib 10.99.0.1"))")
        }
    }
}
