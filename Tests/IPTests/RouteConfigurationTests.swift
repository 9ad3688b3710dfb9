// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing
import Wire

@testable import IP

/// The sections `routes`, `vrfs` and `forwarding`: several next hops, both families, VRFs and leaks.
@Suite @ControlPlane struct RouteConfigurationTests {
    private static let interfaces = """
        interfaces:
          lan0: {type: "null", addresses: [10.0.0.1/24, "2001:db8:a::1/64"]}
          wan0: {type: "null", addresses: [10.1.0.1/24, "2001:db8:b::1/64"]}
          red0: {type: "null", vrf: red, addresses: [10.0.0.1/24]}

        """

    func router(_ text: String) throws -> (router: Router, ip: IPModule) {
        let router = try Router(YAMLReader.read(text: RouteConfigurationTests.interfaces + text, name: "r.yaml"))
        try router.prepare()
        return (router, try #require(router.registry.module(IPModule.self)))
    }

    private func errors(_ text: String) -> [String] {
        configurationErrors(RouteConfigurationTests.interfaces + text)
    }

    /// The paths of the route to exactly this prefix, in words.
    func paths(_ ip: IPModule, _ text: String, in name: String = "main") throws -> [String] {
        let table = try #require(ip.fib.table(named: name))
        let index =
            switch IPPrefix(text)! {
            case .v4(let prefix): table.ip4.list(of: prefix, from: .static)
            case .v6(let prefix): table.ip6.list(of: prefix, from: .static)
            }
        let list = try #require(index.flatMap { ip.fib.pathLists[$0] })
        let detail = FIBExplainer(fib: ip.fib).detail(of: list)
        return detail.paths.map { path in
            var text = path.target
            if path.weight != 1 { text += " weight \(path.weight)" }
            if path.preference != 0 { text += " preference \(path.preference)" }
            if !path.labels.isEmpty { text += " labels \(path.labels)" }
            if path.ttl == .uniform { text += " uniform" }
            if let backup = path.backup { text += " backup \(backup)" }
            return text
        }
    }

    // MARK: - What comes of a file

    @Test func nextHops() throws {
        let (router, ip) = try router(
            """
            routes:
              - to: default
                via:
                  - 10.0.0.2
                  - {address: 10.1.0.2, weight: 3}
                  - {address: "2001:db8:a::2", preference: 10}
              - {to: default6, via: "2001:db8:b::9"}
              - {to: "::/1", via: fe80::1, interface: wan0}
              - to: 20.0.0.0/8
                via: {address: 30.0.0.1, labels: [100, 70], ttl: uniform, via-host: true}
                counter: true
              - {to: 30.0.0.1/32, via: {address: 10.0.0.9, backup: {address: 10.1.0.9, interface: wan0, labels: [50]}}}
              - {to: 40.0.0.0/8, via: 20.0.0.1}
              - {to: "2001:db8:100::/40", via: {address: 10.0.0.3, backup: "2001:db8:b::3"}}
            """)
        #expect(
            try paths(ip, "0.0.0.0/0") == [
                "10.0.0.2 on lan0", "10.1.0.2 on wan0 weight 3", "2001:db8:a::2 on lan0 preference 10",
            ])
        #expect(try paths(ip, "::/0") == ["2001:db8:b::9 on wan0"])
        #expect(try paths(ip, "::/1") == ["fe80::1 on wan0"])
        #expect(try paths(ip, "20.0.0.0/8") == ["via 30.0.0.1, host route labels [100, 70] uniform"])
        #expect(try paths(ip, "30.0.0.1/32") == ["10.0.0.9 on lan0 backup 10.1.0.9 on wan0"])
        #expect(try paths(ip, "40.0.0.0/8") == ["via 20.0.0.1"])
        #expect(try paths(ip, "2001:db8:100::/40") == ["10.0.0.3 on lan0 backup 2001:db8:b::3 on wan0"])
        let list = try #require(ip.fib.main.ip4.list(of: IPv4Prefix("20.0.0.0/8")!, from: .static))
        #expect(ip.fib.pathLists[list]?.isCounted == true)
        #expect(router.engine.interface(named: "wan0") != nil)
    }

