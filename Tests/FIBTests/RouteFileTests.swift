// SPDX-License-Identifier: Apache-2.0
import Foundation
import IP
import Testing
import Wire

@Suite struct RouteFileTests {
    private func entries(_ text: String) throws -> [RouteFile.Entry] {
        var entries: [RouteFile.Entry] = []
        try RouteFile(path: "routes", text: text).forEach { entries.append($0) }
        return entries
    }

    @Test func readsNumbersAndAddresses() throws {
        let text = "10.0.0.0/8 0\n\n  # comment\n192.0.2.0/24\t10.0.0.1  # to the left\r\n0.0.0.0/0 4294967295"
        #expect(
            try entries(text) == [
                .init(prefix: .v4(net("10.0.0.0/8")), nextHop: .number(0), line: 1),
                .init(prefix: .v4(net("192.0.2.0/24")), nextHop: .address(.v4(host("10.0.0.1"))), line: 4),
                .init(prefix: .v4(net("0.0.0.0/0")), nextHop: .number(.max), line: 5),
            ])
        #expect(try entries("").isEmpty)
        #expect(try entries("\n\n").isEmpty)
    }

    @Test func readsWhichRoutesAreCounted() throws {
        let text = "10.0.0.0/8 0 counter\n11.0.0.0/8 1\n12.0.0.0/8 ::1\tcounter\r\n::/0 1 counter # and why\n"
        #expect(try entries(text).map(\.isCounted) == [true, false, true, true])
    }

    @Test func readsBothFamilies() throws {
        let text = "2001:db8::/32 fe80::1\n::/0 17\nfe80::/10\t192.0.2.1\n192.0.2.0/24 2001:DB8::1 # as in RFC 8950"
        #expect(
            try entries(text).map { "\($0.prefix) \($0.nextHop)" } == [
                "2001:db8::/32 address(fe80::1)", "::/0 number(17)", "fe80::/10 address(192.0.2.1)",
                "192.0.2.0/24 address(2001:db8::1)",
            ])
    }

    @Test(arguments: [
        (
            "2001:db8::1/32 1",
            "1:1: '2001:db8::1/32' has bits set beyond its prefix length: did you mean 2001:db8::/32?"
        ),
        ("2001:db8::/129 1", "1:1: '2001:db8::/129' has a bad prefix length"),
        ("2001:db8:::/32 1", "1:1: '2001:db8:::/32' is not an IPv6 address"),
        ("2001:db8:: 1", "1:1: '2001:db8::' has no prefix length"),
        ("2001:db8::/32 fe80::1%eth0", "1:15: 'fe80::1%eth0' is not a next hop"),
        ("10.0.0.0/8 1\n10.0.0.1/8 1\n", "2:1: '10.0.0.1/8' has bits set beyond its prefix length"),
        ("10.0.0.0/8", "1:11: '' is not a next hop"),
        ("10.0.0.0/8\n", "1:11: '' is not a next hop"),
        ("10.0.0.0/8 eth0", "1:12: 'eth0' is not a next hop"),
        ("10.0.0.0/8 4294967296", "1:12: '4294967296' is not a next hop"),
        ("10.0.0.0/8 99999999999999999999", "1:12: '99999999999999999999' is not a next hop"),
        ("10.0.0.0/8 10.0.0.1 3", "1:21: '3' does not belong here: a line is PREFIX NEXTHOP [counter]"),
        ("10.0.0.0/8 10.0.0.1 counters", "1:21: 'counters' does not belong here"),
        ("10.0.0.0/8 10.0.0.1 count", "1:21: 'count' does not belong here"),
        ("10.0.0.0/8 10.0.0.1 counter counter", "1:29: 'counter' does not belong here"),
        ("#\n ten 1", "2:2: 'ten' is not an IPv4 address"),
        ("10.0.0.0/8x 1", "1:1: '10.0.0.0/8x' has something behind the address that does not belong there"),
        ("\0\u{1}", "1:1: '\0\u{1}' is not an IPv4 address"),
    ])
    func saysWhatIsWrongAndWhere(text: String, start: String) {
        let error = #expect(throws: RouteFileError.self) { try entries(text) }
        #expect(error?.description.hasPrefix("routes:" + start) == true)
    }

    @Test func callersErrorsHaveTheirLine() {
        struct Unknown: Error, CustomStringConvertible { let description = "no such next hop" }
        let file = RouteFile(path: "routes", text: "10.0.0.0/8 1\n11.0.0.0/8 2\n12.0.0.0/8 3\n")
        var seen = 0
        let error = #expect(throws: RouteFileError.self) {
            try file.forEach { entry in
                if entry.nextHop == .number(2) { throw Unknown() }
                seen += 1
            }
        }
        #expect(error?.line == 2)
        #expect(error?.problem == "no such next hop")
        #expect(seen == 1)
    }

    @Test func readsAFileFromDisk() throws {
        let path = NSTemporaryDirectory() + "martlet-routes-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let count = 50000
        let text = (0..<count).map { "\(IPv4Address(UInt32($0) << 8))/24 \($0)\n" }.joined()
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        var next = 0
        try RouteFile(path: path).forEach { entry in
            if entry.nextHop == .number(UInt32(next)), entry.line == next + 1 { next += 1 }
        }
        #expect(next == count)
    }

    @Test(arguments: ["/nonexistent/routes", "/"])
    func filesThatCannotBeRead(path: String) {
        let error = #expect(throws: RouteFileError.self) { try RouteFile(path: path) }
        #expect(error?.description.hasPrefix("\(path): cannot read the routes: ") == true)
    }

    /// No bytes at all bring it down.
    @Test func survivesNoise() {
        var random = Random(state: 4)
        let alphabet = Array("0123456789./:af #\t\r\nx\u{ff}".utf8)
        for _ in 0..<3000 {
            let length = Int.random(in: 0..<60, using: &random)
            let noise = (0..<length).map { _ in alphabet.randomElement(using: &random)! }
            _ = try? entries(String(decoding: noise, as: UTF8.self))
        }
    }
}
