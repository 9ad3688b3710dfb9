// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph
import Testing

@Suite("One report, two renderings")
struct RendererTests {
    private struct Runtime: Report {
        struct Node: Encodable, Sendable {
            let name: String
            let clocksPerPacket: Double
            let rxBytes: UInt64
        }

        let nodes: [Node]
        let byName: [String: Int]

        var body: [TextBlock] {
            [
                .facts([.init("Workers", "1"), .init("Load", "12.5 %")]),
                .heading("Nodes"),
                .table(
                    ["Name", .right("Clocks"), .right("Bytes"), "State"],
                    nodes.map { [$0.name, $0.clocksPerPacket.fixed(1), "\($0.rxBytes)", "ok"] }),
                .lines(["two\nlines"]),
            ]
        }
    }

    private static let report = Runtime(
        nodes: [
            .init(name: "ip4-input", clocksPerPacket: 8.64, rxBytes: 18_446_744_073_709_551_615),
            .init(name: "drop", clocksPerPacket: 100, rxBytes: 0),
        ], byName: ["wanUplink": 1])

    @Test("text: columns are as wide as their widest cell, numbers stand to the right")
    func text() {
        let expected = """
            Workers  1
            Load     12.5 %

            Nodes
            Name       Clocks                 Bytes  State
            ip4-input     8.6  18446744073709551615  ok
            drop        100.0                     0  ok
            two
            lines

            """
        #expect(TextRenderer.render(Self.report.body) == expected)
        #expect(TextRenderer.render([]) == "")
    }

    @Test("text: what comes from outside cannot steer the terminal")
    func controlCharacters() {
        let text = TextRenderer.render([.line("a\u{1B}[2Jb\u{07}"), .table(["x"], [["1\r2\n3"]])])
        #expect(text == "a?[2Jb?\nx\n1?2?3\n")
    }

    @Test("text: rows that are too short or too long are no trap")
    func ragged() {
        #expect(
            TextRenderer.render([.table(["a", .right("b")], [["1"], ["1", "22", "333"], []])]) == "a   b\n1\n1  22\n\n")
    }

    @Test("JSON: snake_case keys, names kept as they are, numbers as numbers")
    func json() throws {
        let text = JSONRenderer.render(Self.report)
        #expect(text.contains("\"rx_bytes\" : 18446744073709551615"))
        let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let nodes = try #require(root["nodes"] as? [[String: Any]])
        #expect(nodes[0]["clocks_per_packet"] as? Double == 8.64)
        #expect(root["by_name"] as? [String: Int] == ["wanUplink": 1])
    }

    @Test("JSON: what cannot be a number is still one valid document")
    func notANumber() throws {
        let text = JSONRenderer.render(["value": Double.nan])
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
    }

    @Test("errors are JSON too")
    func failures() throws {
        let missing = Failure(CommandError.notFound("there is no 'x'", "show interfaces lists them"))
        let root = try #require(
            try JSONSerialization.jsonObject(with: Data(missing.json.utf8)) as? [String: [String: Any]])
        #expect(root["error"]?["code"] as? String == "not_found")
        #expect(root["error"]?["message"] as? String == "there is no 'x'")
        #expect(missing.exitCode == 3)
        #expect(missing.errorText == "error: there is no 'x'; show interfaces lists them\n")
        let mark = Mark(file: "r.yaml", line: 3, column: 7)
        let configuration = Failure(ConfigurationError(at: mark, path: "a.b", "bad", "mend it"))
        let errors = try #require(
            try JSONSerialization.jsonObject(with: Data(configuration.json.utf8)) as? [String: [String: Any]])
        let parts = try #require(errors["error"]?["errors"] as? [[String: Any]])
        #expect(parts[0]["line"] as? Int == 3)
        #expect(parts[0]["path"] as? String == "a.b")
        #expect(configuration.exitCode == 2)
    }

    @Test(
        "fixed decimals",
        arguments: [
            (3.14159, 2, "3.14"), (0.005, 1, "0.0"), (9.999, 2, "10.00"), (-0.001, 2, "0.00"), (-1.25, 1, "-1.3"),
            (5, 0, "5"),
            (1234567.5, 3, "1234567.500"), (0.07, 2, "0.07"),
        ])
    func fixed(value: Double, places: Int, expected: String) {
        #expect(value.fixed(places) == expected)
    }

    @Test("decimals of what is no number")
    func notFixed() {
        #expect(Double.nan.fixed(2) == "nan")
        #expect(Double.infinity.fixed(2) == "inf")
        #expect(Double.greatestFiniteMagnitude.fixed(2).contains("e+308"))
    }
}
