// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph
import Testing

/// The files under `Graphs/`: each is right, and runs. Those that need no privilege run here.
@Suite struct GraphsTests {
    static let all = [
        "router", "tap-router", "pcap-router", "generator", "custom-graph", "fast-reroute", "bfd", "mpls", "ecmp",
        "vrf", "vlan", "vlan-l2", "bridge", "span", "gre", "erspan", "bundle",
    ]

    /// A run from the root of the checkout, as the files' comments say.
    static func martlet(_ words: String, seconds: Int = 30) -> Shell {
        Shell.run("cd \(Laboratory.repository) && \(Laboratory.program) \(words)", seconds: seconds)
    }

    /// The text of a file, fit for running elsewhere: it reads from where it was, and writes to `scratch`.
    private static func text(of name: String, _ scratch: ScratchDirectory) throws -> String {
        try String(contentsOfFile: "\(Laboratory.repository)/Graphs/\(name).yaml", encoding: .utf8)
            .replacingOccurrences(of: "read: ", with: "read: \(Laboratory.repository)/Graphs/")
            .replacingOccurrences(of: "/tmp/", with: scratch.path + "/")
    }

    @Test func `every file is tested`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(Laboratory.repository)/Graphs")
        #expect(Set(files.filter { $0.hasSuffix(".yaml") }) == Set(GraphsTests.all.map { $0 + ".yaml" }))
    }

    @Test(arguments: all) func `a file has no errors`(name: String) {
        let result = GraphsTests.martlet("check Graphs/\(name).yaml")
        #expect(result.code == 0, "\(result.output)\(result.errors)")
    }

    @Test(arguments: all) func `a file is what the JSON Schema allows`(name: String) throws {
        let schema = try JSONSchema(file: "\(Laboratory.repository)/Graphs/martlet.schema.json")
        #expect(schema.errors(in: try JSON(yaml: "\(Laboratory.repository)/Graphs/\(name).yaml")) == [])
    }

    @Test func `the JSON Schema does refuse what is wrong`() throws {
        let schema = try JSONSchema(file: "\(Laboratory.repository)/Graphs/martlet.schema.json")
        for wrong in [
            #"{"interface": {}}"#, #"{"interfaces": {"a": {"type": "af-xpd"}}}"#, #"{"workers": {"count": 0}}"#,
            #"{"workers": {"count": "two"}}"#, #"{"interfaces": {"a": {"type": "null", "device": "x"}}}"#,
            #"{"graph": {"nodes": []}}"#,
        ] {
            #expect(schema.errors(in: try JSON(parsing: wrong)) != [], "\(wrong)")
        }
    }

    @Test func `captures give the same output each time, and every packet is accounted for`() throws {
        var outputs: [[Data?]] = []
        for _ in 0..<2 {
            let scratch = try ScratchDirectory()
            let file = try scratch.write("router.yaml", GraphsTests.text(of: "pcap-router", scratch))
            let result = GraphsTests.martlet(
                "run \(file) --socket \(scratch.path)/s --last 'show errors --json' --last 'show buffers --json'")
            #expect(result.code == 0, "\(result.errors)")
            outputs.append(
                ["lan0", "wan0"].map { FileManager.default.contents(atPath: "\(scratch.path)/martlet-\($0).pcap") })
            let lines = result.output.components(separatedBy: "}\n{").map { $0.hasPrefix("{") ? $0 : "{" + $0 }
            #expect(lines.count == 2)
            for reason in ["bad-checksum", "bad-length", "not-for-us"] {
                #expect(result.output.contains(reason), "\(reason) in \(result.output)")
            }
            #expect(result.output.contains("\"in_use\" : 0"), "\(result.output)")
        }
        #expect(outputs[0] == outputs[1] && outputs[0].allSatisfy { $0 != nil })
    }

    @Test func `a generator without privilege`() throws {
        let scratch = try ScratchDirectory()
        let daemon = Child([
            Laboratory.program, "run", "\(Laboratory.repository)/Graphs/generator.yaml", "--socket",
            "\(scratch.path)/s",
        ])
        func show(_ words: String) -> JSONValue {
            JSONValue(GraphsTests.martlet("show \(words) --json --socket \(scratch.path)/s").output)
        }
        let forwards = eventually {
            show("interfaces")["interfaces"].list.contains {
                $0["name"].string == "sink" && ($0["tx_packets"].int ?? 0) > 1000
            }
        }
        #expect(forwards, "\(daemon.errors)")
        #expect(show("errors")["errors"].list.contains { $0["count"].int ?? 0 > 0 }, "one in 257 has no route")
        daemon.kill(SIGTERM)
        #expect(daemon.wait(seconds: 5) == 0, "\(daemon.errors)")
    }

    @Test(arguments: ["pcap-router", "custom-graph"])
    func `the graph that is printed loads again and is the same`(name: String) throws {
        let scratch = try ScratchDirectory()
        let text = try GraphsTests.text(of: name, scratch)
        let first = try GraphsTests.graph(of: text, scratch)
        #expect(first.contains("ip4-lookup"))
        let rest = text.components(separatedBy: "\ngraph:")[0]
        #expect(try GraphsTests.graph(of: rest + "\n" + first, scratch) == first)
    }

    @Test func `what an arc sends to the drop node has a name, too`() throws {
        let scratch = try ScratchDirectory()
        let result = GraphsTests.martlet(
            "run Graphs/custom-graph.yaml --socket \(scratch.path)/s --last 'show errors --json' --last 'show runtime --json'"
        )
        let answers = result.output.components(separatedBy: "}\n{")
        try #require(answers.count == 2, "\(result.errors)")
        let errors = JSONValue(answers[0] + "}")["errors"].list
        // The client's one ping of the router.
        #expect(
            errors.first { $0["node"].string == "drop" && $0["reason"].string == "graph" }?["count"].int == 1,
            "\(answers[0])")
        let nodes = JSONValue("{" + answers[1])["threads"].list.flatMap { $0["nodes"].list }
        #expect(
            nodes.first { $0["name"].string == "seen" }?["vectors"].int == 19, "the inserted node counts what comes by")
    }

    /// What `show graph --format yaml` says of a configuration.
    private static func graph(of text: String, _ scratch: ScratchDirectory) throws -> String {
        let file = try scratch.write("graph.yaml", text)
        let result = martlet("run \(file) --socket \(scratch.path)/s --last 'show graph --format yaml'")
        #expect(result.code == 0, "\(result.errors)")
        return result.output
    }
}

