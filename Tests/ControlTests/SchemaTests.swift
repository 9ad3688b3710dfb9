// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing

@Suite("Schemas")
struct SchemaTests {
    private static let address = Schema.Format("an address", example: "192.0.2.1") {
        $0.split(separator: ".").count == 4
    }

    private static let schema = Schema.object([
        .required("version", .integer(1...1), "The file's version"),
        .key(
            "interfaces",
            .map(
                of: .variants(
                    by: "type", otherwise: "af-xdp",
                    common: [
                        .key("mtu", .integer(68...9000), "Largest packet, in bytes"),
                        .key("addresses", .list(of: .text(address), count: 0...2), "Own addresses"),
                    ],
                    [
                        .init("af-xdp", "the kernel's device", [.key("queues", .integer(1...64), "Number of queues")]),
                        .init(
                            "pcap", "a capture",
                            [.required("input", .string, "File"), .key("loop", .boolean, "Again")]),
                    ]),
                names: .name), "Interfaces by name"),
        .key("level", .choice(["low", "high"]), "How much"),
        .key("idle", .duration, "How long"),
        .key("target", .either([.string, .object([.required("node", .string, "Its name")])]), "A name, or a map"),
    ])

    private func errors(_ text: String) throws -> [String] {
        Self.schema.validate(try YAMLReader.read(text: text, name: "r.yaml")).map(\.description)
    }

    @Test("a correct file has no errors")
    func correct() throws {
        let text = """
            version: 1
            interfaces:
              wan0: {mtu: 1500, queues: 2, addresses: [192.0.2.1]}
              lan0:
              in0: {type: pcap, input: a.pcap, loop: yes}
            level: high
            idle: 10s
            target: {node: drop}
            """
        #expect(try errors(text) == [])
    }

    @Test(
        "each mistake is found, with its place and what to do",
        arguments: [
            ("level: low", "r.yaml:1:1: 'version' is missing; add 'version:'"),
            ("version: 2", "r.yaml:1:10: version: 2 is too large; give 1"),
            ("version: 1\nlevle: low", "r.yaml:2:1: levle: unknown key 'levle'; did you mean 'level'?"),
            (
                "version: 1\nlevel: hgih",
                "r.yaml:2:8: level: 'hgih' is not known here; did you mean 'high'? give low or high"
            ),
            ("version: 1\nidle: 10", "r.yaml:2:7: idle: '10' is not a duration; give one like 10s or 250ms"),
            (
                "version: 1\ninterfaces: [a]",
                "r.yaml:2:13: interfaces: a list is not a map; write 'key: value' lines below it"
            ),
            (
                "version: 1\ninterfaces: {wan0: {mtu: 99999}}",
                "r.yaml:2:26: interfaces.wan0.mtu: 99999 is too large; give 68 to 9000"
            ),
            (
                "version: 1\ninterfaces: {wan0: {addresses: [1.2.3.4, x]}}",
                "r.yaml:2:42: interfaces.wan0.addresses[1]: 'x' is not an address; give one like 192.0.2.1"
            ),
            (
                "version: 1\ninterfaces: {wan0: {addresses: [1.1.1.1, 1.1.1.2, 1.1.1.3]}}",
                "r.yaml:2:32: interfaces.wan0.addresses: 3 elements are given; give 0 to 2"
            ),
            (
                "version: 1\ninterfaces: {w: {input: a.pcap}}",
                "r.yaml:2:18: interfaces.w.input: 'input' does not go with type: af-xdp; remove it, or set type: pcap"
            ),
            (
                "version: 1\ninterfaces: {wan0: {type: pcpa}}",
                "r.yaml:2:27: interfaces.wan0.type: 'pcpa' is not known here; did you mean 'pcap'? give af-xdp or pcap"
            ),
            (
                "version: 1\ninterfaces: {wan0: {type: pcap}}",
                "r.yaml:2:20: interfaces.wan0: 'input' is missing; add 'input:'"
            ),
            (
                "version: 1\ninterfaces: {\"w 0\": {}}",
                "r.yaml:2:14: interfaces.w 0: 'w 0' is not a name of letters, digits and . _ - : /; give one like wan0"
            ),
            ("version: 1\ntarget: {}", "r.yaml:2:9: target: 'node' is missing; add 'node:'"),
            ("version:", "r.yaml:1:9: version: nothing is not a whole number; give 1"),
        ])
    func mistakes(text: String, expected: String) throws {
        #expect(try errors(text) == [expected])
    }

