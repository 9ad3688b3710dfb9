// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing

/// Plugins as a configuration file uses them, in the whole router.
@Suite("Plugins in a router")
@ControlPlane
struct PluginRouterTests {
    /// 256 segments of a BGP session from a neighbour, and as many that only claim to be.
    private static let file = """
        interfaces:
          wan0:
            type: generator
            addresses: [192.0.2.1/24]
            loops: 1
            packets:
              - ipv4: {source: 192.0.2.2, destination: 198.51.100.2, ttl: 255}
                tcp: {source: 4000, destination: 179}
                count: 256
              - ipv4: {source: 192.0.2.2, destination: 198.51.100.2, ttl: 253}
                tcp: {source: 4000, destination: 179}
                count: 256
          lan0: {type: "null", addresses: [198.51.100.1/24]}
        neighbors:
          - {interface: lan0, address: 198.51.100.2, mac: 02:00:00:00:00:02}
        ttl-guard: {interfaces: [wan0], rules: [{protocol: tcp, port: 179}]}

        """

    private func router(_ plugins: String, _ rest: String = "") throws -> Router {
        try Router(YAMLReader.read(text: Self.file + plugins + rest, name: "r.yaml"))
    }

    private func drops(_ router: Router) -> [String: UInt64] {
        Dictionary(router.engine.dropSamples().map { ("\($0.node) \($0.reason)", $0.count) }, uniquingKeysWith: +)
    }

    private func forwarded(_ router: Router) -> UInt64 {
        router.engine.nodeSamples().filter { $0.node == "ip4-rewrite" }.reduce(0) { $0 + $1.counters.packets }
    }

    @Test("the plugin's section is read, its feature works, its command is there")
    func works() async throws {
        let router = try router("plugins: {example: {required: true}}\n")
        try router.prepare()
        router.engine.runToEnd()
        #expect(drops(router) == ["ip4-ttl-guard ttl-too-low": 256])
        #expect(forwarded(router) == 256)
        #expect(router.engine.buffersInUse == 0)
        let grammar = CommandGrammar(router.commands)
        #expect(throws: Never.self) { try grammar.resolve(["show", "ttl-guard"]) }
        #expect(throws: Never.self) { try grammar.resolve(["show", "plugins"]) }
    }

    @Test("the rest of the router works without a plugin that was refused, and its section is left out")
    func refused() throws {
        let router = try router("plugins: {absent: }\n")
        try router.prepare()
        router.engine.runToEnd()
        #expect(drops(router) == [:])
        #expect(forwarded(router) == 512)
    }

    @Test("without plugins the section is an error, and so is everything with a required plugin that was refused")
    func errors() {
        let unknown = #expect(throws: ConfigurationErrors.self) { _ = try router("") }
        #expect(unknown?.description.contains("ttl-guard: unknown key 'ttl-guard'") == true)
        let required = #expect(throws: ConfigurationErrors.self) {
            _ = try router("plugins: {absent: {required: true}}\n")
        }
        #expect(required?.all.count == 1)
        #expect(required?.description.contains("plugins.absent: the plugin is required and was refused") == true)
    }

    @Test("the file's graph section may name the plugin's feature")
    func order() throws {
        let router = try router(
            "plugins: {example: }\n", "graph: {features: {ip4-unicast: [ip4-ttl-guard]}}\n")
        try router.prepare()
        router.engine.runToEnd()
        #expect(drops(router) == ["ip4-ttl-guard ttl-too-low": 256])
    }

    @Test("check loads plugins as well: their sections are judged")
    func check() throws {
        let directory = try TestDirectory()
        let good = try directory.write("good.yaml", [UInt8]((Self.file + "plugins: {example: }\n").utf8))
        #expect(Router.check(file: good).map(\.description) == [])
        let text = Self.file.replacing("port: 179", with: "port: 99999") + "plugins: {example: }\n"
        let bad = try directory.write("bad.yaml", [UInt8](text.utf8))
        let problems = Router.check(file: bad).map(\.description)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("ttl-guard.rules[0].port: 99999 is too large; give 1 to 65535") == true)
    }
}
