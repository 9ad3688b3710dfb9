// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// The laboratory itself, with the kernel as the router: what a test of Martlet measures must not be the test.
    @Suite struct Helpers {
        private static func kernelRouter() -> Topology {
            let topology = Topology()
            topology.router.run("ip addr add 192.0.2.1/24 dev lan0 && ip addr add 198.51.100.1/24 dev wan0")
            topology.router.run("echo 1 > /proc/sys/net/ipv4/ip_forward")
            return topology
        }

        @Test func `the kernel forwards a flow without loss`() throws {
            let topology = Helpers.kernelRouter()
            #expect(topology.ping() == 3)
            let account = try Traffic.flow(
                from: topology.client, to: topology.server, at: Topology.server, rate: 100_000, seconds: 1)
            #expect(account.lost == 0 && account.reordered == 0 && account.received > 10_000, "\(account)")
        }

        @Test func `a loss is seen`() throws {
            let topology = Helpers.kernelRouter()
            let account = try Traffic.flow(
                from: topology.client, to: topology.server, at: Topology.server, rate: 10_000, seconds: 0
            ) {
                usleep(100_000)
                topology.router.run("ip link set wan0 down")
                usleep(100_000)
            }
            #expect(account.received > 0 && account.lost > 0, "\(account)")
            #expect(topology.ping(count: 1) == 0)
        }

        @Test func `bytes come back over TCP`() throws {
            let topology = Helpers.kernelRouter()
            let bytes = (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let back = try Traffic.echoTCP(
                bytes, from: topology.client, to: topology.server, at: Topology.server)
            #expect(back == bytes)
        }

        @Test func `a namespace goes away with its holder`() {
            let name = Namespace("short").name
            #expect(Shell.run("ip netns list").output.contains(name) == false)
        }
    }
}
