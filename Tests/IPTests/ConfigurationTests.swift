// SPDX-License-Identifier: Apache-2.0
import Control
import Glibc
import Graph
import IP
import Testing
import Wire

/// The sections `interfaces`, `routes` and `neighbors`, as far as they are about IPv4.
@Suite @ControlPlane struct ConfigurationTests {
    private static let interfaces = """
        interfaces:
          lan0: {type: "null", addresses: [10.0.0.1/24, 10.0.8.1/31]}
          wan0.7: {type: "null", addresses: [10.1.0.1/24]}

        """

    /// A router with the file's text applied, and nothing running.
    private func router(_ text: String) throws -> (router: Router, ip: IPModule) {
        let router = try Router(YAMLReader.read(text: ConfigurationTests.interfaces + text, name: "r.yaml"))
        try router.prepare()
        return (router, try #require(router.registry.module(IPModule.self)))
    }

    private func errors(_ text: String, interfaces: String = ConfigurationTests.interfaces) -> [String] {
        configurationErrors(interfaces + text)
    }

    private func route(_ ip: IPModule, _ address: String) -> String {
        guard let entry = ip.fib.main.ip4.longestMatch(IPv4Address(address)!) else { return "none" }
        let forwarding = ip.fib.pathLists[entry.list]!.forwarding
        let record = ip.fib.adjacencies.table[forwarding.index]
        let hop = forwarding.kind == .rewrite ? " \(record.neighbor!)" : ""
        return "\(entry.prefix) \(entry.source.name) \(forwarding.word)\(hop)"
    }

    // MARK: - What comes of a file

    @Test func addresses() throws {
        let (router, ip) = try router("")
        #expect(route(ip, "10.0.0.1") == "10.0.0.1/32 connected local")
        #expect(route(ip, "10.0.0.77") == "10.0.0.0/24 connected glean")
        #expect(route(ip, "10.0.0.255") == "10.0.0.255/32 connected broadcast")
        #expect(route(ip, "10.0.0.0") == "10.0.0.0/32 connected broadcast")
        // On a /31 both addresses are hosts (RFC 3021).
        #expect(route(ip, "10.0.8.0") == "10.0.8.0/31 connected glean")
        #expect(route(ip, "10.0.8.1") == "10.0.8.1/32 connected local")
        #expect(route(ip, "10.2.0.1") == "none")
        #expect(router.engine.interface(named: "lan0")?.flags.contains(.ip4) == true)
    }

    @Test func routes() throws {
        let (_, ip) = try router(
            """
            routes:
              - {to: default, via: 10.1.0.2}
              - {to: 20.0.0.0/8, via: 10.0.8.0, interface: lan0}
              - {to: 20.1.0.0/16, via: 10.1.0.3, interface: wan0.7}
              - {to: 30.0.0.0/8, type: blackhole}
              - {to: 31.0.0.0/8, type: unreachable}
              - {to: 32.0.0.0/8, type: prohibit}
            """)
        #expect(route(ip, "8.8.8.8") == "0.0.0.0/0 static rewrite 10.1.0.2")
        #expect(route(ip, "20.9.0.1") == "20.0.0.0/8 static rewrite 10.0.8.0")
        #expect(route(ip, "20.1.0.1") == "20.1.0.0/16 static rewrite 10.1.0.3")
        #expect(route(ip, "30.0.0.1") == "30.0.0.0/8 static blackhole")
        #expect(route(ip, "31.0.0.1") == "31.0.0.0/8 static unreachable")
        #expect(route(ip, "32.0.0.1") == "32.0.0.0/8 static prohibit")
    }

    @Test func routeFiles() throws {
        let path = try temporaryFile("20.0.0.0/8 0\n21.0.0.0/8 2 # behind\n\n22.0.0.0/8 10.0.8.0\n")
        defer { unlink(path) }
        let (_, ip) = try router("routes: {file: \(path), next-hops: [10.1.0.9, 10.1.0.20-10.1.0.29]}")
        #expect(route(ip, "20.0.0.1") == "20.0.0.0/8 static rewrite 10.1.0.9")
        #expect(route(ip, "21.0.0.1") == "21.0.0.0/8 static rewrite 10.1.0.21")
        #expect(route(ip, "22.0.0.1") == "22.0.0.0/8 static rewrite 10.0.8.0")
    }

    @Test func neighbors() throws {
        let (router, ip) = try router(
            "neighbors: [{interface: wan0.7, address: 10.1.0.2, mac: 02:00:00:00:00:b2}]\nroutes: [{to: default, via: 10.1.0.2}]"
        )
        let wan = try #require(router.engine.interface(named: "wan0.7"))
        #expect(ip.neighbors[.v4(IPv4Address(10, 1, 0, 2)), wan]?.state == .static)
        let adjacency = try #require(ip.fib.forwarding(to: .v4(IPv4Address(8, 8, 8, 8)))).index
        #expect(ip.fib.adjacencies.table[adjacency].status.isReady)
        let (_, other) = try self.router(
            """
            neighbors:
              static: [{interface: lan0, address: 10.0.8.0, mac: 02:00:00:00:00:b2}]
              maximum: 100
              reachable-time: 20s
              retransmit-interval: 500ms
              requests: 5
            """)
        #expect(other.neighbors.policy.maximum == 100)
        #expect(other.neighbors.policy.reachableTime == 20_000)
        #expect(other.neighbors.policy.retransmitInterval == 500)
        #expect(other.neighbors.policy.requests == 5)
        #expect(other.neighbors.count == 1)
    }

    // MARK: - What is wrong with a file

    @Test(arguments: [
        (
            "routes: [{to: 20.0.0.0/8, via: 10.9.0.1}]",
            "r.yaml:4:32: routes[0].via: no connected network and no route leads to 10.9.0.1; give a neighbour's address, or "
                + "add a route to it first"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.1}]",
            "r.yaml:4:32: routes[0].via: 10.0.0.1 is this router's own address; give a neighbour's"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.255}]",
            "r.yaml:4:32: routes[0].via: 10.0.0.255 is the network or broadcast address of 10.0.0.0/24, not a host; give a "
                + "host's address"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.9, interface: wan0.7}]",
            "r.yaml:4:32: routes[0].via: no network of wan0.7 contains 10.0.0.9; give a neighbour's address, "
                + "or give wan0.7 one in its network"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.9, interface: lan1}]",
            "r.yaml:4:32: routes[0].via: no interface 'lan1' has an IPv4 address; did you mean 'lan0'?"
        ),
        (
            "routes: [{to: 20.0.0.1/8, via: 10.0.0.9}]",
            "r.yaml:4:15: routes[0].to: '20.0.0.1/8' has bits set beyond its prefix length: did you mean 20.0.0.0/8?"
        ),
        (
            "routes:\n  - {to: 20.0.0.0/8, via: 10.0.0.9}\n  - {to: 20.0.0.0/8, type: blackhole}",
            "r.yaml:6:10: routes[1].to: there is a route to 20.0.0.0/8 already, in line 5; keep one of them"
        ),
        ("routes: [{to: 20.0.0.0/8}]", "r.yaml:4:10: routes[0]: 'via' is missing; add 'via:'"),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.9, type: blackhole}]",
            "r.yaml:4:32: routes[0].via: a route of type blackhole has no next hop; remove `via`"
        ),
        (
            "routes: [{file: /nowhere/routes}]",
            "r.yaml:4:17: routes[0].file: /nowhere/routes: cannot read the routes: No such file or directory"
        ),
        (
            "neighbors: [{interface: lan0, address: 10.1.0.2, mac: 02:00:00:00:00:b2}]",
            "r.yaml:4:40: neighbors[0].address: no network of lan0 contains 10.1.0.2; give a neighbour's address, "
                + "or give lan0 one in its network"
        ),
        (
            "neighbors: [{interface: lan0, address: 10.0.0.2, mac: ff:ff:ff:ff:ff:ff}]",
            "r.yaml:4:55: neighbors[0].mac: ff:ff:ff:ff:ff:ff is not one station's address; give a unicast MAC address"
        ),
    ])
    func wrongRoutesAndNeighbors(text: String, error: String) {
        #expect(errors(text) == [error])
    }

    @Test(arguments: [
        ("10.0.0.0/24", "10.0.0.0 is the network or broadcast address of 10.0.0.0/24"),
        ("10.0.0.255/24", "10.0.0.255 is the network or broadcast address of 10.0.0.0/24"),
        ("127.0.0.1/8", "127.0.0.1 is not an address that a host may have"),
        ("224.0.0.1/24", "224.0.0.1 is not an address that a host may have"),
        ("10.0.0.1/2", "a network of /2 is too large"),
        ("10.9.0.1/24", "10.9.0.1 is given to lan0 already; give each address once"),
        ("10.9.0.2/24", "10.9.0.0/24 is connected to lan0 already; give an address in another network"),
        (
            "10.0.0.1",
            "'10.0.0.1' is not an IPv4 or IPv6 address with its prefix length; give one like 10.0.0.1/24 or 2001:db8::1/64"
        ),
        (
            "10.0.0.1/024",
            "'10.0.0.1/024' is not an IPv4 or IPv6 address with its prefix length; give one like 10.0.0.1/24 or 2001:db8::1/64"
        ),
        ("2001:db8::/64", "2001:db8:: is the subnet-router anycast address of 2001:db8::/64"),
        ("ff02::5/64", "ff02::5 is not an address that an interface may have"),
        ("fe80::1/10", "a link-local address has the prefix length 64"),
        ("fe80:1::1/64", "fe80:1::1 is no link-local address: its bits 10 to 63 are not zero"),
        ("2001::1/8", "a network of /8 is too large"),
    ])
    func wrongAddresses(address: String, problem: String) {
        let text = """
            interfaces:
              lan0: {type: "null", addresses: [10.9.0.1/24]}
              lan1: {type: "null", addresses: [\(address)]}
            """
        #expect(errors("", interfaces: text) == ["r.yaml:3:36: interfaces.lan1.addresses[0]: \(problem)"])
    }

    /// An error in a route file is told with the file's own line and column, and where the file was named.
    @Test(arguments: [
        ("20.0.0.0/8 0\n21.0.0.0/8 1\n", "2:13: next hop number 1 is beyond the 1 of `next-hops`; add to `next-hops`"),
        (
            "20.0.0.0/8 10.7.0.1\n",
            "1: no connected network and no route leads to 10.7.0.1; give a neighbour's address, or add a route to it first"
        ),
        (
            "20.0.0.0/33 0\n",
            "1:1: '20.0.0.0/33' has a bad prefix length: write a number from 0 to 32 (IPv6: to 128) behind the slash"
        ),
    ])
    func wrongRouteFiles(text: String, problem: String) throws {
        let path = try temporaryFile(text)
        defer { unlink(path) }
        let found = errors("routes: [{file: \(path), next-hops: [10.1.0.9]}]")
        #expect(found == ["r.yaml:4:17: routes[0].file: \(path):\(problem)"])
    }
}
