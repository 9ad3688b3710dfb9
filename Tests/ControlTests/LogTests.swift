// SPDX-License-Identifier: Apache-2.0
import Control
import Testing

@Suite("Log lines")
struct LogTests {
    private func line(_ message: String, _ metadata: [String: String] = [:]) -> LogLine {
        LogLine(
            level: "warning", priority: 4, message: message, metadata: metadata.merging(["interface": "wan0"]) { $1 })
    }

    @Test("for people: time, level, message and sorted metadata")
    func people() {
        let text = line("carrier is lost", ["device": "eth 1"]).text(at: "2026-01-01T00:00:00.000Z")
        #expect(text == "2026-01-01T00:00:00.000Z warning carrier is lost device=\"eth 1\" interface=wan0\n")
    }

    @Test("for journald: the priority in front, no time")
    func journal() {
        #expect(line("carrier is lost").text(at: nil) == "<4>carrier is lost interface=wan0\n")
    }

    @Test("a value cannot forge a line of its own")
    func forgery() {
        let text = line("a\n<0>panic", ["x": "1\n<0>y\"z"]).text(at: nil)
        #expect(text.count { $0 == "\n" } == 1)
        #expect(text.hasSuffix("x=\"1 <0>y\\\"z\"\n"))
    }
}
