// SPDX-License-Identifier: Apache-2.0
import Wire

/// What is wrong with a case file, and in which line.
struct CaseError: Error, CustomStringConvertible {
    let line: Int
    let problem: String

    init(_ line: Int, _ problem: String) {
        self.line = line
        self.problem = problem
    }

    var description: String { "line \(line): \(problem)" }
}

/// The words of a packet, each with its line, read one after the other.
struct Words {
    private var words: ArraySlice<(text: String, line: Int)>
    /// The line of the word that was read last.
    private(set) var line: Int

    init(_ lines: [(text: String, number: Int)]) {
        let words = lines.flatMap { line in
            line.text.split(separator: " ").map { (text: String($0), line: line.number) }
        }
        self.words = words[...]
        line = lines.first?.number ?? 0
    }

    var isEmpty: Bool { words.isEmpty }
    var peek: String? { words.first?.text }

    func error(_ problem: String) -> CaseError { CaseError(line, problem) }

    mutating func next(_ what: String) throws(CaseError) -> String {
        guard let word = words.popFirst() else { throw error("\(what) is missing at the end of the packet") }
        line = word.line
        return word.text
    }

    /// Reads the word if it is next.
    mutating func take(_ word: String) -> Bool {
        guard words.first?.text == word else { return false }
        line = words.removeFirst().line
        return true
    }

    /// Reads a word that must be next.
    mutating func expect(_ word: String) throws(CaseError) {
        let found = try next("'\(word)'")
        guard found == word else { throw error("'\(word)' is wanted in place of '\(found)'") }
    }

    /// A number, decimal or with 0x.
    mutating func integer<Number: FixedWidthInteger>(
        _ what: String, as type: Number.Type = Number.self
    ) throws(CaseError) -> Number {
        let word = try next(what)
        let number = word.hasPrefix("0x") ? Number(word.dropFirst(2), radix: 16) : Number(word)
        guard let number else { throw error("'\(word)' is not a number for \(what)") }
        return number
    }

    /// The number after a field's name, if that is next.
    mutating func field<Number: FixedWidthInteger>(_ name: String, _ standard: Number) throws(CaseError) -> Number {
        take(name) ? try integer(name) : standard
    }

    /// Bytes in one word: 94040000.
    mutating func bytes(_ what: String) throws(CaseError) -> [UInt8] {
        let word = try next(what)
        guard let bytes = hexadecimalBytes(word) else { throw error("'\(word)' is not a row of bytes for \(what)") }
        return bytes
    }

    mutating func address() throws(CaseError) -> IPv4Address {
        let word = try next("an IPv4 address")
        guard let address = IPv4Address(word) else { throw error("'\(word)' is not an IPv4 address") }
        return address
    }

    mutating func address6() throws(CaseError) -> IPv6Address {
        let word = try next("an IPv6 address")
        guard let address = IPv6Address(word) else { throw error("'\(word)' is not an IPv6 address") }
        return address
    }

    mutating func station(_ stations: [String: MACAddress]) throws(CaseError) -> MACAddress {
        let word = try next("a MAC address")
        guard let address = stations[word] ?? MACAddress(word) ?? group(word) else {
            throw error("'\(word)' is neither a MAC address nor a port nor the address of a static neighbour")
        }
        return address
    }

    /// Where packets to a group go.
    private func group(_ word: String) -> MACAddress? {
        switch IPAddress(word) {
        case .v4(let address) where address.isMulticast: MACAddress(multicast: address)
        case .v6(let address) where address.isMulticast: MACAddress(multicast: address)
        default: nil
        }
    }
}

/// "0a0b" as [10, 11]; nil when it is anything else.
func hexadecimalBytes(_ text: some StringProtocol) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count % 2 == 0, !digits.isEmpty else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hexadecimalText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
