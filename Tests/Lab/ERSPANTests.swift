// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

extension Lab {
    /// Mirrored frames through a kernel's network: tshark on the way, a second Martlet at the end.
    ///
    ///     client 10.1.0.10 — left — core — right — analyser
    @Suite struct ERSPAN {
        private final class Sites {
            let client = Namespace("client")
            let left = Namespace("left")
            let core = Namespace("core")
            let right = Namespace("right")
            let analyser = Namespace("analyser")
            let scratch: ScratchDirectory

            init() throws {
                scratch = try ScratchDirectory()
                left.connect("lan0", to: client, "eth0")
                left.connect("wan0", to: core, "left")
                right.connect("wan0", to: core, "right")
                right.connect("tap0", to: analyser, "eth0")
                client.finishChecksums("eth0")
                client.run("ip addr add 10.1.0.10/24 dev eth0")
                core.run("cd /proc/sys/net/ipv6/conf && for i in all left right; do echo 0 > $i/disable_ipv6; done")
                core.run("ip addr add 192.0.2.1/30 dev left && ip addr add 198.51.100.1/30 dev right")
                core.run("ip addr add 2001:db8:1::1/64 dev left nodad && ip addr add 2001:db8:2::1/64 dev right nodad")
                core.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
            }

            /// - Parameter keys: Of both ends of the ERSPAN session.
            func start(_ keys: String, isIPv6: Bool, workers: Int = 1) throws -> (left: Daemon, right: Daemon) {
                let neighbor = "{interface: lan0.100, address: 10.100.0.10, mac: \"\(client.station(of: "eth0"))\"}"
                let ends = isIPv6 ? ["2001:db8:1::2", "2001:db8:2::2"] : ["192.0.2.2", "198.51.100.2"]
                let gateways = isIPv6 ? ["2001:db8:1::1", "2001:db8:2::1"] : ["192.0.2.1", "198.51.100.1"]
                func underlay(_ here: Int) -> String {
                    """
                      wan0: {type: af-xdp, addresses: ["\(ends[here])/\(isIPv6 ? 64 : 30)"]}
                      span: {type: erspan, source: "\(ends[here])", destination: "\(ends[1 - here])", \(keys)
                             \(here == 1 ? "decapsulate-to: tap0" : "dscp: 8")}
                    neighbors:
                      ipv6-probes: 0
                      static: [\(here == 0 ? neighbor : "")]
                    routes: [{to: \(isIPv6 ? "default6" : "default"), via: "\(gateways[here])"}]
                    """
                }
                let left = try Daemon(
                    """
                    workers: {count: \(workers)}
                    monitor-sessions:
                      watch: {destination: span, sources: [lan0]}
                    interfaces:
                      lan0: {type: af-xdp, addresses: [10.1.0.1/24], handoff: \(workers > 1)}
                      lan0.100: {type: vlan, parent: lan0, dot1q: 100, priority: 5, addresses: [10.100.0.1/24]}
                    \(underlay(0))
                    """, in: self.left)
                let right = try Daemon(
                    """
                    interfaces:
                      tap0: {type: af-xdp}
                    \(underlay(1))
                    """, in: self.right)
                return (left, right)
            }

            /// An echo request in VLAN 100, which the router answers there.
            func sendTagged() throws {
                let stations = [client.station(of: "eth0"), left.station(of: "lan0")].compactMap { MACAddress($0) }
                let frame = PacketBuilder().ethernet(from: stations[0], to: stations[1])
                    .vlan(VLANTag(identifier: 100, priority: 3))
                    .ipv4(from: IPv4Address(10, 100, 0, 10), to: IPv4Address(10, 100, 0, 1))
                    .icmp(.echoRequest(identifier: 1, sequence: 1)).payload(count: 40)
                try client.inside {
                    let file = socket(AF_PACKET, Int32(SOCK_RAW.rawValue), 0)
                    defer { close(file) }
                    // What C calls sockaddr_ll: the family and the interface are enough.
                    var address = [UInt8](repeating: 0, count: 20)
                    address[0] = UInt8(AF_PACKET)
                    address.replaceSubrange(4..<8, with: withUnsafeBytes(of: if_nametoindex("eth0")) { Array($0) })
                    let bytes = frame.bytes
                    let sent = address.withUnsafeBytes {
                        sendto(file, bytes, bytes.count, 0, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, 20)
                    }
                    #expect(sent == bytes.count)
                }
            }

            func ping(_ options: String = "", count: Int = 3) -> Int {
                let result = client.attempt("ping -n -c \(count) -i 0.05 -W 2 \(options) 10.1.0.1")
                let words = result.output.split { $0 == " " || $0 == "," || $0 == "\n" }
                return words.firstIndex(of: "received").flatMap { Int(words[$0 - 1]) } ?? 0
            }

            /// What the core and the analyser see while `body` runs.
            func capture(_ body: () throws -> Void) rethrows -> (core: String, analyser: String) {
                let files = (core: "\(scratch.path)/core.pcap", analyser: "\(scratch.path)/analyser.pcap")
                let dumps = [
                    core.start(["tcpdump", "-q", "-U", "-Q", "in", "-i", "left", "-w", files.core]),
                    analyser.start(["tcpdump", "-q", "-U", "-Q", "in", "-i", "eth0", "-w", files.analyser]),
                ]
                #expect(
                    eventually {
                        [files.core, files.analyser].allSatisfy { FileManager.default.fileExists(atPath: $0) }
                    })
                try body()
                usleep(500_000)
                for dump in dumps {
                    dump.kill(SIGINT)
                    _ = dump.wait(seconds: 5)
                }
                return files
            }
        }