    /// Whatever leads to a next hop may stand behind it in the file.
    @Test func orderDoesNotMatter() throws {
        let (_, ip) = try router(
            "routes: [{to: 20.0.0.0/8, via: 30.0.0.1}, {to: 30.0.0.0/8, via: 31.0.0.1}, {to: 31.0.0.0/8, via: 10.0.0.2}]"
        )
        for text in ["20.0.0.1", "30.0.0.1", "31.0.0.1"] {
            let (_, list) = try #require(ip.fib.cover(of: IPAddress(text)!, in: .main))
            #expect(list.neighbors.count == 1)
        }
    }

    @Test func vrfsAndLeaks() throws {
        let (router, ip) = try router(
            """
            vrfs: [red, blue]
            routes:
              - {to: default, via: 10.0.0.2, vrf: red}
              - {to: 20.0.0.0/8, lookup-vrf: main, vrf: red}
              - {to: 20.0.0.0/8, via: 10.1.0.2}
              - {to: 21.0.0.0/8, via: {address: 10.0.0.7, vrf: red}}
              - {to: 22.0.0.0/8, type: prohibit, vrf: blue}
            """)
        #expect(ip.fib.tables.map(\.name).sorted() == ["blue", "main", "red"])
        let red = try #require(ip.fib.table(named: "red"))
        #expect(ip.fib.table(of: try #require(router.engine.interface(named: "red0"))) === red)
        #expect(try paths(ip, "0.0.0.0/0", in: "red") == ["10.0.0.2 on red0"])
        #expect(try paths(ip, "20.0.0.0/8", in: "red") == ["lookup in main"])
        #expect(try paths(ip, "20.0.0.0/8") == ["10.1.0.2 on wan0"])
        #expect(try paths(ip, "21.0.0.0/8") == ["10.0.0.7 on red0"])
        #expect(try paths(ip, "22.0.0.0/8", in: "blue") == ["prohibit"])
    }

    @Test func forwardingSection() throws {
        let (_, ip) = try router(
            """
            forwarding:
              flow-hash-seed: 77
              priorities: {critical: [10.0.0.0/8, "2001:db8::/32"], high: [10.9.0.0/16], medium: [0.0.0.0/0]}
            routes: [{to: 50.0.0.0/8, via: 10.0.0.2, priority: high}]
            """)
        #expect(ip.hashSeed.value == 77)
        for (prefix, priority) in [
            ("10.1.0.0/16", RoutePriority.critical), ("10.9.1.0/24", .high), ("8.0.0.0/8", .medium), ("::/0", .low),
            ("2001:db8:5::/48", .critical), ("50.0.0.0/8", .medium),
        ] {
            #expect(ip.fib.priorities.priority(of: IPPrefix(prefix)!) == priority, "\(prefix)")
        }
        #expect(ip.fib.main.priority(of: IPPrefix("50.0.0.0/8")!) == .high)
        #expect(ip.fib.main.priority(of: IPPrefix("50.1.0.0/16")!) == nil)
        #expect(ip.fib.table(named: "red")?.priority(of: IPPrefix("50.0.0.0/8")!) == nil)
    }

    /// Ten seconds, where the file says nothing else.
    @Test func waitToRestoreByDefault() throws {
        let backup = "next-hops: [{address: 10.0.0.2, backup: {address: 10.1.0.2}}]"
        for (text, wait) in [
            ("", 10_000), ("fast-reroute: {\(backup)}", 10_000),
            ("fast-reroute: {wait-to-restore: 3s, \(backup)}", 3000),
        ] {
            let (_, ip) = try router(text)
            #expect(ip.fastReroute.policy.waitToRestore == wait)
        }
    }

    // MARK: - What is wrong with a file

