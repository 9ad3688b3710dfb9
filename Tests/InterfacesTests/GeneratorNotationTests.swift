// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing
import Wire

@testable import Interfaces

@Suite("How a generator's fields are written")
struct GeneratorNotationTests {
    private static let port = FieldNotation.number(0...65535, example: "1")

    @Test(
        "values and ranges",
        arguments: [
            ("7", 7...7), ("0x10", 16...16), ("1-3", 1...3), ("0x1-0xf", 1...15), ("65535", 65535...65535),
        ] as [(String, ClosedRange<UInt128>)])
    func numbers(_ text: String, _ range: ClosedRange<UInt128>) { #expect(Self.port.parse(text) == range) }

    @Test("addresses: hyphens inside and between them")
    func addresses() {
        let one: UInt128 = 0x0200_0000_0001
        #expect(FieldNotation.mac.parse("02:00:00:00:00:01") == one...one)
        #expect(FieldNotation.mac.parse("02-00-00-00-00-01-02-00-00-00-00-05") == one...one + 4)
        #expect(FieldNotation.mac.parse("02:00:00:00:00:01-02:00:00:00:00:05") == one...one + 4)
        #expect(FieldNotation.ipv4.parse("10.0.0.0/30") == 0x0a00_0000...0x0a00_0003)
        #expect(FieldNotation.ipv4.parse("0.0.0.0/0") == 0...0xffff_ffff)
        #expect(FieldNotation.ipv4.parse("10.0.0.255-10.0.1.0") == 0x0a00_00ff...0x0a00_0100)
    }

    @Test("IPv6 addresses, of which there are more than a number of 64 bits counts")
    func longAddresses() {
        let first: UInt128 = 0x2001_0db8 << 96
        #expect(FieldNotation.ipv6.parse("2001:db8::1") == first + 1...first + 1)
        #expect(FieldNotation.ipv6.parse("2001:db8::-2001:db8:0:1::") == first...first + (1 << 64))
        #expect(FieldNotation.ipv6.parse("2001:db8::/32") == first...first + ((1 << 96) - 1))
        #expect(FieldNotation.ipv6.parse("10.0.0.1") == nil && FieldNotation.ipv6.parse("2001:db8::1/32") == nil)
        var random = SplitMix64(seed: 3)
        let all = FieldValues([0...UInt128.max, 7...7], step: 1, isRandom: true)
        #expect(all.count == .max)
        let halves = Set((0..<1000).map { _ in all.value(0, &random) >> 64 })
        #expect(halves.count == 1000 && halves.contains { $0 >> 63 == 1 } && halves.contains { $0 >> 63 == 0 })
        #expect(IPv6Address(first + 1) == IPv6Address("2001:db8::1"))
    }

    @Test(
        "what is no value",
        arguments: ["", "-", "1-", "-1", "3-1", "65536", "1-65536", "1 - 2", "0x", "1--2", "a", "1-2-3"])
    func refused(_ text: String) { #expect(Self.port.parse(text) == nil) }

    @Test("a field walks through its ranges and starts again")
    func walk() {
        var random = SplitMix64(seed: 1)
        let field = FieldValues([10...14, 1...1, 20...20], step: 2, isRandom: false)
        #expect(field.count == 5 && field.largest == 20)
        #expect((0..<7).map { field.value($0, &random) } == [10, 12, 14, 1, 20, 10, 12])
        let all = FieldValues([0...0xffff_ffff_ffff], step: 1, isRandom: true)
        #expect((0..<1000).allSatisfy { all.value($0, &random) <= 0xffff_ffff_ffff })
    }

    @Test("any text is read or refused, and what is read is within the field's limits")
    func anyText() {
        var random = SplitMix64(seed: 2)
        let alphabet = Array("0123456789abcdefx:.-/ ,ü")
        for _ in 0..<20000 {
            let length = Int.random(in: 0...24, using: &random)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &random)! })
            if let range = Self.port.parse(text) { #expect(range.upperBound <= 65535) }
            if let range = FieldNotation.ipv4.parse(text) { #expect(range.upperBound <= 0xffff_ffff) }
            if let range = FieldNotation.mac.parse(text) { #expect(range.upperBound <= 0xffff_ffff_ffff) }
            _ = [UInt8](hexadecimal: text)
            _ = HostSide.Address(text)
        }
    }

    @Test("host addresses")
    func hostAddresses() {
        #expect(HostSide.Address("192.0.2.1/24")?.words.count == 1)
        #expect(HostSide.Address("2001:db8::1/64")?.words.count == 4)
        for text in ["192.0.2.1", "192.0.2.1/33", "192.0.2/24", "2001:db8::1/129", "/", "::/-1", "1.2.3.4/024x"] {
            #expect(HostSide.Address(text) == nil, "\(text)")
        }
    }
}
