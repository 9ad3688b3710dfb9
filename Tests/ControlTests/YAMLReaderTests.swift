// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing

@Suite("YAML with places")
struct YAMLReaderTests {
    private static let router = """
        # a router
        interfaces:
          wan0:
            mtu: 1500
            addresses: [192.0.2.1/24, "2001:db8::1/64"]
          lan0: {mtu: 9000, name: no}
        empty:
        quoted: "~"
        """

    @Test("values and keys know their line, column and path")
    func places() throws {
        let root = try YAMLReader.read(text: Self.router, name: "r.yaml")
        let interfaces = try #require(root["interfaces"])
        let wan = try #require(interfaces["wan0"])
        let mtu = try #require(wan["mtu"])
        #expect(mtu.mark == Mark(file: "r.yaml", line: 4, column: 10))
        #expect(mtu.path == "interfaces.wan0.mtu")
        let key = try #require(try wan.map.first)
        #expect(key.key == "mtu")
        #expect(key.mark == Mark(file: "r.yaml", line: 4, column: 5))
        let second = try #require(try wan["addresses"]?.list.last)
        #expect(second.path == "interfaces.wan0.addresses[1]")
        #expect(second.mark == Mark(file: "r.yaml", line: 5, column: 31))
        #expect(try interfaces["lan0"]?["mtu"]?.integer(in: 68...9000) == 9000)
        #expect(try interfaces.map.map(\.key) == ["wan0", "lan0"])
    }

    @Test("plain text is text, and only unquoted nothing is nothing")
    func scalars() throws {
        let root = try YAMLReader.read(text: Self.router, name: "r.yaml")
        #expect(try root["interfaces"]?["lan0"]?["name"]?.string == "no")
        #expect(root["empty"] == nil)
        #expect(try root.map.map(\.key).contains("empty"))
        #expect(try root["quoted"]?.string == "~")
        #expect(try YAMLReader.read(text: "", name: "e.yaml").isNull)
    }

    @Test("anchors, aliases and merge keys")
    func aliases() throws {
        let text = """
            base: &base {mtu: 1500, mode: tap}
            wan0: {<<: *base, mtu: 9000}
            lan0: *base
            """
        let root = try YAMLReader.read(text: text, name: "a.yaml")
        #expect(try root["wan0"]?["mtu"]?.integer() == 9000)
        #expect(try root["wan0"]?["mode"]?.string == "tap")
        #expect(root["lan0"]?["mode"]?.path == "lan0.mode")
    }

    @Test(
        "what is wrong is said with its place and a remedy",
        arguments: [
            ("a:\n\tb: 1\n", "x.yaml:2:1", "tabs"),
            ("a: b: c\n", "x.yaml:1:5", "quotes"),
            ("a: [1, 2\nb: 3\n", "x.yaml:2:", "]"),
            ("a: \"open\n", "x.yaml:", "close the quotes"),
            ("a: *nowhere\n", "x.yaml:1:4", "anchor"),
            ("a: 1\n---\nb: 2\n", "x.yaml:2:1", "one document"),
            ("wan0:\n  mtu: 1\n  mtu: 2\n", "x.yaml:2:3", "'mtu' is written more than once"),
            ("? [a, b]\n: 1\n", "x.yaml:1:3", "plain word"),
        ])
    func mistakes(text: String, place: String, word: String) {
        let error = #expect(throws: ConfigurationError.self) { try YAMLReader.read(text: text, name: "x.yaml") }
        let message = error?.description ?? ""
        #expect(message.hasPrefix(place), "\(message)")
        #expect(message.contains(word), "\(message)")
    }

    @Test("aliases that expand without end are refused")
    func expansion() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: ConfigurationError.self) { try YAMLReader.read(text: text, name: "x.yaml") }
        #expect(error?.problem.contains("expand") == true)
    }

    @Test("values nested without end are refused", arguments: [100, 100_000])
    func depth(levels: Int) {
        let flow = String(repeating: "[", count: levels)
        #expect(throws: ConfigurationError.self) { try YAMLReader.read(text: flow, name: "x.yaml") }
        let closed = flow + String(repeating: "]", count: levels)
        #expect(throws: ConfigurationError.self) { try YAMLReader.read(text: closed, name: "x.yaml") }
        let block = String(repeating: "- ", count: levels) + "x"
        #expect(throws: ConfigurationError.self) { try YAMLReader.read(text: block, name: "x.yaml") }
    }

    @Test("a file that is not there, or is a directory, is named")
    func files() {
        for path in ["/nonexistent/router.yaml", "/tmp"] {
            let error = #expect(throws: ConfigurationError.self) { try YAMLReader.read(file: path) }
            #expect(error?.description.contains(path) == true)
            #expect(error?.remedy.isEmpty == false)
        }
    }

    @Test("no text crashes the reader")
    func garbage() {
        var random = Generator(seed: 7)
        let pieces = [
            "a", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", "&x ", "*x", "\"", "'", "|", ">", "%", "@", "?", "<<",
            "~", "#",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            guard let root = try? YAMLReader.read(text: text, name: "x.yaml") else { continue }
            _ = Schema.object([.key("a", .integer(), "")]).validate(root)
        }
    }
}

/// SplitMix64: the same sequence in every run.
struct Generator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
