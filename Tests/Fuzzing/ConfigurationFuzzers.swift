// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import GraphTestSupport

extension TextFuzzer {
    private static let words = [
        "interfaces", "type", "pcap", "tap", "null", "generator", "af-xdp", "test", "mac", "mtu", "addresses", "routes",
        "to",
        "via", "blackhole", "default", "file", "next-hops", "neighbors", "static", "graph", "nodes", "arcs", "kind",
        "pass",
        "features", "include", "none", "workers", "plugins", "10.0.0.1/24", "10.0.0.0/31", "0.0.0.0/0",
        "255.255.255.255/32",
        "02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "ip4-input", "ip4-lookup", "drop", "ethernet-input", "&a", "*a",
        "<<: *a",
        "!!int", "|", ">", "? ", "- ", ": ", "{", "}", "[", "]", "---\n", "...\n", "%YAML 9.9\n", "\"", "'", "#", "~",
    ]

    /// Files as `martlet check` gets them.
    static let configuration = TextFuzzer(
        "configuration",
        {
            let files =
                FuzzFiles.contents(of: "Graphs", ending: ".yaml")
                + FuzzFiles.contents(of: "Graphs/bench", ending: ".yaml")
            return TextMutator(seeds: files.map(\.bytes), words: words)
        }
    ) { input in
        guard await isModest(input) else { return }
        try await FuzzFiles.withFile(input) { path in
            for error in await Router.check(file: path) where "\(error)".isEmpty {
                throw FuzzFailure("an error without words")
            }
        }
    }

    /// Files that are applied, and packets through what comes of them.
    static let running = TextFuzzer(
        "running", { TextMutator(seeds: FuzzFiles.contents(of: "Tests/Cases/graphs").map(\.bytes), words: words) }
    ) { input in
        guard await isModest(input), let text = String(validating: input, as: UTF8.self) else { return }
        try await run(text)
    }

    @ControlPlane
    private static func run(_ text: String) throws {
        guard let file = try? YAMLReader.read(text: text, name: "fuzz.yaml") else { return }
        // No real device is opened, whatever the mutation wrote.
        let kinds = ((try? file["interfaces"]?.map) ?? []).map { try? $0.value["type"]?.string }
        guard kinds.allSatisfy({ $0 == "test" || $0 == "null" }) else { return }
        guard let router = try? Router(file, modules: [TestPorts.self]), (try? router.prepare()) != nil else { return }
        defer { for module in router.registry.modules { module.stop() } }
        guard let ports = router.registry.module(TestPorts.self)?.ports else { return }
        for port in ports { port.receive(PacketSeeds.quietFrames) }
        // A graph may have been bent to a loop.
        for _ in 0..<100 where !router.engine.step() { break }
        if router.lostBuffers != 0 {
            throw FuzzFailure("\(router.lostBuffers) buffers are not back")
        }
    }

    /// Whether the file asks for no more than a test may take: not for gigabytes of memory, dozens of workers, a stats
    /// file somewhere.
    @ControlPlane
    private static func isModest(_ input: [UInt8]) -> Bool {
        guard let file = try? YAMLReader.read(text: String(decoding: input, as: UTF8.self), name: "fuzz.yaml") else {
            return true
        }
        func number(_ section: String) -> Int { (try? file[section]?["count"]?.integer(in: 0...Int.max)) ?? 1 }
        return number("buffers") <= 16384 && number("workers") <= 4 && file["stats"] == nil
    }
}
