// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Kernel stacks behind two Martlets, with tags between these:
    ///
    ///     client eth0 — lan0 left trunk0 — (kernel bridge) — trunk0 right lan0 — eth0 server
    ///
    /// The kernel's bridge forwards frames with their tags, and is where they are looked at.
    @Suite struct VLANs {
        private final class Trunk {
            static let server = "10.9.0.2"

            let client = Namespace("client")
            let left = Namespace("left")
            let middle = Namespace("middle")
            let right = Namespace("right")
            let server = Namespace("server")

            /// - Parameter mtu: Of the trunk.
            init(mtu: Int) {
                left.connect("lan0", to: client, "eth0")
                right.connect("lan0", to: server, "eth0")
                // With snooping the bridge would join a group, and tell so on all ports.
                middle.run("ip link add br0 mtu \(mtu) type bridge mcast_snooping 0 && ip link set br0 up")
                for (port, router) in [("left", left), ("right", right)] {
                    middle.connect(port, to: router, "trunk0", mtu: mtu)
                    middle.run("ip link set \(port) master br0")
                    // The kernel would leave tags to a device that is not there.
                    middle.run("ethtool -K \(port) txvlan off tx-vlan-stag-hw-insert off")
                }
                for namespace in [client, server] { namespace.finishChecksums("eth0") }
                client.run("ip addr add 10.9.0.1/24 dev eth0")
            }

            /// Pings from the client; how many answers came.
            func ping(_ address: String, options: String = "") -> Int {
                let output = client.attempt("ping -n -c 3 -i 0.05 -W 2 \(options) \(address)").output
                let words = output.split { $0 == " " || $0 == "," || $0 == "\n" }
                guard let place = words.firstIndex(of: "received") else { return 0 }
                return Int(words[place - 1]) ?? 0
            }

            /// What is on the trunk while `body` runs: how many frames of a capture each display filter takes.
            func count(_ filters: [String], during body: () throws -> Void) throws -> [Int] {
                let scratch = try ScratchDirectory()
                let file = "\(scratch.path)/trunk.pcap"
                let capture = middle.start(["tcpdump", "-q", "-U", "-i", "br0", "-w", file])
                #expect(eventually { FileManager.default.fileExists(atPath: file) })
                try body()
                usleep(300_000)
                capture.kill(SIGINT)
                _ = capture.wait(seconds: 5)
                #expect(Tshark.complaints(in: file) == [])
                return filters.map { Tshark.count($0, in: file) }
            }
        }

        private func daemons(_ trunk: Trunk, left: String, right: String) throws -> [Daemon] {
            let devices = "  lan0: {type: af-xdp, device: lan0}\n  trunk: {type: af-xdp, device: trunk0}\n"
            return [
                try Daemon("interfaces:\n" + devices + left, in: trunk.left),
                try Daemon("interfaces:\n" + devices + right, in: trunk.right),
            ]
        }

        /// One side takes the tags off at the trunk, the other puts them on at the untagged port.
        private static let takesOff = """
              qinq: {type: vlan, parent: trunk, dot1ad: 200, second-dot1q: 7, rewrite: {pop: 2}}
            bridges:
              lan: {members: [lan0, qinq]}
            """
        private static let putsOn = """
              native: {type: vlan, parent: lan0, untagged: true, rewrite: {push: {dot1ad: 200, second-dot1q: 7}}}
              qinq: {type: vlan, parent: trunk, dot1ad: 200, second-dot1q: 7}
            bridges:
              lan: {members: [native, qinq]}
            """

        private func qinq() throws -> (Trunk, [Daemon]) {
            let trunk = Trunk(mtu: 1504)
            trunk.server.run("ip addr add \(Trunk.server)/24 dev eth0")
            return (trunk, try daemons(trunk, left: Self.takesOff, right: Self.putsOn))
        }

        @Test func `a ping through a QinQ trunk, with both tags on it and none outside`() throws {
            let (trunk, daemons) = try qinq()
            #expect(trunk.ping(Trunk.server) == 3, "\(daemons.map { $0.text("show errors") })")
            let stack = "icmp && ieee8021ad.id == 200 && vlan.id == 7"
            let counts = try trunk.count(["icmp", stack, "icmp && !(vlan && ieee8021ad)"]) {
                #expect(trunk.ping(Trunk.server, options: "-M do -s 1472") == 3)
            }
            #expect(counts[0] == 6 && counts[1] == 6 && counts[2] == 0, "\(counts)")
            for daemon in daemons {
                #expect(daemon.json("show errors")["errors"].list.isEmpty, "\(daemon.text("show errors"))")
                #expect(daemon.text("show interfaces qinq").contains("dot1ad 200 second-dot1q 7"))
                #expect(daemon.stop() == 0, "\(daemon.log)")
            }
        }

        @Test func `TCP through a QinQ trunk carries the same bytes both ways`() throws {
            let (trunk, daemons) = try qinq()
            let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 9) }
            let back = try Traffic.echoTCP(bytes, from: trunk.client, to: trunk.server, at: Trunk.server)
            #expect(back == bytes)
            for daemon in daemons { #expect(daemon.stop() == 0, "\(daemon.log)") }
        }

        private static let hasIperf = Shell.run("command -v iperf3").code == 0

        @Test(.enabled(if: hasIperf, "iperf3 is not installed: `Tools/install-dependencies test`"))
        func `iperf3 through a QinQ trunk`() throws {
            let (trunk, daemons) = try qinq()
            let server = trunk.server.start(["iperf3", "-s", "-1"])
            #expect(eventually { trunk.server.attempt("ss -ltn | grep -q :5201").code == 0 })
            let report = JSONValue(trunk.client.run("iperf3 -J -c \(Trunk.server) -n 20M").output)
            // What is under way when the sender is done is not counted at the far end.
            #expect((report["end"]["sum_sent"]["bytes"].int ?? 0) >= 20 << 20)
            #expect((report["end"]["sum_received"]["bytes"].int ?? 0) >= 10 << 20)
            _ = server.wait(seconds: 5)
            for daemon in daemons { #expect(daemon.stop() == 0, "\(daemon.log)") }
        }

        /// The VLAN ends at a BVI, which routes to another port.
        @Test func `routing out of a VLAN`() throws {
            let trunk = Trunk(mtu: 1500)
            trunk.server.run("ip addr add 10.8.0.2/24 dev eth0 && ip route add default via 10.8.0.1")
            trunk.client.run("ip route add default via 10.9.0.254")
            let right = """
                  trunk.10: {type: vlan, parent: trunk, dot1q: 10, rewrite: {pop: 1}}
                  irb: {type: bvi, mac: "02:00:00:00:00:10", addresses: [10.9.0.254/24]}
                  lan0.0: {type: vlan, parent: lan0, untagged: true, addresses: [10.8.0.1/24]}
                bridges:
                  ten: {members: [trunk.10, irb]}
                """
            let left = """
                  trunk.10: {type: vlan, parent: trunk, dot1q: 10, rewrite: {pop: 1}}
                bridges:
                  ten: {members: [lan0, trunk.10]}
                """
            let daemons = try daemons(trunk, left: left, right: right)
            let counts = try trunk.count(["icmp && vlan.id == 10", "icmp && !vlan", "arp && vlan.id == 10"]) {
                #expect(trunk.ping("10.9.0.254") == 3, "\(daemons.map { $0.text("show errors") })")
                #expect(trunk.ping("10.8.0.2") == 3, "\(daemons.map { $0.text("show errors") })")
                #expect(trunk.ping("10.8.0.2", options: "-M do -s 1472") == 3)
            }
            #expect(counts[0] == 18 && counts[1] == 0 && counts[2] >= 2, "\(counts)")
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            #expect(try Traffic.echoTCP(bytes, from: trunk.client, to: trunk.server, at: "10.8.0.2") == bytes)
            for daemon in daemons { #expect(daemon.stop() == 0, "\(daemon.log)") }
        }
    }
}
