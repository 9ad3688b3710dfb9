// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Testing

/// What is made from the program and committed is what the program makes now. `make published` writes it anew.
@Suite struct PublishedTests {
    private static let isUpdating = ProcessInfo.processInfo.environment["MARTLET_UPDATE"] != nil
    private static let remedy: Comment = "it is out of date: run 'make published' and look at the difference"

    @Test func `the JSON Schema of the configuration`() throws {
        let schema = Shell.run("\(Laboratory.program) schema")
        #expect(schema.code == 0, "\(schema.errors)")
        try PublishedTests.compare("Graphs/martlet.schema.json", with: schema.output)
    }

    @Test func `the picture of the graph`() throws {
        let graph = GraphsTests.martlet(
            "run Graphs/pcap-router.yaml --socket /tmp/martlet-\(getpid()).sock --last 'show graph --format dot'")
        #expect(graph.code == 0, "\(graph.errors)")
        try PublishedTests.compare("docs/graph.dot", with: graph.output)
    }

    @Test func `the tables of keys in the manual`() async throws {
        let path = "\(Laboratory.repository)/docs/configuration.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let begin = "<!-- Keys: made by 'make published' from here -->\n"
        let end = "<!-- to here -->\n"
        let start = try #require(text.range(of: begin)?.upperBound)
        let stop = try #require(text.range(of: end)?.lowerBound)
        let tables = "\n" + KeyReference.markdown(await Router.schema()) + "\n"
        try PublishedTests.compare(
            "docs/configuration.md", with: text.replacingCharacters(in: start..<stop, with: tables))
    }

    @Test func `the captures of the example router`() throws {
        for (name, packets) in ExampleCaptures.all {
            let path = "\(Laboratory.repository)/Graphs/\(name)"
            let wanted = Data(ExampleCaptures.file(packets))
            if PublishedTests.isUpdating { try wanted.write(to: URL(fileURLWithPath: path)) }
            let isSame = FileManager.default.contents(atPath: path) == wanted
            #expect(isSame, PublishedTests.remedy)
        }
    }

    private static func compare(_ file: String, with wanted: String) throws {
        let path = "\(Laboratory.repository)/\(file)"
        if isUpdating { try wanted.write(toFile: path, atomically: true, encoding: .utf8) }
        let isSame = try String(contentsOfFile: path, encoding: .utf8) == wanted
        #expect(isSame, remedy)
    }
}
