// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Start, stop, crash, and start where somebody else is already.
    @Suite struct Lifecycle {
        @Test func `SIGTERM during traffic: what came in goes out, and the device is as it was`() throws {
            let topology = Topology()
            let daemon = try Daemon(
                topology.configuration(), in: topology.router,
                options: ["--last", "show runtime --json", "--last", "show buffers --json"])
            #expect(topology.ping() == 3)
            var code: Int32?
            let account = try Traffic.flow(
                from: topology.client, to: topology.server, at: Topology.server, rate: 50_000, seconds: 0.2
            ) {
                usleep(300_000)
                code = daemon.stop()
            }
            #expect(code == 0, "\(daemon.log)")
            // Three pings and their answers, and the flow: each packet that got as far as the rewrite has arrived.
            let answers = daemon.output.components(separatedBy: "}\n{")
            try #require(answers.count == 2, "\(daemon.output)")
            let nodes = JSONValue(answers[0] + "}")["threads"].list.flatMap { $0["nodes"].list }
            let rewritten = nodes.first { $0["name"].string == "ip4-rewrite" }?["vectors"].int
            #expect(rewritten == account.received + 6 && account.received > 1000, "\(account)")
            #expect(JSONValue("{" + answers[1])["in_use"].int == 0, "no packet is left inside: \(answers[1])")
            #expect(!topology.router.run("ip -d link show lan0").output.contains("xdp"))
            #expect(topology.router.run("ip -d link show wan0").output.contains("promiscuity 0"))
        }

        @Test func `SIGHUP does no harm`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            daemon.signal(SIGHUP)
            #expect(eventually { daemon.log.contains("SIGHUP: the file is read at the start alone") }, "\(daemon.log)")
            #expect(topology.ping() == 3)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test(arguments: [SIGINT, SIGTERM]) func `it stops when it is asked, idle too`(signal: Int32) throws {
            let topology = Topology()
            let daemon = try topology.start()
            daemon.signal(signal)
            #expect(daemon.wait(seconds: 5) == 0, "\(daemon.log)")
        }

        @Test func `after kill -9 the next start works and cleans up`() throws {
            let topology = Topology()
            let scratch = try ScratchDirectory()
            let socket = "\(scratch.path)/martlet.sock"
            let killed = try Daemon(topology.configuration(), in: topology.router, socket: socket)
            #expect(topology.ping() == 3)
            killed.signal(SIGKILL)
            #expect(killed.wait() != nil)
            #expect(FileManager.default.fileExists(atPath: socket), "a killed process leaves its socket")
            let daemon = try Daemon(topology.configuration(), in: topology.router, socket: socket)
            #expect(topology.ping() == 3)
            #expect(daemon.stop() == 0, "\(daemon.log)")
            #expect(!topology.router.run("ip -d link show lan0").output.contains("xdp"))
            #expect(!FileManager.default.fileExists(atPath: socket))
        }

        @Test func `a second instance on the same socket is refused before it touches a device`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping() == 3)
            let second = try Daemon(topology.configuration(), in: topology.router, socket: daemon.socket, wait: false)
            #expect(second.wait() == 2)
            #expect(
                second.log.contains("another martlet is listening") && second.log.contains("\(daemon.pid)"),
                "\(second.log)")
            #expect(topology.ping() == 3)
        }

        @Test func `a second instance on the same device is refused, and the first goes on`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping() == 3)
            let second = try Daemon(topology.configuration(), in: topology.router, wait: false)
            #expect(second.wait() == 2)
            #expect(second.log.contains("lan0"), "\(second.log)")
            #expect(second.log.split(separator: "\n").count == 1, "one clear line: \(second.log)")
            #expect(topology.ping() == 3)
            #expect(daemon.stop() == 0)
        }

        @Test func `without privilege it says which one it lacks`() throws {
            let topology = Topology()
            let scratch = try ScratchDirectory()
            Shell.run("chmod 755 \(scratch.path)")
            let file = try scratch.write("router.yaml", topology.configuration())
            let program = Laboratory.program
            let result = topology.router.attempt(
                "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "
                    + "\(program) run \(file) --socket /tmp/martlet-lab-\(getpid()).sock")
            #expect(result.code == 2, "\(result)")
            #expect(result.errors.contains("lan0") && result.errors.contains("CAP_NET_ADMIN"), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "one clear line: \(result.errors)")
        }

        @Test func `a device that is not there`() throws {
            let router = Namespace("router")
            let daemon = try Daemon("interfaces: {wan7: {type: af-xdp}}", in: router, wait: false)
            #expect(daemon.wait() == 2)
            #expect(daemon.log.contains("wan7"), "\(daemon.log)")
            #expect(daemon.log.split(separator: "\n").count == 1, "one clear line: \(daemon.log)")
        }

        @Test func `more buffers than there is memory`() throws {
            let router = Namespace("router")
            let text = "buffers: {count: 16777216, size: 16384}\ninterfaces: {sink: {type: \"null\"}}"
            let scratch = try ScratchDirectory()
            let file = try scratch.write("router.yaml", text)
            // 4 GiB of address space are less than 256 GiB.
            let result = router.attempt(
                "ulimit -v 4194304; \(Laboratory.program) run \(file) --socket \(scratch.path)/s")
            #expect(result.code == 2, "\(result)")
            #expect(result.errors.contains("memory") || result.errors.contains("buffers"), "\(result.errors)")
        }
    }
}
