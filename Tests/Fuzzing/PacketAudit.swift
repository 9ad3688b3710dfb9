// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import IP
import Wire

/// Accounts for every packet at every node, by a node on each arc that counts.
@ControlPlane
struct PacketAudit {
    /// One arc with its counting node.
    private struct Arc {
        let node: String
        let target: String
        let counter: String
    }

    private let arcs: [Arc]

    /// Nodes that take packets for good and send few or none along an arc.
    private static let keepers: Set<String> = [
        "arp-input", "ip4-arp", "ip4-glean", "ip6-discover-neighbor", "ip6-glean", "mpls-adj-incomplete", "nd-input",
    ]
    /// Of these, nodes that answer some packets with one of their own.
    private static let answerers: Set<String> = ["arp-input", "nd-input"]
    /// Nodes at which the control side puts packets in.
    private static let entrances: Set<String> = [
        "interface-output", "ip4-rewrite", "ip4-no-forwarding", "ip6-rewrite", "ip6-no-forwarding", "mpls-rewrite",
    ]
    /// Nodes that pass all packets on and send copies beside them, or count those that they could not send.
    private static let copiers: Set<String> = ["span-input", "span-output"]
    /// Features, which take packets off another node's arc and pass them on to where it leads.
    private static let features = [
        "ip4-urpf": "ip4-lookup", "ip6-urpf": "ip6-lookup", "ip4-tx-urpf": "interface-output",
        "ip6-tx-urpf": "interface-output",
    ]
    private static let beforeFeatures: Set<String> = [
        "ip4-input", "ip4-options", "ip6-input", "ip6-hop-by-hop", "ip4-rewrite", "ip6-rewrite", "ip4-redirect",
        "ip6-redirect", "ip4-no-forwarding",
    ]
    /// Nodes from which each packet goes on, some with a redirect beside it, which goes to lookup.
    private static let redirectors: Set<String> = ["ip4-redirect", "ip6-redirect"]
    /// Drops after which an ICMP error was sent.
    private static let told: Set<String> = [
        "no-route", "next-hop-down", "host-unreachable", "prohibited", "protocol-unreachable", "port-unreachable",
        "fragmentation-needed", "ttl-expired", "parameter-problem", "beyond-scope", "address-unreachable",
        "packet-too-big", "hop-limit-exceeded", "bad-header-field", "unknown-next-header", "unknown-option",
        "unknown-option-to-group", "incomplete-chain", "too-long", "reassembly-time-exceeded", "bad-fragment",
    ]

    /// The configuration with counting nodes on all arcs of the standard graph.
    /// - Parameter detours: Where the counting nodes lead, if not where the arc does.
    static func instrument(
        _ text: String, detours: [String: String] = [:]
    ) throws -> (file: Setting, audit: PacketAudit) {
        let probe = try Router(YAMLReader.read(text: text, name: "fuzz.yaml"), modules: [FuzzPorts.self])
        probe.registry.module(FuzzPorts.self)?.feed = FuzzFeed(seed: 0, isExact: false)
        try probe.prepare()
        let helpers: Set<String> = ["pass", "deal"]
        let nodes = probe.engine.graphSnapshot().nodes.filter {
            $0.kind == .internal && $0.isReachable && !helpers.contains($0.name)
        }
        let arcs = nodes.flatMap { node in
            // Those that were added lead to features, but for interface-output's, which lead to devices.
            node.arcs.prefix(node.name == "interface-output" ? node.declaredArcCount : node.arcs.count).map {
                (node: node.name, name: $0.name, target: $0.node, counter: "\(node.name)/\($0.name)")
            }
        }
        var lines = ["graph:", "  nodes:"]
        for node in nodes {
            let own = arcs.filter { $0.node == node.name }.map { "\($0.name): \($0.counter)" }
            if !own.isEmpty { lines.append("    \(node.name): {arcs: {\(own.joined(separator: ", "))}}") }
        }
        lines += arcs.map { "    \($0.counter): {kind: pass, arcs: {next: \(detours[$0.counter] ?? $0.target)}}" }
        let file = try YAMLReader.read(text: text + "\n" + lines.joined(separator: "\n"), name: "fuzz.yaml")
        return (file, PacketAudit(arcs: arcs.map { Arc(node: $0.node, target: $0.target, counter: $0.counter) }))
    }

