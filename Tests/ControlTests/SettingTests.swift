// SPDX-License-Identifier: Apache-2.0
import Control
import Graph
import Testing

@Suite("Typed readers of settings")
struct SettingTests {
    private func setting(_ text: String) throws -> Setting {
        try #require(try YAMLReader.read(text: "wan0: {mtu: \(text)}", name: "r.yaml")["wan0"]?["mtu"])
    }

    private func message<Value>(_ text: String, _ read: (Setting) throws(ConfigurationError) -> Value) throws -> String
    {
        let setting = try setting(text)
        let error = #expect(throws: ConfigurationError.self) { _ = try read(setting) }
        return error?.description ?? ""
    }

    private enum Mode: String, CaseIterable {
        case xdp = "af-xdp"
        case tap
    }

    @Test("an error names file, line, column, path, value and remedy")
    func errors() throws {
        let tooLarge = try message("99999") { (s) throws(ConfigurationError) in try s.integer(in: 68...9000) as Int }
        #expect(tooLarge == "r.yaml:1:13: wan0.mtu: 99999 is too large; give 68 to 9000")
        let noNumber = try message("fast") { (s) throws(ConfigurationError) in try s.integer(in: 68...9000) as Int }
        #expect(noNumber == "r.yaml:1:13: wan0.mtu: 'fast' is not a whole number; give 68 to 9000")
        let list = try message("[1]") { (s) throws(ConfigurationError) in try s.string }
        #expect(list.contains("a list is not a plain value"))
        let choice = try message("af-xpd") { (s) throws(ConfigurationError) in try s.choice(of: Mode.self) }
        #expect(choice.contains("did you mean 'af-xdp'? give af-xdp or tap"))
        let huge = try message("99999999999999999999999") { (s) throws(ConfigurationError) in try s.integer() as Int }
        #expect(huge.contains("not a whole number"))
    }

    @Test("whole numbers of any type stay in their range")
    func integers() throws {
        let port: UInt16 = try setting("0x1F90").integer(in: 1...65535)
        #expect(port == 8080)
        #expect(throws: ConfigurationError.self) { let _: UInt8 = try setting("256").integer() }
        #expect(throws: ConfigurationError.self) { let _: UInt8 = try setting("-1").integer() }
        #expect(throws: ConfigurationError.self) { let _: Int = try setting("0x-1").integer() }
    }

    @Test("booleans in YAML's spellings")
    func booleans() throws {
        #expect(try setting("yes").boolean)
        #expect(try !setting("off").boolean)
        #expect(throws: ConfigurationError.self) { try setting("maybe").boolean }
    }

    @Test(
        "durations",
        arguments: [
            ("10s", Duration.seconds(10)), ("250ms", .milliseconds(250)), ("1.5s", .milliseconds(1500)),
            ("5min", .seconds(300)),
            ("0s", .zero), ("10 us", .microseconds(10)), ("1d", .seconds(86400)),
        ])
    func durations(text: String, expected: Duration) throws {
        #expect(Quantity.duration(text) == expected)
        #expect(Quantity.duration(Quantity.text(expected)) == expected)
    }

    @Test(
        "what is no quantity",
        arguments: ["", "10", "s", "-1s", "1e3s", "nans", "inf s", "1..2s", "1.s", ".5s", "99999999999999d", "1s2"])
    func noDurations(text: String) {
        #expect(Quantity.duration(text) == nil)
    }

    @Test("sizes and rates")
    func sizes() {
        #expect(Quantity.bytes("64KiB") == 65536)
        #expect(Quantity.bytes("1500") == 1500)
        #expect(Quantity.bytes("2M") == 2 << 20)
        #expect(Quantity.bytes("64kB") == 64000)
        #expect(Quantity.bytes("99999999999G") == nil)
        #expect(Quantity.rate("1.5Mpps", .packets) == 1_500_000)
        #expect(Quantity.rate("10k", .packets) == 10000)
        #expect(Quantity.rate("10Gbps", .bits) == 10_000_000_000)
        #expect(Quantity.rate("10Gbps", .packets) == nil)
    }

    @Test("several errors are collected and thrown together in the order of the file")
    func collecting() throws {
        let root = try YAMLReader.read(text: "a: x\nb: 5\nc: y\n", name: "r.yaml")
        let thrown = #expect(throws: ConfigurationErrors.self) {
            try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
                _ = errors.collect { () throws(ConfigurationError) in try root.required("c").integer() as Int }
                _ = errors.collect { () throws(ConfigurationError) in try root.required("b").integer() as Int }
                _ = try root.required("a").integer() as Int
            }
        }
        #expect(thrown?.all.map(\.path) == ["a", "c"])
    }
}