extension Lab {
    /// The files under `Graphs/` that need devices.
    @Suite struct Graphs {
        private static func run(_ name: String, in namespace: Namespace) throws -> Daemon {
            let text = try String(contentsOfFile: "\(Laboratory.repository)/Graphs/\(name).yaml", encoding: .utf8)
            return try Daemon(text, in: namespace)
        }

        @Test func `router.yaml`() throws {
            let topology = Topology()
            topology.server.run("ip addr add 203.0.113.1/32 dev lo")
            let daemon = try Graphs.run("router", in: topology.router)
            #expect(topology.ping() == 3)
            #expect(topology.ping("203.0.113.1") == 3)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `fast-reroute.yaml`() throws {
            let lab = RerouteTopology()
            let daemon = try Graphs.run("fast-reroute", in: lab.router)
            lab.awaitReady(daemon)
            lab.server.run("ip link set eth0 down")
            #expect(eventually { lab.state(daemon) == "backup" }, "\(daemon.log)")
            #expect(lab.ping() == 3)
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }

        @Test func `tap-router.yaml`() throws {
            let router = Namespace("router")
            let daemon = try Graphs.run("tap-router", in: router)
            let answer = router.attempt("ping -n -c 3 -i 0.05 -W 2 192.0.2.1").output
            #expect(answer.contains(" 3 received"), "\(answer)\(daemon.log)")
            #expect(daemon.stop() == 0, "\(daemon.log)")
        }
    }
}
