// SPDX-License-Identifier: Apache-2.0
import Glibc
import Wire

/// A text file with a route on each line, "PREFIX NEXTHOP": `192.0.2.0/24 10.0.0.1`, `2001:db8::/32 fe80::1`
/// or `192.0.2.0/24 17`; with the word `counter` behind it the route's packets are counted.
///
/// The next hop is an address, of either family, or a number, whose meaning is the caller's. Blanks and tabs separate; empty lines and
/// what follows a `#` are skipped; lines may end in CR LF.
public struct RouteFile {
    /// What stands behind a prefix.
    public enum NextHop: Hashable, Sendable {
        case address(IPAddress)
        case number(UInt32)
    }

    /// One line.
    public struct Entry: Hashable, Sendable {
        public var prefix: IPPrefix
        public var nextHop: NextHop
        /// Whether the route's packets and bytes are counted apart from others'.
        public var isCounted: Bool
        /// Counted from 1.
        public var line: Int

        public init(prefix: IPPrefix, nextHop: NextHop, isCounted: Bool = false, line: Int) {
            self.prefix = prefix
            self.nextHop = nextHop
            self.isCounted = isCounted
            self.line = line
        }
    }

    public let path: String
    private let bytes: [UInt8]

    /// Reads the whole file, so that a change to it while it is parsed does no harm.
    public init(path: String) throws(RouteFileError) {
        self.path = path
        bytes = try Self.contents(of: path)
    }

    /// Takes `text` for the content of a file called `path`.
    public init(path: String, text: String) {
        self.path = path
        bytes = Array(text.utf8)
    }

    /// Calls `body` for each route in the order of the file. The first error ends it, be it in the file or
    /// thrown by `body`, and names the line.
    public func forEach(_ body: (Entry) throws -> Void) throws(RouteFileError) {
        var cursor = Cursor()
        try forEach(from: &cursor, lines: .max, body)
    }

    /// Where a walk in slices goes on.
    public struct Cursor: Sendable {
        fileprivate var index = 0
        fileprivate var line = 1

        /// Begins at the beginning.
        public init() {}
    }

    /// The same for the next `lines` lines from `cursor` on, which it moves; false at the end of the file.
    @discardableResult
    public func forEach(
        from cursor: inout Cursor, lines: Int, _ body: (Entry) throws -> Void
    ) throws(RouteFileError) -> Bool {
        let bytes = bytes.span
        var rest = lines
        while rest > 0, cursor.index < bytes.count {
            let start = cursor.index
            do {
                if let entry = try Self.parseLine(bytes, &cursor.index, cursor.line) { try body(entry) }
            } catch {
                throw RouteFileError(
                    path: path, line: cursor.line, column: cursor.index - start + 1,
                    problem: Self.text(error, bytes, cursor.index))
            }
            cursor.index += 1
            cursor.line += 1
            rest -= 1
        }
        return cursor.index < bytes.count
    }
}

// MARK: - Parsing

extension RouteFile {
    private enum Problem: Error, CustomStringConvertible {
        case badNextHop
        case trailingText

        var description: String {
            switch self {
            case .badNextHop: "is not a next hop: write an IPv4 or IPv6 address or a number up to \(UInt32.max)"
            case .trailingText: "does not belong here: a line is PREFIX NEXTHOP [counter]"
            }
        }
    }

    /// Moves `index` to the line's end, or on an error to the word in question; nil for a line without a route.
    private static func parseLine(_ bytes: Span<UInt8>, _ index: inout Int, _ line: Int) throws -> Entry? {
        skipBlanks(bytes, &index)
        guard !isAtEnd(bytes, index) else {
            skipLine(bytes, &index)
            return nil
        }
        let prefixStart = index
        let prefix: IPPrefix
        do {
            prefix =
                isIPv6(bytes, index)
                ? .v6(try IPv6Prefix.scan(bytes, at: &index)) : .v4(try IPv4Prefix.scan(bytes, at: &index))
            guard isWordEnd(bytes, index) else { throw AddressSyntaxError.Problem.trailingText }
        } catch {
            index = prefixStart
            throw error
        }
        skipBlanks(bytes, &index)
        let nextHop = try parseNextHop(bytes, &index)
        skipBlanks(bytes, &index)
        let isCounted = !isAtEnd(bytes, index) && skip("counter", bytes, &index)
        guard isAtEnd(bytes, index) else { throw Problem.trailingText }
        skipLine(bytes, &index)
        return Entry(prefix: prefix, nextHop: nextHop, isCounted: isCounted, line: line)
    }

