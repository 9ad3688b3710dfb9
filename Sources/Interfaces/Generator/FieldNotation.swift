// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// How the values of one kind of field are written: `A`, `A-B`, a list of those, or a map with the keys `values`, `step`
/// and `order`.
struct FieldNotation: Sendable {
    /// With its article: "an IPv4 address".
    let name: String
    let example: String
    let parse: @Sendable (String) -> ClosedRange<UInt128>?

    enum Order: String, CaseIterable {
        case increment, random
    }

    /// - Parameter one: Reads one value.
    init(_ name: String, example: String, _ one: @escaping @Sendable (String) -> UInt128?) {
        self.name = name
        self.example = example
        parse = { text in FieldNotation.range(text, one) }
    }

    private init(_ name: String, example: String, parse: @escaping @Sendable (String) -> ClosedRange<UInt128>?) {
        self.name = name
        self.example = example
        self.parse = parse
    }

    /// A whole number, decimal or 0x hexadecimal.
    static func number(_ limits: ClosedRange<UInt128>, example: String) -> FieldNotation {
        let name = "a number or range within \(limits.lowerBound)-\(limits.upperBound)"
        return FieldNotation(name, example: example) { text in
            let number = text.hasPrefix("0x") ? UInt128(text.dropFirst(2), radix: 16) : UInt128(text)
            return number.flatMap { limits.contains($0) ? $0 : nil }
        }
    }

    static let mac = FieldNotation("a MAC address or range", example: "02:00:00:00:00:01") {
        MACAddress($0).map { UInt128($0.value) }
    }

    static let ipv4 = FieldNotation(
        "an IPv4 address, range or prefix", example: "10.0.0.1-10.0.0.200 or 10.0.0.0/24",
        parse: { text in
            if let prefix = IPv4Prefix(text) {
                return UInt128(prefix.address.value)...UInt128(prefix.last.value)
            }
            return range(text) { IPv4Address($0).map { UInt128($0.value) } }
        })

    static let ipv6 = FieldNotation(
        "an IPv6 address, range or prefix", example: "2001:db8::1-2001:db8::200 or 2001:db8::/64",
        parse: { text in
            if let prefix = IPv6Prefix(text) { return UInt128(prefix.address)...UInt128(prefix.last) }
            return range(text) { IPv6Address($0).map { UInt128($0) } }
        })

    /// "A" or "A-B"; A may have hyphens of its own, as MAC addresses do.
    private static func range(_ text: String, _ one: (String) -> UInt128?) -> ClosedRange<UInt128>? {
        if let value = one(text) { return value...value }
        for hyphen in text.indices where text[hyphen] == "-" {
            let halves = (String(text[..<hyphen]), String(text[text.index(after: hyphen)...]))
            guard let low = one(halves.0), let high = one(halves.1) else { continue }
            return low <= high ? low...high : nil
        }
        return nil
    }

    // MARK: - In the file

    /// A value or a range.
    var textSchema: Schema { .text(Schema.Format(name, example: example) { parse($0) != nil }) }

    var schema: Schema {
        let list = Schema.list(of: textSchema, count: 1...1024)
        return .either([
            textSchema, list,
            .object([
                .required("values", .either([textSchema, list]), "A value, a range, or a list of them"),
                .key("step", .integer(1...Int(Int32.max)), "From one value of a range to the next; 1 if absent"),
                .key("order", .choice(of: Order.self), "Whether packets take the values in order; increment if absent"),
            ]),
        ])
    }

    /// The values of a field that need not be there.
    func read(_ setting: Setting?) throws(ConfigurationError) -> FieldValues? {
        guard let setting else { return nil }
        return try read(setting) as FieldValues
    }

    func read(_ setting: Setting) throws(ConfigurationError) -> FieldValues {
        guard case .map = setting.value else {
            return FieldValues(try ranges(setting), step: 1, isRandom: false)
        }
        let step = try setting["step"]?.integer(in: 1...Int(Int32.max)) ?? 1
        let order: Order = try setting["order"]?.choice() ?? .increment
        return FieldValues(
            try ranges(try setting.required("values")), step: UInt128(step), isRandom: order == .random)
    }

    private func ranges(_ setting: Setting) throws(ConfigurationError) -> [ClosedRange<UInt128>] {
        guard case .list(let elements) = setting.value else { return [try range(setting)] }
        if elements.isEmpty { throw setting.error("the list is empty", "give one like \(example)") }
        var ranges: [ClosedRange<UInt128>] = []
        for element in elements { ranges.append(try range(element)) }
        return ranges
    }

    private func range(_ setting: Setting) throws(ConfigurationError) -> ClosedRange<UInt128> {
        try setting.value(name, example: example, parse)
    }
}

extension UInt128 {
    fileprivate init(_ address: IPv6Address) { self = UInt128(address.high) << 64 | UInt128(address.low) }
}

extension IPv6Address {
    init(_ value: UInt128) {
        self.init(high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    }
}
