// SPDX-License-Identifier: Apache-2.0

/// The typed answer to a command. It is rendered twice from the same value: as JSON through `Encodable` (keys in
/// snake_case, units in the names: `rxBytes` becomes `rx_bytes`), and as text through ``body``.
///
///     struct BufferReport: Report {
///         let pools: [Pool]
///         var body: [TextBlock] {
///             [.table(["Pool", .right("Buffers")], pools.map { [$0.name, "\($0.buffers)"] })]
///         }
///     }
public protocol Report: Encodable, Sendable {
    /// The layout as text, from top to bottom.
    var body: [TextBlock] { get }
    /// Whether what the command looked at is as it should be; if not, the command line's exit code is 4.
    var isGood: Bool { get }
}

extension Report {
    public var isGood: Bool { true }
}

/// A part of a report's text. Widths and alignment are the renderer's business.
public enum TextBlock: Sendable, Equatable {
    /// Stands above what follows, after an empty line.
    case heading(String)
    /// Text as it is, one element a line.
    case lines([String])
    /// Names and their values, the values in one column.
    case facts([Fact])
    case table([Column], [[String]])

    public struct Fact: Sendable, Equatable {
        public let name: String
        public let value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A table's column. A plain string literal makes one that is aligned to the left.
    public struct Column: Sendable, Equatable, ExpressibleByStringLiteral {
        public let title: String
        /// Numbers stand to the right.
        public let isRight: Bool

        public init(stringLiteral title: String) {
            self.title = title
            isRight = false
        }

        private init(_ title: String, isRight: Bool) {
            self.title = title
            self.isRight = isRight
        }

        public static func left(_ title: String) -> Column { Column(title, isRight: false) }

        public static func right(_ title: String) -> Column { Column(title, isRight: true) }
    }

    public static func line(_ text: String) -> TextBlock { .lines([text]) }
}

/// The answer of a command that has nothing to show but that it was done.
public struct Notice: Report {
    public let message: String

    public init(_ message: String) {
        self.message = message
    }

    public var body: [TextBlock] { message.isEmpty ? [] : [.line(message)] }
}

extension Double {
    /// With exactly `places` digits after the point: 3.14159 is "3.14" with two. Out of the way of locales and of
    /// Foundation.
    public func fixed(_ places: Int = 2) -> String {
        guard isFinite, magnitude < 1e15 else { return "\(self)" }
        var factor = 1
        for _ in 0..<min(max(places, 0), 9) { factor *= 10 }
        // 1e15 times 10^9 is beyond Int64: split off the whole part first.
        var whole = Int64(magnitude.rounded(.down))
        var fraction = Int64(((magnitude - Double(whole)) * Double(factor)).rounded())
        if fraction == Int64(factor) {
            whole += 1
            fraction = 0
        }
        let sign = self < 0 && (whole, fraction) != (0, 0) ? "-" : ""
        if factor == 1 { return "\(sign)\(whole)" }
        let digits = String(fraction)
        let zeros = String(repeating: "0", count: min(max(places, 0), 9) - digits.count)
        return "\(sign)\(whole).\(zeros)\(digits)"
    }
}
