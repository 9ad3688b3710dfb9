// SPDX-License-Identifier: Apache-2.0
import Foundation
import Graph

/// Something that `martlet bench` can measure.
struct BenchCase: Sendable {
    let name: String
    let summary: String
    let work: Work
    /// Files that must be there before.
    var inputs: [BenchInput] = []
    var goals: [BenchGoal] = []
    /// Makes the text of a graph that is too long for a file of its own.
    var text: (@Sendable () -> String)?

    enum Work: Sendable {
        /// Runs the case's graph with its generators.
        case graph
        /// Loads the routes of the case's graph.
        case load
        /// Changes routes of the case's graph, one at a time.
        case churn
        /// Loads routes into a router that forwards, and changes them.
        case loadUnderTraffic
        /// Starts a router of its own process until it forwards.
        case start
        /// Has a next hop fail, again and again.
        case reroute
        /// Learns stations and forgets them.
        case stations
        /// Forwards between network devices, from a VLAN if given.
        case endToEnd(vlan: UInt16?)
    }

    /// Whether this is a graph file of the user's, which is used where it is.
    var isFile: Bool { BenchCase.isFile(name) }

    private static func isFile(_ name: String) -> Bool { name.hasSuffix(".yaml") || name.hasSuffix(".yml") }

    /// The graph file; `directory` is that of the inputs.
    func graph(in directory: URL) -> URL {
        isFile ? URL(fileURLWithPath: name) : directory.appending(path: "\(name).yaml")
    }

    /// Its figures are those of "Numbers to beat" in docs/bench.md.
    private static let vpp = "VPP 26.10-rc0 on the same kind of machine"

    static let all: [BenchCase] = [
        BenchCase(name: "chain", summary: "eight empty nodes one after another", work: .graph),
        BenchCase(name: "tree", summary: "every frame split in four, twice", work: .graph),
        BenchCase(name: "fan-in", summary: "four inputs into one empty node", work: .graph),
        BenchCase(name: "fan-out", summary: "one input, every frame split in four", work: .graph),
        BenchCase(
            name: "ip4-one", summary: "IPv4, one /8 route, random destinations", work: .graph, inputs: [.one],
            goals: [BenchGoal("sum", atMost: 37, reference: 37, from: vpp)]),
        BenchCase(
            name: "ip4-ecmp", summary: "IPv4, one /8 route over 4 next hops, random destinations", work: .graph,
            inputs: [.one]),
        BenchCase(
            name: "ip4-500k", summary: "IPv4, 500,000 /24 routes, random destinations", work: .graph,
            inputs: [.halfMillion], goals: [BenchGoal("sum", atMost: 50, reference: 131, from: vpp)]),
        BenchCase(
            name: "ip4-bgp", summary: "IPv4, 900,000 routes in the Internet's length mix, 256 next hops",
            work: .graph, inputs: [.internet], goals: [BenchGoal("sum", atMost: 60, reference: 176, from: vpp)]),
        BenchCase(
            name: "dot1q", summary: "IPv4 from a VLAN, one /8 route, random destinations", work: .graph,
            inputs: [.dot1q], goals: [BenchGoal("sum", atMost: 45, reference: 50, from: vpp)]),
        BenchCase(
            name: "dot1q-both", summary: "IPv4 from one VLAN to another, otherwise as dot1q", work: .graph,
            inputs: [.dot1q]),
        BenchCase(
            name: "dot1q-4094", summary: "IPv4 from all 4,094 VLANs of a port at random, otherwise as dot1q",
            work: .graph, inputs: [.dot1qAll], text: { subinterfaces((1...4094).map { "dot1q: \($0)" }, of: .dot1qAll) }
        ),
        BenchCase(
            name: "qinq", summary: "IPv4 with two tags, otherwise as dot1q", work: .graph, inputs: [.qinq]),
        BenchCase(
            name: "qinq-64k", summary: "IPv4 with 65,504 pairs of two tags at random, otherwise as qinq", work: .graph,
            inputs: [.qinqAll],
            text: {
                let pairs = (1...16).flatMap { outer in (1...4094).map { "dot1ad: \(outer), second-dot1q: \($0)" } }
                return subinterfaces(pairs, of: .qinqAll)
            }),
        BenchCase(
            name: "bridge", summary: "two bridged ports, 4,096 stations behind each, random pairs", work: .graph,
            inputs: [.bridge], goals: [BenchGoal("sum", atMost: 45, reference: 58, from: vpp)],
            text: { stations(4096, of: .bridge) }),
        BenchCase(
            name: "bridge-million", summary: "as bridge, with 500,000 stations behind each port", work: .graph,
            inputs: [.bridgeMillion], text: { stations(500_000, of: .bridgeMillion) }),
        BenchCase(
            name: "bridge-learn", summary: "1,000,000 stations learned from traffic, and flushed under it",
            work: .stations, goals: [BenchGoal("learn", atMost: 2)]),
        BenchCase(
            name: "span-rx", summary: "ip4-one, and a copy of each packet that comes in", work: .graph, inputs: [.one],
            goals: [BenchGoal("sum", atMost: 70, reference: 93, from: vpp)]),
        BenchCase(
            name: "span-tx", summary: "ip4-one, and a copy of each packet that leaves", work: .graph, inputs: [.one]),
        BenchCase(
            name: "span-idle", summary: "ip4-one, beside a port that is mirrored", work: .graph, inputs: [.one]),
        BenchCase(
            name: "bundle", summary: "IPv4 in by a bundle and out by another of four links, otherwise as ip4-one",
            work: .graph, inputs: [.one]),
        BenchCase(
            name: "mpls-swap", summary: "MPLS, one label, swapped for another", work: .graph, inputs: [.labelled],
            goals: [BenchGoal("sum", atMost: 40, reference: 46, from: vpp)]),
        BenchCase(
            name: "mpls-stack", summary: "MPLS, one label, swapped for a stack of three", work: .graph,
            inputs: [.labelled]),
        BenchCase(
            name: "mpls-push", summary: "IPv4, one /8 route, random destinations, one label pushed", work: .graph,
            inputs: [.one]),
        BenchCase(
            name: "gre", summary: "IPv4, one /8 route, random destinations, into a GRE tunnel over IPv4", work: .graph,
            inputs: [.one]),
        BenchCase(
            name: "erspan", summary: "IPv4, one /8 route, random destinations, each copied into ERSPAN type II",
            work: .graph, inputs: [.one]),
        BenchCase(
            name: "ip6-one", summary: "IPv6, one /32 route, random destinations", work: .graph, inputs: [.one6],
            goals: [BenchGoal("sum", atMost: 50, reference: 67, from: vpp)]),
        BenchCase(
            name: "ip6-200k", summary: "IPv6, 200,000 /48 routes, random destinations", work: .graph,
            inputs: [.sites6], goals: [BenchGoal("sum", atMost: 120, reference: 531, from: vpp)]),
        BenchCase(
            name: "ip6-bgp", summary: "IPv6, 250,000 routes in the Internet's length mix, 256 next hops",
            work: .graph, inputs: [.internet6]),
        BenchCase(
            name: "route-load", summary: "1,000,000 routes from a file", work: .load, inputs: [.million],
            goals: [BenchGoal("load", atMost: 5), BenchGoal("memory", atMost: 150)]),
        BenchCase(
            name: "route-load-full", summary: "1,000,000 IPv4 and 250,000 IPv6 routes from files", work: .load,
            inputs: [.million, .internet6], goals: [BenchGoal("load", atMost: 8), BenchGoal("process", atMost: 250)]),
        BenchCase(
            name: "route-churn", summary: "single changes of random routes among those of route-load-full",
            work: .churn, inputs: [.million, .internet6],
            goals: [BenchGoal("IPv4", atLeast: 200_000), BenchGoal("IPv6", atLeast: 200_000)]),
        BenchCase(
            name: "route-load-traffic", summary: "the routes of route-load-full, loaded and changed under traffic",
            work: .loadUnderTraffic, inputs: [.million, .internet6],
            goals: [
                BenchGoal("load", atMost: 8), BenchGoal("process", atMost: 250), BenchGoal("IPv4", atLeast: 200_000),
                BenchGoal("IPv6", atLeast: 200_000), BenchGoal("lost", atMost: 0),
            ]),
        BenchCase(
            name: "start", summary: "from the program's start to the first packet forwarded, 1,000 routes",
            work: .start, inputs: [.thousand], goals: [BenchGoal("start", atMost: 1)]),
        BenchCase(
            name: "reroute", summary: "from a link's failure to the first packet on the backup, by prefixes behind it",
            work: .reroute, goals: [BenchGoal("1000000 prefixes", atMost: 1000)]),
        BenchCase(
            name: "af-xdp", summary: "AF_XDP over veth, end to end, beside an empty forwarding loop",
            work: .endToEnd(vlan: nil), goals: [BenchGoal("ratio", atLeast: 0.95)]),
        BenchCase(
            name: "af-xdp-vlan", summary: "AF_XDP over veth, from one VLAN to another, beside the same without tags",
            work: .endToEnd(vlan: 2), goals: [BenchGoal("ratio", atLeast: 0.9)]),
    ]

