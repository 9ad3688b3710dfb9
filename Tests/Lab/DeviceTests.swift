// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// Devices that change under the running router, while others go on.
    @Suite struct Devices {
        /// A third cable: lan1 to a namespace of its own.
        private static func withThirdHost(_ topology: Topology) -> Namespace {
            let third = Namespace("third")
            connect(topology, third)
            return third
        }

        private static func connect(_ topology: Topology, _ third: Namespace) {
            topology.router.connect("lan1", to: third, "eth0")
            third.finishChecksums("eth0")
            third.run("ip addr add 203.0.113.10/24 dev eth0 && ip route replace default via 203.0.113.1")
        }

        private static func start(_ topology: Topology) throws -> Daemon {
            let text = topology.configuration()
            return try Daemon(text + "  lan1: {type: af-xdp, addresses: [203.0.113.1/24]}\n", in: topology.router)
        }

        private static func link(_ name: String, _ daemon: Daemon) -> Bool? {
            let entry = daemon.json("show interfaces")["interfaces"].list.first { $0["name"].string == name }
            return entry?["link_up"].int.map { $0 != 0 }
        }

        @Test func `a link goes down and up, and the others forward on`() throws {
            let topology = Topology()
            let third = Devices.withThirdHost(topology)
            let daemon = try Devices.start(topology)
            #expect(topology.ping("203.0.113.10") == 3 && topology.ping() == 3)
            let account = try Traffic.flow(
                from: topology.client, to: topology.server, at: Topology.server, rate: 10_000, seconds: 0
            ) {
                third.run("ip link set eth0 down")
                #expect(eventually { Devices.link("lan1", daemon) == false }, "\(daemon.text("show interfaces"))")
                #expect(topology.ping("203.0.113.10", count: 1) == 0)
                third.run("ip link set eth0 up && ip route replace default via 203.0.113.1")
                #expect(eventually { Devices.link("lan1", daemon) == true }, "\(daemon.text("show interfaces"))")
                #expect(eventually { topology.ping("203.0.113.10", count: 1) == 1 })
            }
            #expect(account.lost == 0 && account.reordered == 0, "\(account)")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `a device is deleted and made again, and the others forward on`() throws {
            let topology = Topology()
            let third = Devices.withThirdHost(topology)
            let daemon = try Devices.start(topology)
            #expect(topology.ping("203.0.113.10") == 3 && topology.ping() == 3)
            let account = try Traffic.flow(
                from: topology.client, to: topology.server, at: Topology.server, rate: 10_000, seconds: 0
            ) {
                topology.router.run("ip link delete lan1")
                #expect(eventually { Devices.link("lan1", daemon) == false }, "\(daemon.text("show interfaces"))")
                #expect(daemon.text("show interfaces").contains("no device"), "\(daemon.text("show interfaces"))")
                #expect(topology.ping("203.0.113.10", count: 1) == 0)
                Devices.connect(topology, third)
                #expect(eventually { Devices.link("lan1", daemon) == true }, "\(daemon.log)")
                #expect(eventually { topology.ping("203.0.113.10", count: 1) == 1 }, "\(daemon.log)")
            }
            #expect(account.lost == 0 && account.reordered == 0, "\(account)")
            #expect(
                daemon.log.contains("lan1: the device lan1 is gone") && daemon.log.contains("is back"), "\(daemon.log)")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `the device's MTU is followed`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            topology.router.run("ip link set wan0 mtu 1400")
            topology.server.run("ip link set eth0 mtu 1400")
            let isKnown = eventually {
                daemon.json("show interfaces")["interfaces"].list.contains { $0["mtu_bytes"].int == 1400 }
            }
            #expect(isKnown, "\(daemon.text("show interfaces"))")
            let told = topology.client.attempt("ping -n -c 1 -W 2 -M do -s 1472 \(Topology.server)").output
            #expect(told.contains("mtu = 1400"), "\(told)")
        }

        @Test func `an interface that is set down takes and sends nothing, and comes back`() throws {
            let topology = Topology()
            let daemon = try topology.start()
            #expect(topology.ping() == 3)
            daemon.text("set interface wan0 down")
            #expect(topology.ping(count: 1) == 0)
            #expect(topology.ping("192.0.2.1") == 3)
            daemon.text("set interface wan0 up")
            #expect(eventually { topology.ping(count: 1) == 1 })
        }

        @Test(arguments: ["driver", "generic"]) func `both places of the XDP program`(mode: String) throws {
            let topology = Topology()
            let daemon = try topology.start(lan: ", xdp-mode: \(mode)", wan: ", xdp-mode: \(mode)")
            #expect(topology.ping(count: 5) == 5)
            #expect(daemon.text("show interfaces lan0").contains(mode))
            let bytes = [UInt8](repeating: 7, count: 1_000_000)
            #expect(
                try Traffic.echoTCP(bytes, from: topology.client, to: topology.server, at: Topology.server) == bytes)
        }
    }
}
