// SPDX-License-Identifier: Apache-2.0

/// What a part of the configuration file may hold.
///
/// One declaration serves three ends: it checks a ``Setting`` (``validate(_:)``), it becomes the JSON Schema that
/// editors use (``json``), and it documents each key with its unit.
///
///     static let schema = Schema.object([
///         .required("mode", .choice(of: Mode.self), "How packets come in and go out"),
///         .key("mtu", .integer(68...9000), "Largest packet, in bytes, without its Ethernet header; 1500 if absent"),
///         .key("addresses", .list(of: .text(.ipv4Prefix)), "Own addresses with their prefix lengths"),
///     ])
public struct Schema: Sendable {
    public indirect enum Kind: Sendable {
        case anything
        case boolean
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case text(Format)
        case choice([String])
        case list(of: Schema, count: ClosedRange<Int>)
        /// Fixed keys.
        case object([Key])
        /// Free names, each with the same kind of value.
        case map(of: Schema, names: Format)
        /// Fixed keys, and further ones that depend on the word which `key` holds.
        case variants(by: String, otherwise: String?, common: [Key], [Variant])
        /// Values of different shapes: a plain value as a shorthand for a map, for instance.
        case either([Schema])
    }

    /// One key of an object.
    public struct Key: Sendable {
        public let name: String
        public let schema: Schema
        public let isRequired: Bool
        /// One line: what it does, its unit, and what holds when it is absent.
        public let doc: String

        /// A key that may be absent.
        public static func key(_ name: String, _ schema: Schema, _ doc: String) -> Key {
            Key(name: name, schema: schema, isRequired: false, doc: doc)
        }

        /// A key that must be there.
        public static func required(_ name: String, _ schema: Schema, _ doc: String) -> Key {
            Key(name: name, schema: schema, isRequired: true, doc: doc)
        }
    }

    /// The further keys that an object has when its distinguishing key holds `word`.
    public struct Variant: Sendable {
        public let word: String
        public let doc: String
        public let keys: [Key]

        public init(_ word: String, _ doc: String, _ keys: [Key]) {
            self.word = word
            self.doc = doc
            self.keys = keys
        }
    }

    /// What a text must look like.
    public struct Format: Sendable {
        /// With its article, as errors say it: "an IPv4 prefix".
        public let name: String
        /// A correct value: "192.0.2.0/24".
        public let example: String
        public let accepts: @Sendable (String) -> Bool

        public init(_ name: String, example: String, accepts: @escaping @Sendable (String) -> Bool) {
            self.name = name
            self.example = example
            self.accepts = accepts
        }
    }

    public let kind: Kind
    /// What it is, for the JSON Schema; keys carry their own line.
    public let doc: String

    public init(_ kind: Kind, doc: String = "") {
        self.kind = kind
        self.doc = doc
    }
}

// MARK: - Making one

extension Schema {
    /// No check at all: for a section that its reader checks itself.
    public static let anything = Schema(.anything)
    public static let boolean = Schema(.boolean)
    /// Any plain value.
    public static let string = Schema(.text(.any))

    /// A whole number within the range.
    public static func integer(_ range: ClosedRange<Int> = Int.min...Int.max) -> Schema { Schema(.integer(range)) }

    /// A number within the range.
    public static func number(_ range: ClosedRange<Double>) -> Schema { Schema(.number(range)) }

    /// A plain value in that format.
    public static func text(_ format: Format) -> Schema { Schema(.text(format)) }

    /// One of these words.
    public static func choice(_ words: [String]) -> Schema { Schema(.choice(words)) }

    /// One of the raw values of an enumeration.
    public static func choice<Choice: CaseIterable & RawRepresentable<String>>(of type: Choice.Type) -> Schema {
        Schema(.choice(Choice.allCases.map(\.rawValue)))
    }

    /// A list of so many elements.
    public static func list(of element: Schema, count: ClosedRange<Int> = 0...Int.max) -> Schema {
        Schema(.list(of: element, count: count))
    }

    /// A map with these keys and no others.
    public static func object(_ keys: [Key], doc: String = "") -> Schema { Schema(.object(keys), doc: doc) }

    /// A map from names to values of one kind.
    public static func map(of value: Schema, names: Format = .any, doc: String = "") -> Schema {
        Schema(.map(of: value, names: names), doc: doc)
    }

    /// An object whose keys depend on the word in `key`; `otherwise` is the word when the key is absent (nil: it is
    /// required).
    public static func variants(
        by key: String, otherwise: String? = nil, common: [Key] = [], _ variants: [Variant], doc: String = ""
    ) -> Schema {
        Schema(.variants(by: key, otherwise: otherwise, common: common, variants), doc: doc)
    }

    /// The first alternative whose shape (plain value, list, map) fits what was written is the one that judges it.
    public static func either(_ alternatives: [Schema], doc: String = "") -> Schema {
        Schema(.either(alternatives), doc: doc)
    }

    public static let duration = Schema.text(.duration)
    public static let size = Schema.text(.size)

    /// A rate with its unit, in packets or bits a second.
    public static func rate(_ unit: Quantity.Rate) -> Schema {
        let example = unit == .packets ? "10kpps" : "100Mbps"
        return .text(Format("a rate in \(unit.rawValue)", example: example) { Quantity.rate($0, unit) != nil })
    }
}

extension Schema.Format {
    public static let any = Schema.Format("a text", example: "text") { _ in true }

    public static let duration = Schema.Format("a duration", example: "10s or 250ms") { Quantity.duration($0) != nil }

    public static let size = Schema.Format("a size in bytes", example: "2048 or 64KiB") { Quantity.bytes($0) != nil }

    /// A name that people give to a thing: it appears as one word in commands and in output.
    public static let name = Schema.Format("a name of letters, digits and . _ - : /", example: "wan0") { text in
        let allowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "_"): true
            default: false
            }
        }
        return allowed && text.first != "-" && (1...63).contains(text.utf8.count)
    }
}