    /// The cases that `words` name, or all; a word that is a file's path is a graph to run.
    static func named(_ words: [String]) throws(CommandError) -> [BenchCase] {
        if words.isEmpty { return all }
        var cases: [BenchCase] = []
        for word in words {
            if let known = all.first(where: { $0.name == word }) {
                cases.append(known)
            } else if isFile(word) {
                cases.append(BenchCase(name: word, summary: "a graph file", work: .graph))
            } else {
                throw .usage("there is no case '\(word)'", Spelling.hint(for: word, among: all.map(\.name)))
            }
        }
        return cases
    }
}

/// Where the graph files of the cases are kept.
enum BenchGraphs {
    /// The graph file of the case `name`.
    /// - Parameter directory: nil to look near the program.
    static func file(_ name: String, directory: String?) throws(CommandError) -> URL {
        let places = directory.map { [URL(fileURLWithPath: $0)] } ?? standardPlaces
        let files = places.map { $0.appending(path: "\(name).yaml") }
        if let file = files.first(where: { FileManager.default.fileExists(atPath: $0.path) }) { return file }
        throw .failed(
            "cannot find the graph '\(name).yaml'", "give its directory with --graphs: Graphs/bench in the source")
    }

    /// In the source tree around the program, beside an installed one, in the working directory's tree.
    private static var standardPlaces: [URL] {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
        var places: [URL] = []
        var directory = URL(fileURLWithPath: program).deletingLastPathComponent()
        while directory.path != "/" {
            places.append(directory.appending(path: "Graphs/bench"))
            places.append(directory.appending(path: "share/martlet/bench"))
            directory.deleteLastPathComponent()
        }
        return places + [URL(fileURLWithPath: FileManager.default.currentDirectoryPath).appending(path: "Graphs/bench")]
    }
}
