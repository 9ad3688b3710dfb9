// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

@Suite struct IPv4AddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", 0), ("192.0.2.1", 0xC000_0201), ("255.255.255.255", 0xFFFF_FFFF), ("1.20.255.0", 0x0114_FF00),
        ] as [(String, UInt32)])
    func readsAndWrites(text: String, value: UInt32) throws {
        let address = try IPv4Address(parsing: text)
        #expect(address.value == value)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "1.2.3.256", "1.2.3.1000", "1..2.3", ".1.2.3", "01.2.3.4",
        "1.2.3.00", "+1.2.3.4", "-1.2.3.4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.a", "0x1.2.3.4",
        "1.2.3.4\n", "١.2.3.4", "1.2.3.4/32",
    ])
    func refuses(text: String) {
        let error = #expect(throws: AddressSyntaxError.self) { try IPv4Address(parsing: text) }
        #expect(error?.description.hasPrefix("'\(text)' ") == true)
        #expect(IPv4Address(text) == nil)
    }

    @Test func sorts() {
        #expect(IPv4Address(9, 255, 0, 0) < IPv4Address(10, 0, 0, 0))
        #expect(IPv4Address(127, 0, 0, 1) < IPv4Address(128, 0, 0, 0))
    }

    @Test func isAStringInJSON() throws {
        let data = try JSONEncoder().encode([IPv4Address(192, 0, 2, 1)])
        #expect(String(decoding: data, as: UTF8.self) == "[\"192.0.2.1\"]")
        #expect(try JSONDecoder().decode([IPv4Address].self, from: data) == [IPv4Address(192, 0, 2, 1)])
        let short = Data("[\"192.0.2\"]".utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([IPv4Address].self, from: short) }
    }
}

@Suite struct IPv4PrefixTests {
    @Test(arguments: ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.254/31", "192.0.2.1/32"])
    func readsAndWrites(text: String) throws {
        let prefix = try IPv4Prefix(parsing: text)
        #expect(prefix.description == text)
        let data = try JSONEncoder().encode([prefix])
        #expect(try JSONDecoder().decode([IPv4Prefix].self, from: data) == [prefix])
    }

    @Test(
        arguments: [
            ("10.0.0.0", .lengthMissing), ("10.0.0.0/", .lengthOutOfRange), ("10.0.0.0/33", .lengthOutOfRange),
            ("10.0.0.0/-1", .lengthOutOfRange), ("10.0.0.0/08", .leadingZero), ("10.0.0/8", .notDottedQuad),
            ("10.0.0.0/8 ", .trailingText), ("10.0.0.0/255.0.0.0", .lengthOutOfRange), ("/8", .notDottedQuad),
            ("10.0.0.1/8", .hostBitsSet(.v4(IPv4Prefix(IPv4Address(10, 0, 0, 0), length: 8)))),
        ] as [(String, AddressSyntaxError.Problem)])
    func refuses(text: String, problem: AddressSyntaxError.Problem) {
        #expect(throws: AddressSyntaxError(text: text, problem: problem)) { try IPv4Prefix(parsing: text) }
    }

    @Test func saysWhatWasMeant() {
        let error = #expect(throws: AddressSyntaxError.self) { try IPv4Prefix(parsing: "10.0.0.1/8") }
        #expect(error?.description == "'10.0.0.1/8' has bits set beyond its prefix length: did you mean 10.0.0.0/8?")
    }

    @Test func masksAndEnds() {
        let address = IPv4Address(192, 0, 2, 77)
        #expect(IPv4Prefix(address, length: 0) == .all)
        #expect(IPv4Prefix.all.mask == 0)
        #expect(IPv4Prefix.all.last == .broadcast)
        #expect(IPv4Prefix(address, length: 26).description == "192.0.2.64/26")
        #expect(IPv4Prefix(address, length: 26).broadcast == IPv4Address(192, 0, 2, 127))
        #expect(IPv4Prefix(address, length: 31).broadcast == nil)
        #expect(IPv4Prefix(address, length: 32).mask == .max)
    }

    @Test func containsAndSorts() {
        let eight = IPv4Prefix(IPv4Address(10, 0, 0, 0), length: 8)
        let nine = IPv4Prefix(IPv4Address(10, 0, 0, 0), length: 9)
        #expect(eight.contains(nine) && eight.contains(eight) && !nine.contains(eight))
        #expect(eight.contains(IPv4Address(10, 255, 255, 255)) && !eight.contains(IPv4Address(11, 0, 0, 0)))
        #expect(eight < nine && nine < IPv4Prefix(IPv4Address(10, 128, 0, 0), length: 9))
    }
}
