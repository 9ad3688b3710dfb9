// SPDX-License-Identifier: Apache-2.0

// MARK: - Typed readers of scalars

extension Setting {
    /// A whole number, decimal or 0x hexadecimal, within `range`.
    public func integer(in range: ClosedRange<Int> = Int.min...Int.max) throws(ConfigurationError) -> Int {
        guard case .scalar(let text) = value, let number = Setting.integer(text) else {
            throw error("\(written) is not a whole number", Setting.remedy(range))
        }
        if number < range.lowerBound { throw error("\(text) is too small", Setting.remedy(range)) }
        if number > range.upperBound { throw error("\(text) is too large", Setting.remedy(range)) }
        return number
    }

    /// A whole number of any type: `let port: UInt16 = try setting.integer(in: 1...65535)`.
    public func integer<Number: FixedWidthInteger>(
        in range: ClosedRange<Number> = Number.min...Number.max
    ) throws(ConfigurationError) -> Number {
        let bounds = Int(clamping: range.lowerBound)...Int(clamping: range.upperBound)
        return Number(clamping: try integer(in: bounds) as Int)
    }

    /// A number with or without a fraction, within `range`.
    public func number(in range: ClosedRange<Double>) throws(ConfigurationError) -> Double {
        let remedy = "give \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let text) = value, let number = Double(text), number.isFinite else {
            throw error("\(written) is not a number", remedy)
        }
        guard range.contains(number) else { throw error("\(text) is out of range", remedy) }
        return number
    }

    /// true, yes or on; false, no or off.
    public var boolean: Bool {
        get throws(ConfigurationError) {
            guard case .scalar(let text) = value, let found = Setting.boolean(text) else {
                throw error("\(written) is neither true nor false", "give true or false")
            }
            return found
        }
    }

    /// One of the words of an enumeration.
    public func choice<Choice: CaseIterable & RawRepresentable<String>>(
        of type: Choice.Type = Choice.self
    ) throws(ConfigurationError) -> Choice {
        if case .scalar(let text) = value, let choice = Choice(rawValue: text) { return choice }
        throw unknownChoice(among: Choice.allCases.map(\.rawValue))
    }

    /// A text in a format that `parse` knows; nil from it is an error.
    ///
    /// - Parameters:
    ///   - format: what is wanted, with its article: "an IPv4 prefix"
    ///   - example: a correct value: "192.0.2.0/24"
    public func value<Parsed>(
        _ format: String, example: String, _ parse: (String) -> Parsed?
    ) throws(ConfigurationError) -> Parsed {
        if case .scalar(let text) = value, let parsed = parse(text) { return parsed }
        throw error("\(written) is not \(format)", "give one like \(example)")
    }

    /// A length of time with its unit: "250ms", "10s", "5min".
    public func duration(
        in range: ClosedRange<Duration> = .zero...Duration.seconds(1 << 32)
    ) throws(ConfigurationError) -> Duration {
        let found = try value("a duration", example: "10s or 250ms", Quantity.duration)
        guard range.contains(found) else {
            let bounds = "give \(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))"
            throw error("\(written) is out of range", bounds)
        }
        return found
    }

    /// A size in bytes: "1500", "64KiB", "2MiB" (powers of 1,024) or "64kB" (powers of 1,000).
    public func size(in range: ClosedRange<Int> = 0...Int.max) throws(ConfigurationError) -> Int {
        let found = try value("a size in bytes", example: "2048 or 64KiB", Quantity.bytes)
        guard range.contains(found) else { throw error("\(written) is out of range", Setting.remedy(range)) }
        return found
    }

    /// A rate per second: packets ("1Mpps") or bits ("100Mbps"), powers of 1,000; a bare number is one of the unit.
    public func rate(_ unit: Quantity.Rate) throws(ConfigurationError) -> UInt64 {
        let examples = unit == .packets ? "1000, 10kpps or 1Mpps" : "64kbps, 100Mbps or 10Gbps"
        return try value("a rate in \(unit.rawValue)", example: examples) { Quantity.rate($0, unit) }
    }

    func unknownChoice(among words: [String]) -> ConfigurationError {
        guard case .scalar(let text) = value else {
            return error("\(written) is not one of the choices", "give \(Setting.alternatives(words))")
        }
        let hint = Spelling.nearest(to: text, among: words).map { "did you mean '\($0)'? " } ?? ""
        return error("'\(text)' is not known here", "\(hint)give \(Setting.alternatives(words))")
    }

    static func integer(_ text: String) -> Int? {
        if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16).flatMap { $0 < 0 ? nil : $0 } }
        return Int(text)
    }

    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
    }

    static func remedy<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> String {
        if range.lowerBound == range.upperBound { return "give \(range.lowerBound)" }
        if range.upperBound == .max {
            return range.lowerBound == .min ? "give a number" : "give \(range.lowerBound) or more"
        }
        if range.lowerBound == .min { return "give \(range.upperBound) or less" }
        return "give \(range.lowerBound) to \(range.upperBound)"
    }

    static func alternatives(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "nothing" }
        return "\(words.dropLast().joined(separator: ", ")) or \(last)"
    }
}
