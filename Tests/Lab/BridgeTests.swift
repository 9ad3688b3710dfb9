// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Martlet as a bridge beside the kernel's:
    ///
    ///     host eth0 10.0.0.10 — lan0 Martlet lan1 — near0 the kernel's bridge br0 far0 — far eth0 10.0.0.20
    @Suite struct Bridge {
        private let host = Namespace("host")
        private let router = Namespace("router")
        private let kernel = Namespace("kernel")
        private let far = Namespace("far")

        init() {
            router.connect("lan0", to: host, "eth0")
            router.connect("lan1", to: kernel, "near0")
            kernel.connect("far0", to: far, "eth0")
            kernel.run(
                "ip link add br0 type bridge stp_state 0 forward_delay 0 && ip link set near0 master br0 "
                    + "&& ip link set far0 master br0 && ip link set br0 up")
            for (namespace, last) in [(host, 10), (far, 20)] {
                namespace.finishChecksums("eth0")
                namespace.run("ip addr add 10.0.0.\(last)/24 dev eth0")
            }
        }

        private func start(_ more: String = "") throws -> Daemon {
            try Daemon(
                """
                interfaces:
                  lan0: {type: af-xdp}
                  lan1: {type: af-xdp}
                  irb: {type: bvi, mac: "02:00:00:00:00:01", addresses: [10.0.0.1/24]}
                bridges:
                  lan:
                    members: [lan0, lan1, irb]
                    \(more)
                """, in: router)
        }

        private func ping(_ address: String, count: Int = 5) -> Int {
            let output = host.attempt("ping -n -c \(count) -i 0.05 -W 2 \(address)").output
            return output.split(separator: "\n").filter { $0.contains("bytes from") }.count
        }

        @Test func `hosts reach each other and the router through both bridges`() throws {
            let daemon = try start()
            #expect(ping("10.0.0.20") == 5)
            #expect(ping("10.0.0.1") == 5, "\(daemon.text("show errors"))")
            let stations = daemon.json("show fdb")["stations"].list
            let known = stations.compactMap { row in
                row["mac"].string.flatMap { mac in row["interface"].string.map { (mac, $0) } }
            }
            for (namespace, member) in [(host, "lan0"), (far, "lan1")] {
                let mac = namespace.run("cat /sys/class/net/eth0/address").output.trimmingCharacters(
                    in: .whitespacesAndNewlines)
                #expect(known.contains { $0 == (mac, member) }, "\(known)")
            }
            #expect(daemon.text("clear fdb").contains("stations forgotten"))
            #expect(ping("10.0.0.20", count: 3) == 3)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `TCP fills the bridge both ways`() throws {
            let daemon = try start()
            #expect(ping("10.0.0.20") == 5)
            let server = far.start(["iperf3", "-s", "-1"])
            defer { server.kill(SIGTERM) }
            var result = host.attempt("true")
            for _ in 0..<20 {
                usleep(100_000)
                result = host.attempt("iperf3 -J -t 2 --bidir -c 10.0.0.20", seconds: 30)
                if result.code == 0 { break }
            }
            let report = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            let end = try #require(report?["end"] as? [String: Any], "\(result.output)\(result.errors)")
            for key in ["sum_received", "sum_received_bidir_reverse"] {
                let bytes = (end[key] as? [String: Any])?["bytes"] as? Int ?? 0
                #expect(bytes > 1_000_000, "\(key): \(bytes)")
            }
            #expect(daemon.isRunning)
        }

        @Test func `the kernel's BPDUs pass, or are dropped where the port says so`() throws {
            for action in ["tunnel", "drop"] {
                let daemon = try Daemon(
                    """
                    interfaces: {lan0: {type: af-xdp}, lan1: {type: af-xdp}}
                    bridges:
                      lan: {members: [lan0, {interface: lan1, control-frames: {bpdu: \(action)}}]}
                    """, in: router)
                kernel.run("ip link set br0 type bridge stp_state 1 hello_time 100")
                let seen = host.attempt(
                    "timeout 4 tshark -n -i eth0 -a duration:3 -Y stp -T fields -e stp.protocol", seconds: 20
                ).output
                #expect(seen.contains("0x0000") == (action == "tunnel"), "\(action): \(seen)")
                if action == "drop" {
                    #expect(daemon.text("show errors").contains("control-frame"), "\(daemon.text("show errors"))")
                }
                #expect(daemon.stop() == 0, "\(daemon.log)")
            }
        }
    }
}
