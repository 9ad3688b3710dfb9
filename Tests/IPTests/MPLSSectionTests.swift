// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing
import Wire

@testable import IP

/// The section `mpls`, the key `mpls` of interfaces, and the operator's commands.
@Suite("MPLS: configuration and commands") @ControlPlane struct MPLSSectionTests {
    private static let interfaces = """
        interfaces:
          lan0: {type: "null", addresses: [10.0.0.1/24], mpls: true}
          wan0: {type: "null", addresses: [10.1.0.1/24]}
        mpls:
          labels:

        """

    private func router(_ labels: String) throws -> (router: Router, ip: IPModule) {
        let router = try Router(YAMLReader.read(text: MPLSSectionTests.interfaces + labels, name: "r.yaml"))
        try router.prepare()
        return (router, try #require(router.registry.module(IPModule.self)))
    }

    private func errors(_ labels: String) -> [String] {
        configurationErrors(MPLSSectionTests.interfaces + labels)
    }

    @Test func `what the file says is in the table`() throws {
        let (router, ip) = try router(
            """
                - {label: 100, swap: 200, via: 10.0.0.2}
                - {label: 101, swap: 201, push: [301, 302], via: 10.1.0.2, interface: wan0, ttl: uniform}
                - {label: 102, pop: ip, bottom: true}
                - {label: 102, pop: label, bottom: false}
                - label: 103
                  paths:
                    - {via: 10.0.0.2, swap: 203, weight: 2}
                    - {via: 10.1.0.2, preference: 1, backup: {via: 10.0.0.3, swap: 303}}
            """)
        #expect(router.engine.interface(named: "lan0")?.flags.contains(.mpls) == true)
        #expect(router.engine.interface(named: "wan0")?.flags.contains(.mpls) == false)
        func paths(_ label: UInt32) -> [Path] {
            guard case .paths(let paths) = ip.labels.entry(MPLSLabel(rawValue: label), isBottom: true)?.action else {
                return []
            }
            return paths
        }
        #expect(paths(100).map(\.labels) == [[200]])
        #expect(paths(101).map(\.labels) == [[301, 302, 201]])
        #expect(paths(101).map(\.mode) == [.uniform])
        #expect(paths(103).map(\.weight) == [2, 1])
        #expect(paths(103).map(\.preference) == [0, 1])
        #expect(paths(103)[1].backup.map(\.labels) == [[303]])
        #expect(ip.labels.entry(MPLSLabel(rawValue: 102), isBottom: true)?.action == .lookupIP(.main))
        #expect(ip.labels.entry(MPLSLabel(rawValue: 102), isBottom: false)?.action == .lookupLabel)
        #expect(ip.labels.count == 8)
    }

    @Test(arguments: [
        ("- {label: 15, pop: ip}", "r.yaml:6:15: mpls.labels[0].label: 15 is too small; give 16 to 1048575"),
        (
            "- {label: 1048576, pop: ip}",
            "r.yaml:6:15: mpls.labels[0].label: 1048576 is too large; give 16 to 1048575"
        ),
        ("- {label: 100}", "r.yaml:6:7: mpls.labels[0]: 'via' is missing; add 'via:'"),
        (
            "- {label: 100, via: 10.9.0.1}",
            "r.yaml:6:25: mpls.labels[0].via: no connected network and no route leads to 10.9.0.1; give a neighbour's "
                + "address, or add a route to it first"
        ),
        (
            "- {label: 100, via: 10.9.0.1, interface: lan0}",
            "r.yaml:6:25: mpls.labels[0].via: no network of lan0 contains 10.9.0.1; give a neighbour's address, or "
                + "give lan0 one in its network"
        ),
        (
            "- {label: 100, swap: 3, via: 10.0.0.2}",
            "r.yaml:6:26: mpls.labels[0].swap: label 3, implicit null, is never sent; leave it out: the label that "
                + "came is taken off"
        ),
        (
            "- {label: 100, swap: 9, via: 10.0.0.2}",
            "r.yaml:6:26: mpls.labels[0].swap: 9 is no label to send; give 16 to 1048575, or explicit null: 0 or 2"
        ),
        (
            "- {label: 100, push: [200], via: 10.0.0.2}",
            "r.yaml:6:26: mpls.labels[0].push: `push` goes on top of a swapped label; add `swap`"
        ),
        (
            "- {label: 100, pop: ip, via: 10.0.0.2}",
            "r.yaml:6:34: mpls.labels[0].via: `via` does not go with `pop`; remove one of them"
        ),
        (
            "- {label: 100, pop: ip, bottom: false}",
            "r.yaml:6:25: mpls.labels[0].pop: a label above others has no IP packet below it; have it at the bottom of the "
                + "stack, or anywhere"
        ),
        (
            "- {label: 100, pop: label, bottom: true}",
            "r.yaml:6:25: mpls.labels[0].pop: the last label of a stack has none below it; have it above others, or "
                + "anywhere"
        ),
        (
            "- {label: 100, vrf: red, via: 10.0.0.2}",
            "r.yaml:6:25: mpls.labels[0].vrf: `vrf` goes with `pop: ip`; add that, or remove it"
        ),
        (
            "- {label: 100, via: 10.0.0.2, paths: [{via: 10.0.0.2}]}",
            "r.yaml:6:25: mpls.labels[0].via: `via` and `paths` exclude each other; keep one"
        ),
        (
            "- {label: 100, pop: ip}\n    - {label: 100, pop: label, bottom: false}",
            "r.yaml:7:15: mpls.labels[1].label: label 100 is in line 6 already; keep one of them"
        ),
    ])
    func `what is wrong is said with its place`(text: String, error: String) {
        #expect(errors("    " + text) == [error])
    }

    // MARK: - Commands

    private func run(_ line: String, _ router: Router) async throws -> [[String]] {
        let resolved = try CommandGrammar(router.registry.commands).resolve(
            line.split(separator: " ").map(String.init))
        return try await resolved.command.handler(resolved.arguments).body.flatMap { block in
            switch block {
            case .table(_, let rows): rows
            case .facts(let facts): facts.map { [$0.name, $0.value] }
            case .lines(let lines): lines.map { [$0] }
            case .heading: [[String]]()
            }
        }
    }

    @Test func `show mpls fib`() async throws {
        let (router, _) = try router(
            """
                - {label: 100, swap: 200, push: [300], via: 10.0.0.2, bottom: true}
                - {label: 101, pop: ip}
                - {label: 102, bottom: true, via: 10.0.0.2, swap: 202, backup: {via: 10.1.0.2, swap: 302}}
            """)
        #expect(
            try await run("show mpls fib", router) == [
                ["100", "yes", "static", "swap 200, push 300", "10.0.0.2", "lan0", "not resolved", "0"],
                ["101", "yes", "static", "ip main"], ["101", "no", "static", "ip main"],
                ["102", "yes", "static", "swap 202", "10.0.0.2", "lan0", "not resolved", "0"],
            ])
        let chain = try await run("show mpls fib 102", router).map { $0[0] }
        #expect(chain[0] == "label 102 at the bottom of the stack, of static, ttl pipe")
        #expect(chain.contains { $0.contains("swap 202 via 10.0.0.2 on lan0, adjacency") })
        #expect(chain.last == "      backup: labels 302 via 10.1.0.2 on wan0")
        await #expect(throws: CommandError.notFound("there is no entry for label 99")) {
            try await run("show mpls fib 99", router)
        }
    }

    /// A label switched through a route, as to a BGP next hop; and what is shown of it while there is no way.
    @Test func `a next hop that a route leads to`() async throws {
        let (router, ip) = try router(
            """
                - {label: 100, swap: 200, via: 192.0.2.1}
            routes:
              - {to: 192.0.2.1/32, via: {address: 10.0.0.2, labels: [300]}}
            """)
        #expect(
            try await run("show mpls fib", router).first?.prefix(6) == [
                "100", "yes", "static", "swap 200, push 300", "10.0.0.2", "lan0",
            ])
        #expect(ip.fib.removeRoute(IPPrefix("192.0.2.1/32")!))
        #expect(
            try await run("show mpls fib", router)[0].suffix(5) == ["nothing", "", "", "no usable next hop", "0"])
        let chain = try await run("show mpls fib 100", router)
        #expect(chain.contains { $0.first == "via 192.0.2.1" && $0.last == "no route leads to 192.0.2.1" })
        #expect(chain.contains { $0[0].contains(": 1 bucket, ") })
    }

    @Test func `labels come and go by command`() async throws {
        let (router, ip) = try router("    - {label: 100, pop: ip}")
        #expect(try await run("mpls add 200 10.0.0.2 --swap 300 --push 400,500 --ttl uniform", router) == [])
        #expect(try await run("mpls add 201 --pop label --place above", router) == [])
        #expect(try await run("show mpls fib", router).count == 5)
        try ip.labels.set(MPLSLabel(rawValue: 300), .lookupIP(.main), from: "ldp")
        for (wrong, problem) in [
            ("mpls add 300 10.0.0.2", "label 300 belongs to ldp already"),
            ("mpls del 300", "label 300 belongs to ldp already"), ("mpls del 400", "there is no entry for label 400"),
            ("mpls add 500", "a label needs a next hop or --pop"),
            ("mpls add 500 10.0.0.2 --push 300", "--push goes on top of --swap"),
            ("mpls add 500 10.0.0.2 --swap 3", "label 3, implicit null, is never sent"),
            ("mpls add 500 --pop ip --vrf red", "there is no VRF 'red'"),
            ("mpls add 500 --pop ip --place above", "a label above others has no IP packet below it"),
            ("mpls add 500 --pop label --place bottom", "the last label of a stack has none below it"),
            ("mpls add 500 --pop label --vrf main", "--vrf goes with --pop ip"),
            ("mpls add 500 10.0.0.2 --vrf main", "--vrf goes with --pop ip"),
            ("mpls add 500 --pop ip --swap 300", "--pop goes without a next hop, --swap and --push"),
        ] {
            let error = await #expect(throws: CommandError.self, "\(wrong)") { try await run(wrong, router) }
            #expect(error?.message == problem)
        }
        #expect(try await run("mpls del 200", router) == [])
        #expect(try await run("mpls del 201", router) == [])
        #expect(ip.labels.count == 4)
    }
}