    @Test(arguments: [
        (
            "routes: [{to: 20.0.0.0/8, via: 10.9.0.1}]",
            "r.yaml:5:32: routes[0].via: no connected network and no route leads to 10.9.0.1; give a neighbour's address, or "
                + "add a route to it first"
        ),
        (
            "routes: [{to: 10.9.0.0/16, via: 10.9.0.1}]",
            "r.yaml:5:33: routes[0].via: the route to 10.9.0.0/16 would lead to 10.9.0.1 by itself; give a neighbour's "
                + "address, or a route to 10.9.0.1"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: [10.0.0.2, {address: 10.9.0.1}]}]",
            "r.yaml:5:53: routes[0].via[1].address: no connected network and no route leads to 10.9.0.1; give a "
                + "neighbour's address, or add a route to it first"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: fe80::1}]",
            "r.yaml:5:32: routes[0].via: fe80::1 is a link-local address, which may be on any link; give `interface`"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.2, vrf: rde}]",
            "r.yaml:5:47: routes[0].vrf: there is no VRF 'rde'; did you mean 'red'?"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: {address: 10.0.0.2, vrf: blue}}]",
            "r.yaml:5:57: routes[0].via.vrf: there is no VRF 'blue'; known: main, red"
        ),
        (
            "vrfs: [green]",
            "r.yaml:4:29: interfaces.red0.vrf: there is no VRF 'red' in `vrfs`; known: green, main"
        ),
        (
            "routes: [{to: 20.0.0.0/8, lookup-vrf: red, vrf: red}]",
            "r.yaml:5:39: routes[0].lookup-vrf: a route of red that is looked up there again has no end; give another VRF"
        ),
        (
            "routes: [{to: 20.0.0.0/8, lookup-vrf: red, via: 10.0.0.2}]",
            "r.yaml:5:39: routes[0].lookup-vrf: lookup-vrf does not go with via; remove one of them"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: {address: 10.0.0.2, ttl: pipe}}]",
            "r.yaml:5:57: routes[0].via.ttl: ttl goes with labels; give `labels`, or remove it"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: {address: 10.0.0.2, weight: 0}}]",
            "r.yaml:5:60: routes[0].via.weight: 0 is too small; give 1 to 255"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: {address: 10.0.0.2, backup: 10.0.0.2}}]",
            "r.yaml:5:60: routes[0].via.backup: 10.0.0.2 cannot be its own backup; give another next hop"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: {address: 10.0.0.2, wieght: 2}}]",
            "r.yaml:5:52: routes[0].via.wieght: unknown key 'wieght'; did you mean 'weight'?"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: []}]",
            "r.yaml:5:32: routes[0].via: there is no next hop; give one, or a `type`"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 224.0.0.1}]",
            "r.yaml:5:32: routes[0].via: 224.0.0.1 is not one host's address; give a neighbour's"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: {address: 10.0.0.2, bfd: quick}}]",
            "r.yaml:5:57: routes[0].via.bfd: there is no BFD profile 'quick'; known: default"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.2}, {to: 21.0.0.0/8, via: 20.0.0.1, bfd: true}]",
            "r.yaml:5:65: routes[1].via: 20.0.0.1 is no neighbour: a BFD session over several hops needs its own address; add "
                + "`local-address:` to `bfd`"
        ),
        (
            "routes: [{to: 20.0.0.0/8, type: blackhole, bfd: true}]",
            "r.yaml:5:49: routes[0].bfd: a route of type blackhole has no next hop; remove `bfd`"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.2, bfd: {local-address: 10.0.0.9}}]",
            "r.yaml:5:10: routes[0]: 10.0.0.9 is no address that lan0 has towards 10.0.0.2; give 10.0.0.1"
        ),
        (
            "routes: [{to: 20.0.0.0/8, via: 10.0.0.2}, {to: 21.0.0.0/8, via: 20.0.0.1, bfd: {local-address: 10.0.0.9}}]",
            "r.yaml:5:43: routes[1]: 10.0.0.9 is no address of this router; give one of an interface's addresses"
        ),
        (
            "forwarding: {priorities: {critical: [10.0.0.1/8]}}",
            "r.yaml:5:38: forwarding.priorities.critical[0]: '10.0.0.1/8' has bits set beyond its prefix length: did you mean "
                + "10.0.0.0/8?"
        ),
        (
            "forwarding: {priorities: {critical: [10.0.0.0/8], high: [10.0.0.0/8]}}",
            "r.yaml:5:58: forwarding.priorities.high[0]: 10.0.0.0/8 is in the list 'critical' already; keep one"
        ),
    ])
    func wrong(text: String, error: String) { #expect(errors(text) == [error]) }

    /// The same prefix in two VRFs is no contradiction, in one it is.
    @Test func twice() {
        #expect(errors("routes: [{to: 20.0.0.0/8, via: 10.0.0.2}, {to: 20.0.0.0/8, via: 10.0.0.2, vrf: red}]") == [])
        #expect(
            errors("routes: [{to: 20.0.0.0/8, via: 10.0.0.2}, {to: 20.0.0.0/8, type: blackhole}]") == [
                "r.yaml:5:48: routes[1].to: there is a route to 20.0.0.0/8 already, in line 5; keep one of them"
            ])
    }
}