    /// Steps over a word and the blanks behind it; false when something else stands there.
    private static func skip(_ word: StaticString, _ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count, isWordEnd(bytes, end) else { return false }
        for place in 0..<word.utf8CodeUnitCount where bytes[index + place] != word.utf8Start[place] { return false }
        index = end
        skipBlanks(bytes, &index)
        return true
    }

    private static func parseNextHop(_ bytes: Span<UInt8>, _ index: inout Int) throws(Problem) -> NextHop {
        let start = index
        var number: UInt64 = 0
        while index < bytes.count, index - start < 10, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
            number = number * 10 + UInt64(digit)
            index += 1
        }
        if index > start, isWordEnd(bytes, index), let number = UInt32(exactly: number) { return .number(number) }
        index = start
        if let address = try? parseAddress(bytes, &index), isWordEnd(bytes, index) { return .address(address) }
        index = start
        throw .badNextHop
    }

    private static func parseAddress(_ bytes: Span<UInt8>, _ index: inout Int) throws -> IPAddress {
        isIPv6(bytes, index)
            ? .v6(try IPv6Address.scan(bytes, at: &index)) : .v4(try IPv4Address.scan(bytes, at: &index))
    }

    /// Whether a colon stands behind the first digits, of which a group of an IPv6 address has four at most.
    private static func isIPv6(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        var index = start
        while index < bytes.count, index - start < 5 {
            let byte = bytes[index]
            if byte == UInt8(ascii: ":") { return true }
            guard byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6 else { return false }
            index += 1
        }
        return false
    }

    /// The error's description; those that judge a word of the file are put behind it.
    private static func text(_ error: any Error, _ bytes: Span<UInt8>, _ index: Int) -> String {
        guard error is Problem || error is AddressSyntaxError.Problem else { return "\(error)" }
        var end = index
        while !isWordEnd(bytes, end), end - index < 40 { end += 1 }
        let word = String(decoding: (index..<end).map { bytes[$0] }, as: UTF8.self)
        return "'\(word)' \(error)"
    }

    private static func skipBlanks(_ bytes: Span<UInt8>, _ index: inout Int) {
        while index < bytes.count, isBlank(bytes[index]) { index += 1 }
    }

    private static func skipLine(_ bytes: Span<UInt8>, _ index: inout Int) {
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    /// Whether the line has nothing more to say at `index`.
    private static func isAtEnd(_ bytes: Span<UInt8>, _ index: Int) -> Bool {
        index == bytes.count || bytes[index] == UInt8(ascii: "\n") || bytes[index] == UInt8(ascii: "#")
    }

    private static func isWordEnd(_ bytes: Span<UInt8>, _ index: Int) -> Bool {
        isAtEnd(bytes, index) || isBlank(bytes[index])
    }
}

// MARK: - Reading

extension RouteFile {
    private static func contents(of path: String) throws(RouteFileError) -> [UInt8] {
        func failure(_ code: Int32) -> RouteFileError {
            RouteFileError(path: path, problem: "cannot read the routes: \(String(cString: strerror(code)))")
        }
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(errno) }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size))
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}

/// A route file that cannot be read or does not say what it should.
public struct RouteFileError: Error, Equatable, CustomStringConvertible {
    public var path: String
    /// Counted from 1; nil when it is about the file as a whole. The column counts bytes.
    public var line: Int?
    public var column: Int?
    public var problem: String

    public init(path: String, line: Int? = nil, column: Int? = nil, problem: String) {
        self.path = path
        self.line = line
        self.column = column
        self.problem = problem
    }

    public var description: String {
        ([path] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":") + ": " + problem
    }
}
