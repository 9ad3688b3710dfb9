// SPDX-License-Identifier: Apache-2.0
import Foundation
import Interfaces
import Testing
import Wire

extension Lab {
    /// Monitor sessions between kernel stacks: what real tools see at the destination.
    @Suite struct Mirroring {
        /// A router between client and server, and a third machine that only listens.
        private struct Watched {
            let topology = Topology()
            let probe = Namespace("probe")
            let scratch: ScratchDirectory

            init() throws {
                scratch = try ScratchDirectory()
                topology.router.connect("mirror0", to: probe, "eth0")
            }

            func start(_ sessions: String) throws -> Daemon {
                try topology.start(more: "  mirror0: {type: af-xdp, device: mirror0}\n" + sessions)
            }

            /// Has tcpdump write what a namespace's eth0 receives, or with "inout" also what it sends, while `body` runs.
            func capture(_ places: [(Namespace, String)], _ body: () throws -> Void) throws -> [[[UInt8]]] {
                let children = places.enumerated().map { number, place in
                    place.0.start([
                        "tcpdump", "-q", "-U", "-Q", place.1, "-i", "eth0", "-w", "\(scratch.path)/\(number).pcap",
                    ])
                }
                for number in places.indices {
                    let path = "\(scratch.path)/\(number).pcap"
                    #expect(
                        eventually { (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0 > 0 }
                    )
                }
                try body()
                usleep(500_000)
                for child in children {
                    child.kill(SIGINT)
                    _ = child.wait(seconds: 5)
                }
                return try places.indices.map { try Watched.frames("\(scratch.path)/\($0).pcap") }
            }

            private static func frames(_ path: String) throws -> [[UInt8]] {
                let reader = try CaptureReader(path: path)
                var frames: [[UInt8]] = []
                while let record = try reader.next() { frames.append([UInt8](record.bytes)) }
                return frames.sorted { $0.lexicographicallyPrecedes($1) }
            }
        }

        @Test func `tcpdump at the destination sees the frames of both directions, byte for byte`() throws {
            let lab = try Watched()
            let daemon = try lab.start("monitor-sessions: {lab: {destination: mirror0, sources: [lan0]}}")
            #expect(lab.topology.ping() == 3)
            let captures = try lab.capture([(lab.topology.client, "inout"), (lab.probe, "in")]) {
                #expect(lab.topology.ping(count: 10, options: "-s 1200") == 10)
            }
            #expect(captures[0].count >= 20)
            #expect(captures[0] == captures[1])
            let source = daemon.json("show monitor-session lab")["sessions"].list.first?["sources"].list.first
            #expect(source?["status"].string == "Operational")
            #expect((source?["rx"]["packets"].int ?? 0) >= 13)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `a pcapng file has the names of the interfaces and the directions, as tshark sees them`() throws {
            let lab = try Watched()
            let file = "\(lab.scratch.path)/copies.pcapng"
            let daemon = try lab.start(
                "monitor-sessions: {lab: {destination: {file: \(file)}, class: ipv4, sources: [lan0, "
                    + "{interface: wan0, direction: rx, first: 40}]}}")
            #expect(lab.topology.ping(count: 5) == 5)
            #expect(daemon.stop() == 0, "\(daemon.log)")
            let lines = Shell.run(
                "tshark -n -r \(file) -Y icmp -T fields -e frame.interface_name -e frame.packet_flags "
                    + "-e frame.cap_len -e frame.len -e icmp.type 2> /dev/null"
            ).output.split(separator: "\n").map { $0.split(separator: "\t").joined(separator: " ") }
            // Each request into lan0, and each answer into wan0, of which there are 40 bytes, and out of lan0.
            let request = lines.filter { $0 == "lan0 0x00000001 98 98 8" }
            let answer = lines.filter { $0 == "wan0 0x00000001 40 98 0" }
            let out = lines.filter { $0 == "lan0 0x00000002 98 98 0" }
            #expect(request.count == 5 && answer.count == 5 && out.count == 5, "\(lines)")
            #expect(Shell.run("tcpdump -n -r \(file) 2> /dev/null").output.contains("ICMP echo request"))
        }

        @Test func `traffic that is watched loses nothing, however few copies get through`() throws {
            let lab = try Watched()
            let daemon = try lab.start(
                "monitor-sessions: {lab: {destination: mirror0, sources: [{interface: lan0, rate: 1kpps}]}, "
                    + "file: {destination: {file: \(lab.scratch.path)/x.pcapng, limit: 1MiB}, allow-multi: true, "
                    + "sources: [{interface: lan0, direction: rx}]}}")
            #expect(lab.topology.ping() == 3)
            let account = try Traffic.flow(
                from: lab.topology.client, to: lab.topology.server, at: Topology.server, rate: 20_000, seconds: 2)
            #expect(account.lost == 0 && account.reordered == 0, "\(account) \(lab.topology.losses(daemon))")
            let sessions = daemon.json("show monitor-session")["sessions"].list
            let limited = sessions.first { $0["name"].string == "lab" }?["sources"].list.first?["rx"]
            #expect((limited?["lost"]["rate-exceeded"].int ?? 0) > account.sent / 2)
            #expect((100...account.sent / 2).contains(limited?["packets"].int ?? 0))
            let file = sessions.first { $0["name"].string == "file" }?["sources"].list.first
            #expect(file?["status"].string == "Error: see detailed output for explanation")
            #expect(file?["status_detail"].string == "Error: the file '\(lab.scratch.path)/x.pcapng' is full")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }
    }
}
