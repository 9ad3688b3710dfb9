// SPDX-License-Identifier: Apache-2.0

/// Text that is not the address or the prefix it should be.
public struct AddressSyntaxError: Error, Equatable, CustomStringConvertible {
    public enum Problem: Error, Equatable {
        case notDottedQuad
        case notIPv6
        case leadingZero
        case lengthMissing
        case lengthOutOfRange
        case hostBitsSet(IPPrefix)
        case trailingText
    }

    public let text: String
    public let problem: Problem

    public init(text: String, problem: Problem) {
        self.text = text
        self.problem = problem
    }

    public var description: String { "'\(text)' \(problem)" }
}

extension AddressSyntaxError.Problem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notDottedQuad: "is not an IPv4 address: write four numbers from 0 to 255, such as 192.0.2.1"
        case .notIPv6: "is not an IPv6 address: write groups of hexadecimal digits, such as 2001:db8::1"
        case .leadingZero: "has a number with a leading zero: write it without"
        case .lengthMissing: "has no prefix length: write ADDRESS/LENGTH, such as 192.0.2.0/24"
        case .lengthOutOfRange: "has a bad prefix length: write a number from 0 to 32 (IPv6: to 128) behind the slash"
        case .hostBitsSet(let prefix): "has bits set beyond its prefix length: did you mean \(prefix)?"
        case .trailingText: "has something behind the address that does not belong there"
        }
    }
}

/// Runs `scan` over `text` and insists that it uses up the whole text.
func parseWhole<Value>(
    _ text: String,
    _ scan: (Span<UInt8>, inout Int) throws(AddressSyntaxError.Problem) -> Value
) throws(AddressSyntaxError) -> Value {
    do throws(AddressSyntaxError.Problem) {
        let utf8 = text.utf8
        var index = 0
        let value = try scan(utf8.span, &index)
        guard index == utf8.count else { throw .trailingText }
        return value
    } catch {
        throw AddressSyntaxError(text: text, problem: error)
    }
}

/// Reads a decimal number from 0 to `limit`, at most three digits; throws `problem` when there is none.
func scanNumber(
    _ bytes: Span<UInt8>, at index: inout Int, upTo limit: Int, else problem: AddressSyntaxError.Problem
) throws(AddressSyntaxError.Problem) -> Int {
    let start = index
    var number = 0
    while index < bytes.count, index - start < 3 {
        let digit = bytes[index] &- UInt8(ascii: "0")
        guard digit < 10 else { break }
        number = number * 10 + Int(digit)
        index += 1
    }
    guard index > start, number <= limit else {
        index = start
        throw problem
    }
    guard index == start + 1 || bytes[start] != UInt8(ascii: "0") else {
        index = start
        throw .leadingZero
    }
    return number
}

func decodeText<Value>(
    _ decoder: any Decoder, _ parse: (String) throws(AddressSyntaxError) -> Value
) throws -> Value {
    let container = try decoder.singleValueContainer()
    do {
        return try parse(try container.decode(String.self))
    } catch let error as AddressSyntaxError {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
    }
}