    @Test("a key that another reader lets pass twice is found")
    func twice() {
        let mark = Mark(file: "r.yaml", line: 1, column: 1)
        let entry = Setting.Entry(key: "version", mark: mark, value: Setting(.scalar("1"), at: mark, path: "version"))
        let errors = Self.schema.validate(Setting(.map([entry, entry]), at: mark, path: ""))
        #expect(errors.map(\.problem) == ["'version' is written twice, first in line 1"])
    }

    @Test("all mistakes are found in one pass")
    func several() throws {
        let text = "version: 3\nlevel: x\nfoo: 1\ninterfaces: {a: {mtu: 1}, b: {mtu: x}}"
        #expect(try errors(text).count == 5)
    }

    @Test("spelling: near names are offered, far ones are not")
    func spelling() {
        let names = ["interfaces", "mtu", "routes", "ip4-lookup"]
        #expect(Spelling.nearest(to: "interface", among: names) == "interfaces")
        #expect(Spelling.nearest(to: "ip4-lokup", among: names) == "ip4-lookup")
        #expect(Spelling.nearest(to: "mut", among: names) == "mtu")
        #expect(Spelling.nearest(to: "zebra", among: names) == nil)
        #expect(Spelling.nearest(to: "", among: names) == nil)
    }

    @Test("the JSON Schema says the same as the validator")
    func jsonSchema() throws {
        let data = try JSONEncoder().encode(Self.schema.document(title: "Test", id: "https://example.org/s.json"))
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(root["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect(root["additionalProperties"] as? Bool == false)
        #expect(root["required"] as? [String] == ["version"])
        let properties = try #require(root["properties"] as? [String: [String: Any]])
        #expect(properties["version"]?["minimum"] as? Int == 1)
        #expect(properties["level"]?["enum"] as? [String] == ["low", "high"])
        #expect((properties["idle"]?["description"] as? String)?.contains("a duration") == true)
        let interface = try #require(properties["interfaces"]?["additionalProperties"] as? [String: Any])
        #expect(interface["unevaluatedProperties"] as? Bool == false)
        let conditions = try #require(interface["allOf"] as? [[String: [String: Any]]])
        #expect(conditions.count == 2)
        // The default variant holds where the key is absent, the other one does not.
        #expect(conditions[0]["if"]?["required"] == nil)
        #expect(conditions[1]["if"]?["required"] as? [String] == ["type"])
        #expect(conditions[1]["then"]?["required"] as? [String] == ["input"])
        #expect(Self.everySchemaIsWellFormed(root))
    }

    /// Every `type` is one of JSON Schema's, every `required` names a property.
    private static func everySchemaIsWellFormed(_ schema: [String: Any]) -> Bool {
        let types: Set = ["object", "array", "string", "integer", "number", "boolean", "null"]
        let named = (schema["type"] as? [String]) ?? (schema["type"] as? String).map { [$0] } ?? []
        guard types.isSuperset(of: named) else { return false }
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        guard properties.values.allSatisfy(everySchemaIsWellFormed) else { return false }
        let required = schema["required"] as? [String] ?? []
        let isCondition = schema["type"] == nil
        guard isCondition || required.allSatisfy({ properties[$0] != nil }) else { return false }
        let nested = ["items", "additionalProperties", "if", "then"].compactMap { schema[$0] as? [String: Any] }
        let lists = ["allOf", "anyOf"].flatMap { schema[$0] as? [[String: Any]] ?? [] }
        return (nested + lists).allSatisfy(everySchemaIsWellFormed)
    }
}
