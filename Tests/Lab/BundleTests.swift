// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Two Martlets with a bundle between them.
    @Suite struct Bundles {
        private static let members = "members: [m0, m1, m2]"

        @Test func `LACP comes up, traffic flows both ways over all links, and tshark finds nothing wrong`() throws {
            let lab = BundleTopology()
            let scratch = try ScratchDirectory()
            let file = "\(scratch.path)/lacp.pcap"
            let far = try lab.start(lab.far, "\(Bundles.members), rate: fast")
            let capture = lab.far.start(["tcpdump", "-i", "m1", "-Q", "in", "-w", file, "-U", "ether proto 0x8809"])
            let near = try lab.start(lab.near, "\(Bundles.members), rate: fast")
            lab.awaitActive(BundleTopology.links, near, far)
            #expect(eventually { lab.ping() == 3 })
            var flows: [Traffic.Account] = []
            for port in 9001...9006 as ClosedRange<UInt16> {
                flows.append(
                    try Traffic.flow(
                        from: lab.client, to: lab.server, at: BundleTopology.server, port: port, rate: 2000,
                        seconds: 0.5))
                flows.append(
                    try Traffic.flow(
                        from: lab.server, to: lab.client, at: BundleTopology.client, port: port, rate: 2000,
                        seconds: 0.5))
            }
            #expect(flows.allSatisfy { $0.lost == 0 && $0.reordered == 0 && $0.duplicated == 0 }, "\(flows)")
            let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let echoed = try Traffic.echoTCP(bytes, from: lab.client, to: lab.server, at: BundleTopology.server)
            #expect(echoed == bytes)
            for daemon in [near, far] {
                let members = BundleTopology.bundle(daemon)["members"].list
                // More than LACPDUs: every link has its flows.
                #expect(members.filter { $0["tx_packets"].int ?? 0 > 500 }.count >= 2, "\(daemon.text("show bundle"))")
                #expect(members.allSatisfy { $0["lacp"]["counters"]["expired"].int == 0 })
                let interfaces = daemon.json("show interfaces")["interfaces"].list
                func count(_ name: String, _ key: String) -> Int {
                    interfaces.first { $0["name"].string == name }?[key].int ?? 0
                }
                let sent = BundleTopology.links.reduce(0) { $0 + count($1, "tx_packets") }
                let lacp = members.reduce(0) { $0 + ($1["lacp"]["counters"]["sent"].int ?? 0) }
                #expect(abs(sent - lacp - count("be0", "tx_packets")) <= 6, "\(daemon.text("show interfaces"))")
            }
            print(near.text("show bundle") + near.text("show bundle be0"))
            // One router stops, and says so: it is believed at once, not after three seconds.
            #expect(far.stop() == 0, "\(far.log)")
            #expect(eventually(1.5) { BundleTopology.active(near) == [] }, "\(near.text("show bundle be0"))")
            // The device is the kernel's again: a capture sees what comes.
            usleep(2_500_000)
            #expect(near.stop() == 0, "\(near.log)")
            usleep(200_000)
            capture.kill(SIGINT)
            _ = capture.wait(seconds: 5)
            check(file)
        }

        /// What the near router sent to the far one, after that one's end and at its own.
        private func check(_ file: String) {
            let all = Tshark.count("lacp", in: file)
            #expect(all >= 3)
            #expect(Tshark.complaints(in: file) == [])
            for filter in ["_ws.expert", "frame.len != 124", "eth.dst != 01:80:c2:00:00:02", "lacp.version != 1"] {
                #expect(Tshark.count(filter, in: file) == 0, "\(filter)")
            }
            let expected = [
                "lacp.actor.sys_priority == 32768", "lacp.actor.key == 1", "lacp.actor.port == 2",
                "lacp.actor.port_priority == 32768", "lacp.actor.state.activity == 1", "lacp.actor.state.timeout == 1",
                "lacp.actor.state.aggregation == 1",
            ]
            for filter in expected { #expect(Tshark.count(filter, in: file) == all, "\(filter)") }
            #expect(Tshark.count("lacp.partner.port == 2 && lacp.partner.key == 1", in: file) > 0)
            print(Shell.run("tshark -n -r \(file) -V -c 1 -Y lacp 2> /dev/null").output)
        }

        @Test func `a partner that dies is given up after three seconds`() throws {
            let lab = BundleTopology()
            let near = try lab.start(lab.near, "\(Bundles.members), rate: fast")
            let far = try lab.start(lab.far, "\(Bundles.members), rate: fast")
            lab.awaitActive(BundleTopology.links, near, far)
            let begin = Traffic.now()
            far.signal(SIGKILL)
            #expect(eventually(8) { BundleTopology.active(near) == [] }, "\(near.text("show bundle be0"))")
            let seconds = Traffic.now() - begin
            print("LACP, rate fast: a partner that was killed is given up after \(seconds) s")
            #expect(seconds > 1.9)
            #expect(!BundleTopology.isUp(near))
            let again = try lab.start(lab.far, "\(Bundles.members), rate: fast")
            lab.awaitActive(BundleTopology.links, near, again)
            #expect(eventually { lab.ping() == 3 })
        }

        @Test func `minimum links: both sides know that there are too few`() throws {
            let lab = BundleTopology()
            let near = try lab.start(lab.near, "\(Bundles.members), rate: fast, minimum-links: 2")
            let far = try lab.start(lab.far, "\(Bundles.members), rate: fast")
            lab.awaitActive(BundleTopology.links, near, far)
            lab.setLink("m0", false)
            lab.awaitActive(["m1", "m2"], near, far)
            #expect(BundleTopology.isUp(near) && eventually { lab.ping() == 3 })
            lab.setLink("m1", false)
            lab.awaitActive([], near, far)
            #expect(!BundleTopology.isUp(near) && !BundleTopology.isUp(far))
            lab.setLink("m1", true)
            lab.awaitActive(["m1", "m2"], near, far)
            #expect(eventually { lab.ping() == 3 })
        }

        @Test func `a hot standby takes over, and the better link takes its place again`() throws {
            let lab = BundleTopology()
            let members = "members: [{port: m0, priority: 3}, {port: m1, priority: 1}, {port: m2, priority: 2}]"
            let near = try lab.start(lab.near, "\(members), rate: fast, maximum-links: 1, system-priority: 1")
            let far = try lab.start(lab.far, "\(Bundles.members), rate: fast")
            lab.awaitActive(["m1"], near, far)
            #expect(eventually { lab.ping() == 3 })
            lab.setLink("m1", false)
            lab.awaitActive(["m2"], near, far, seconds: 3)
            #expect(eventually { lab.ping() == 3 })
            lab.setLink("m1", true)
            lab.awaitActive(["m1"], near, far)
            #expect(eventually { lab.ping() == 3 })
        }
    }
}