        @Test(arguments: [(1, false), (2, false), (3, false), (2, true), (3, true)])
        func `tshark finds the fields that the file has, and the far end the frames`(
            version: Int, isIPv6: Bool
        ) throws {
            let sites = try Sites()
            let keys = [
                "version: 1,", "version: 2, session-id: 77, index: 4660,",
                "version: 3, session-id: 77, hardware-id: 9,",
            ][version - 1]
            let daemons = try sites.start(keys, isIPv6: isIPv6)
            #expect(eventually { sites.ping(count: 1) == 1 })
            let since = Int(Date().timeIntervalSince1970)
            let files = try sites.capture {
                #expect(sites.ping(count: 5) == 5)
                #expect(sites.ping("-s 1472", count: 2) == 2)
                for _ in 0..<4 { try sites.sendTagged() }
            }
            // Of what was cut, the header inside tells of more than there is.
            #expect(Tshark.complaints(in: files.core).allSatisfy { $0.contains(" 1514 ") })
            #expect(Tshark.count("erspan.version.unknown", in: files.core) == 0)
            let outer =
                isIPv6 ? "ipv6.hlim == 254 || ipv6.hlim == 255" : "ip.ttl == 255 && ip.flags.df && ip.dsfield.dscp == 8"
            #expect(Tshark.count("gre && (\(outer)) && icmp", in: files.core) >= 22)
            // Both directions of five pings, two long ones and four with tags.
            let session = version == 1 ? "erspan" : "erspan.spanid == 77"
            #expect(Tshark.count("\(session) && icmp && frame.len < 300", in: files.core) == 18)
            if version > 1 {
                #expect(Tshark.count("erspan.truncated == 1 && icmp", in: files.core) == 4)
                #expect(Tshark.count("erspan.truncated == 0 && icmp", in: files.core) == 18)
                #expect(Tshark.count("erspan.vlan == 100 && erspan.cos == 3 && icmp", in: files.core) == 4)
                #expect(Tshark.count("erspan.vlan == 100 && erspan.cos == 5 && icmp", in: files.core) == 4)
                let numbers = Shell.run(
                    "tshark -n -r \(files.core) -Y erspan -T fields -e gre.sequence_number 2> /dev/null"
                ).output.split(separator: "\n").compactMap { Int($0) }
                #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 }, "\(numbers)")
            }
            if version == 2 {
                #expect(Tshark.count("erspan.index == 4660 && erspan.encap == 3 && icmp", in: files.core) == 8)
                #expect(Tshark.count("erspan.index == 4660 && erspan.encap == 0 && icmp", in: files.core) == 14)
            }
            if version == 3 {
                #expect(Tshark.count("erspan.direction == 0 && icmp.type == 8 && erspan.hw == 9", in: files.core) == 11)
                #expect(
                    Tshark.count("erspan.direction == 1 && icmp.type == 0 && erspan.gra == 0", in: files.core) == 11)
                let times = Shell.run(
                    "tshark -n -r \(files.core) -Y 'erspan && icmp' -T fields -e erspan.timestamp 2> /dev/null"
                ).output.split(separator: "\n").compactMap { UInt32($0) }
                let start = UInt32(truncatingIfNeeded: since * 10_000)
                #expect(!times.isEmpty && times.allSatisfy { $0 &- start < 600_000 }, "\(times)")
            }
            // The far end sends what was mirrored, to the bit as far as it was not cut.
            #expect(Tshark.count("icmp.type == 8 && !vlan", in: files.analyser) == 7)
            #expect(Tshark.count("icmp.type == 0 && !vlan", in: files.analyser) == 7)
            #expect(Tshark.count("vlan.id == 100 && icmp", in: files.analyser) == 8)
            let row = daemons.right.json("show erspan")["sessions"].list.first
            #expect((row?["received"].int ?? 0) >= 22 && row?["lost"].int == 0 && row?["late"].int == 0)
            #expect(row?["truncated"].int == (version == 1 ? 0 : 4))
            for daemon in [daemons.left, daemons.right] { #expect(daemon.stop() == 0, "\(daemon.log)") }
        }

        /// The far end counts what comes late, whatever it does with it.
        @Test func `numbers rise on the wire with two workers, and no frame is lost`() throws {
            let sites = try Sites()
            let daemons = try sites.start("session-id: 3,", isIPv6: false, workers: 2)
            #expect(eventually { sites.ping(count: 1) == 1 })
            sites.client.run("ping -q -f -n -c 3000 10.1.0.1 > /dev/null", seconds: 60)
            usleep(300_000)
            let row = daemons.right.json("show erspan")["sessions"].list.first
            #expect((row?["received"].int ?? 0) >= 6000, "\(daemons.right.text("show erspan"))")
            #expect(row?["lost"].int == 0 && row?["late"].int == 0, "\(daemons.right.text("show erspan"))")
            for daemon in [daemons.left, daemons.right] { #expect(daemon.stop() == 0, "\(daemon.log)") }
        }
    }
}

extension Namespace {
    /// A device's hardware address.
    fileprivate func station(of device: String) -> String {
        run("cat /sys/class/net/\(device)/address").output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