    /// - Throws: `FuzzFailure` that names the node at which packets came from or went to nowhere.
    func check(_ router: Router) throws(FuzzFailure) {
        let engine = router.engine
        let module = router.registry.module(IPModule.self)
        let reassembly = [
            "ip4-reassembly": module?.reassemblyCounts(.ipv4), "ip6-reassembly": module?.reassemblyCounts(.ipv6),
        ]
        var packets: [String: UInt64] = [:]
        for sample in engine.nodeSamples() { packets[sample.node, default: 0] += sample.counters.packets }
        var drops: [String: [String: UInt64]] = [:]
        for sample in engine.dropSamples() {
            drops[sample.node, default: [:]][sample.reason, default: 0] += sample.count
        }
        func count(_ arcs: [Arc]) -> UInt64 { arcs.reduce(0) { $0 + packets[$1.counter, default: 0] } }
        // What leaves by a sub-interface goes through interface-output twice, and what comes in has come in by its port; a
        // bridge's own port has its packets from the bridge, a tunnel's come out of others.
        func transmitted(_ kind: String?) -> UInt64 {
            engine.interfaces.filter { kind == nil || $0.kind == kind }.reduce(0) {
                $0 + engine.counters(of: $1.index).txPackets
            }
        }
        let received = engine.interfaces.filter { !["vlan", "bvi", "gre", "erspan"].contains($0.kind) }.reduce(0) {
            $0 + engine.counters(of: $1.index).rxPackets
        }
        let sent = transmitted(nil)
        let fromInterfaces = [
            "ethernet-input": received, "vlan-output": transmitted("vlan"), "bvi-output": transmitted("bvi"),
            "gre-output": transmitted("gre"), "erspan-output": transmitted("erspan"),
        ]

        var toFeatures: UInt64 = 0
        let audited = Set(arcs.map(\.node)).subtracting(PacketAudit.copiers)
        for node in audited.union(PacketAudit.keepers).union(["interface-output"]).sorted() {
            let came = packets[node, default: 0]
            let featured = PacketAudit.features.filter { $0.value == node }.keys.reduce(0) {
                $0 + packets[$1, default: 0] - drops[$1, default: [:]].values.reduce(0, +)
            }
            let fed = count(arcs.filter { $0.target == node }) + (fromInterfaces[node] ?? featured)
            let isEntrance = PacketAudit.entrances.contains(node)
            guard isEntrance ? came >= fed : came == fed else {
                throw FuzzFailure("\(came) packets came to \(node), \(fed) were sent there")
            }
            let isRedirector = PacketAudit.redirectors.contains(node)
            let own = arcs.filter { $0.node == node && (!isRedirector || $0.target == "interface-output") }
            let left = count(own) + (node == "interface-output" ? sent : 0)
            if isRedirector, count(arcs.filter { $0.node == node }) - left > came {
                throw FuzzFailure("\(node) made more redirects than \(came) packets came to it")
            }
            let dropped = drops[node, default: [:]]
            try checkDeparture(node, came: came, left: left, dropped, reassembly[node] ?? nil)
            if PacketAudit.beforeFeatures.contains(node) { toFeatures += came - left - dropped.values.reduce(0, +) }
        }
        let atFeatures = PacketAudit.features.keys.reduce(0) { $0 + packets[$1, default: 0] }
        if toFeatures != atFeatures {
            throw FuzzFailure("\(atFeatures) packets came to features, \(toFeatures) were sent there")
        }
        try checkDrops(packets["drop", default: 0], drops)
        try checkPunts(packets, drops)
    }

    private func checkDeparture(
        _ node: String, came: UInt64, left: UInt64, _ drops: [String: UInt64], _ reassembly: ReassemblyCounts?
    ) throws(FuzzFailure) {
        let dropped = drops.values.reduce(0, +)
        let isRight: Bool
        switch node {
        case "ip4-icmp-error", "ip6-icmp-error":
            let told = drops.filter { PacketAudit.told.contains($0.key) }.values.reduce(0, +)
            isRight = dropped == came && left == told
        case "mpls-icmp-error":
            // What is not dropped is cut.
            let told = drops.filter { PacketAudit.told.contains($0.key) }.values.reduce(0, +)
            isRight = dropped <= came && left == told + (came - dropped)
        case "ip4-reassembly", "ip6-reassembly":
            // Of fragments become datagrams, which have a buffer as long as they are not whole.
            guard let reassembly else { return }
            isRight = came + reassembly.begun == reassembly.taken + left + dropped + reassembly.held
        case "ip4-fragment", "ip6-fragment":
            // Each packet that is not dropped becomes two fragments at least.
            isRight = dropped <= came && left >= 2 * (came - dropped)
        // Each frame that is not dropped leaves at least once.
        case "bridge-flood": isRight = dropped <= came && left >= came - dropped
        // It sends packets of its own.
        case "bfd-input": isRight = dropped <= came
        // What is missing is at features: all of it together is compared with what came there.
        case _ where PacketAudit.beforeFeatures.contains(node): isRight = left <= came && dropped <= came - left
        case _ where PacketAudit.answerers.contains(node): isRight = left + dropped <= came
        case _ where PacketAudit.keepers.contains(node): isRight = dropped <= came - min(left, came)
        default: isRight = came == left + dropped
        }
        if isRight { return }
        throw FuzzFailure("of \(came) packets that came to \(node) \(left) went on and \(dropped) were dropped")
    }

    /// The drop node's own count, but for what the engine drops itself, is the sum of the reasons.
    private func checkDrops(_ came: UInt64, _ drops: [String: [String: UInt64]]) throws(FuzzFailure) {
        let own = drops["drop", default: [:]]
        if !own.isEmpty { throw FuzzFailure("the engine dropped packets itself: \(own)") }
        let sum = drops.filter { !PacketAudit.copiers.contains($0.key) }.values.flatMap(\.values).reduce(0, +)
        if sum != came { throw FuzzFailure("\(came) packets came to the drop node, \(sum) are counted by reason") }
    }

    /// What nodes kept is what the control side got, but for copies of packets that claim the router's addresses.
    private func checkPunts(_ packets: [String: UInt64], _ drops: [String: [String: UInt64]]) throws(FuzzFailure) {
        var kept: UInt64 = 0
        for node in PacketAudit.keepers {
            let passing = PacketAudit.answerers.contains(node) ? [] : arcs.filter { $0.node == node }
            let left = passing.reduce(0) { $0 + packets[$1.counter, default: 0] }
            kept += packets[node, default: 0] - left - drops[node, default: [:]].values.reduce(0, +)
        }
        let got = packets["neighbors", default: 0]
        let copies = drops["arp-input", default: [:]]["address-conflict", default: 0]
        if got < kept || got > kept + copies {
            throw FuzzFailure("nodes passed \(kept) packets to the control side, it got \(got)")
        }
    }
}
