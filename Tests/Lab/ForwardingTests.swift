// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Martlet between two kernel stacks.
    @Suite struct Forwarding {
        @Test func `a ping and its answer go through, and each node counts them`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping(count: 10) == 10)
            #expect(topology.ping("192.0.2.1") == 3, "the router answers for itself")
            let interfaces = daemon.json("show interfaces")["interfaces"].list
            #expect(interfaces.compactMap(\.["name"].string) == ["lan0", "wan0"])
            // 10 through, 3 to the router, and ARP.
            #expect((interfaces.first?["rx_packets"].int ?? 0) >= 14)
            #expect((interfaces.first?["tx_packets"].int ?? 0) >= 14)
            #expect(daemon.text("show runtime").contains("ip4-rewrite"))
            #expect(daemon.json("show errors")["errors"].list.isEmpty, "\(daemon.text("show errors"))")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test(arguments: [1, 2]) func `TCP carries the same bytes both ways`(workers: Int) throws {
            let topology = Topology(queues: workers)
            let daemon = try topology.start(workers: workers)
            let bytes = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let back = try Traffic.echoTCP(bytes, from: topology.client, to: topology.server, at: Topology.server)
            #expect(back == bytes)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        /// Without the router's reset the kernel would try again for as long as the test may take.
        @Test func `a TCP connection to the router is refused at once`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            for address in ["192.0.2.1", "198.51.100.1"] {
                let socket = try LabSocket(.tcp, in: topology.client)
                let failure = #expect(throws: LabSocket.Failure.self) { try socket.connect(address, port: 22) }
                #expect(failure?.reason == "Connection refused", "\(daemon.text("show errors"))")
            }
            #expect(daemon.json("show errors")["errors"].list.isEmpty, "\(daemon.text("show errors"))")
        }

        @Test func `traceroute finds the router`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            let hops = topology.client.run("traceroute -n -q 1 -w 2 -m 4 \(Topology.server)").output
                .split(separator: "\n").dropFirst().map { $0.split(separator: " ").dropFirst().first ?? "" }
            #expect(hops == ["192.0.2.1", "198.51.100.10"])
            let expired = topology.client.attempt("ping -n -c 1 -t 1 -W 2 \(Topology.server)").output
            #expect(expired.contains("From 192.0.2.1") && expired.contains("Time to live exceeded"), "\(expired)")
            #expect(daemon.isRunning)
        }

        @Test func `what has no route is reported to its sender`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            let answer = topology.client.attempt("ping -n -c 1 -W 2 203.0.113.1").output
            #expect(answer.contains("From 192.0.2.1") && answer.contains("Unreachable"), "\(answer)")
            #expect(!daemon.json("show errors")["errors"].list.isEmpty)
        }

        @Test func `a static route leads behind the server, and goes away`() throws {
            let topology = Topology()
            topology.server.run("ip addr add 203.0.113.1/32 dev lo")
            let daemon = try topology.start(more: "routes: [{to: 203.0.113.0/24, via: 198.51.100.10}]")
            #expect(topology.ping("203.0.113.1") == 3)
            daemon.text("route del 203.0.113.0/24")
            #expect(topology.ping("203.0.113.1", count: 1) == 0)
            daemon.text("route add 203.0.113.1/32 198.51.100.10")
            #expect(topology.ping("203.0.113.1") == 3)
        }

        @Test func `packets of 9000 bytes`() throws {
            let topology = Topology(mtu: 9000)
            let daemon = try topology.start()
            for size in [1472, 3800, 4068, 8972] {
                #expect(topology.ping(count: 2, options: "-M do -s \(size)") == 2, "\(size) bytes")
            }
            let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 131) }
            let back = try Traffic.echoTCP(bytes, from: topology.client, to: topology.server, at: Topology.server)
            #expect(back == bytes)
            #expect(daemon.json("show interfaces")["interfaces"].list.allSatisfy { $0["mtu_bytes"].int == 9000 })
        }

        @Test func `a packet that is too long is cut, or its sender is told`() throws {
            let topology = Topology(mtu: 9000)
            topology.server.run("ip link set eth0 mtu 1500")
            topology.router.run("ip link set wan0 mtu 1500")
            let daemon = try Daemon(
                """
                interfaces:
                  lan0: {type: af-xdp, addresses: [192.0.2.1/24], mtu: 9000}
                  wan0: {type: af-xdp, addresses: [198.51.100.1/24]}
                """, in: topology.router)
            let told = topology.client.attempt("ping -n -c 1 -W 2 -M do -s 4000 \(Topology.server)").output
            #expect(told.contains("From 192.0.2.1") && told.contains("mtu = 1500"), "\(told)")
            topology.client.run("ip route flush cache")
            #expect(topology.ping(count: 2, options: "-M dont -s 4000") == 2)
            #expect(daemon.isRunning)
        }

        @Test func `flows over several queues and workers lose nothing and keep their order`() throws {
            let topology = Topology(queues: 2)
            let daemon = try topology.start(workers: 2)
            #expect(topology.ping() == 3)
            for port in 9000..<9004 as Range<UInt16> {
                let account = try Traffic.flow(
                    from: topology.client, to: topology.server, at: Topology.server, port: port, rate: 20_000,
                    seconds: 0.5)
                #expect(account.lost == 0 && account.reordered == 0, "\(account)")
            }
            #expect(daemon.json("show threads")["threads"].list.count == 2)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `100,000 packets a second: none lost, none out of order`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping() == 3)
            let seconds = Laboratory.isSoak ? 30.0 : 3.0
            let account = try Traffic.flow(
                from: topology.client, to: topology.server, at: Topology.server, rate: 100_000, seconds: seconds)
            #expect(
                account.lost == 0 && account.reordered == 0 && account.duplicated == 0,
                "\(account)\n\(topology.losses(daemon))")
            print("sent \(account.sent), \(Int(account.packetsPerSecond)) packets/s")
            // A sender that is too slow proves nothing; on a busy machine the long run shows it.
            if Laboratory.isSoak { #expect(account.packetsPerSecond > 95_000) }
            #expect(daemon.json("show errors")["errors"].list.isEmpty, "\(daemon.text("show errors"))")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `tshark finds nothing malformed in what leaves the router`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            let scratch = try ScratchDirectory()
            let captures = [topology.client, topology.server].enumerated().map { number, namespace in
                (
                    file: "\(scratch.path)/\(number).pcap",
                    child: namespace.start([
                        "tcpdump", "-q", "-U", "-Q", "in", "-i", "eth0", "-w", "\(scratch.path)/\(number).pcap",
                    ])
                )
            }
            #expect(eventually { captures.allSatisfy { FileManager.default.fileExists(atPath: $0.file) } })
            #expect(topology.ping() == 3)
            #expect(topology.ping(count: 2, options: "-s 4000") == 2)
            _ = topology.client.attempt("traceroute -n -q 1 -w 1 -m 3 \(Topology.server)")
            _ = topology.client.attempt("ping -n -c 1 -W 1 203.0.113.1")
            let bytes = [UInt8](repeating: 0x5a, count: 100_000)
            #expect(
                try Traffic.echoTCP(bytes, from: topology.client, to: topology.server, at: Topology.server) == bytes)
            usleep(300_000)
            for capture in captures {
                capture.child.kill(SIGINT)
                _ = capture.child.wait(seconds: 5)
                #expect(Tshark.count("frame", in: capture.file) > 10)
                #expect(Tshark.complaints(in: capture.file) == [])
            }
            #expect(daemon.isRunning)
        }

        @Test func `tshark does find what is malformed`() throws {
            let scratch = try ScratchDirectory()
            let file = "\(scratch.path)/bad.pcap"
            // A capture of one UDP datagram whose IP checksum is wrong and whose length reaches beyond its packet.
            var bytes: [UInt8] =
                [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0] + [UInt8](repeating: 0, count: 8) + [0, 0, 1, 0, 1, 0, 0, 0]
            bytes += [0, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 42, 0, 0, 0]
            bytes += [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
            bytes += [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0xde, 0xad, 192, 0, 2, 10, 198, 51, 100, 10]
            bytes += [4, 0, 4, 0, 99, 0, 0, 0]
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            #expect(Tshark.complaints(in: file) != [])
        }
    }
}

/// Wireshark's dissectors as a judge.
enum Tshark {
    private static let options = "-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -n"

    /// How many frames of a capture a display filter takes.
    static func count(_ filter: String, in file: String) -> Int {
        Shell.run("tshark \(options) -r \(file) -Y '\(filter)' 2> /dev/null").output.split(separator: "\n").count
    }

    /// The frames that are malformed, or have a bad checksum or length, one line each.
    static func complaints(in file: String) -> [String] {
        let bad = [
            "_ws.malformed", "ip.checksum.status == 0", "tcp.checksum.status == 0", "udp.checksum.status == 0",
            "icmp.checksum.status == 0", "ip.bogus_ip_length", "udp.length.bad",
        ].joined(separator: " || ")
        let result = Shell.run("tshark \(options) -r \(file) -Y '\(bad)'")
        guard result.code == 0 else { return [result.errors] }
        return result.output.split(separator: "\n").map(String.init)
    }
}
