// SPDX-License-Identifier: Apache-2.0

/// Numbers with units, as people write them.
public enum Quantity {
    /// What a rate counts; the raw value is the unit's name.
    public enum Rate: String, Sendable {
        case packets = "pps"
        case bits = "bps"
    }

    /// "250ms", "10s", "1.5s", "5min", "1h", "2d"; the unit is required, because a bare number is a guess.
    public static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text) else { return nil }
        let nanoseconds: Double? =
            switch unit {
            case "ns": 1
            case "us", "µs": 1e3
            case "ms": 1e6
            case "s": 1e9
            case "m", "min": 60e9
            case "h": 3600e9
            case "d": 86400e9
            default: nil
            }
        guard let nanoseconds else { return nil }
        let total = (number * nanoseconds).rounded()
        // Int64 nanoseconds hold 292 years; more than that is a slip of the pen.
        guard total >= 0, total < 9.2e18 else { return nil }
        return .nanoseconds(Int64(total))
    }

    /// "1500", "1500B", "64KiB", "2MiB", "1GiB", "64kB", "1MB", "1GB", and "64K", "2M", "1G" in powers of 1,024.
    public static func bytes(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        let factor: Double? =
            switch unit {
            case "", "B": 1
            case "KiB", "Ki", "K", "k": 1024
            case "MiB", "Mi", "M": 1_048_576
            case "GiB", "Gi", "G": 1_073_741_824
            case "kB", "KB": 1e3
            case "MB": 1e6
            case "GB": 1e9
            default: nil
            }
        guard let factor, number * factor < 9.2e18 else { return nil }
        return Int(number * factor)
    }

    /// "1000", "10k", "10kpps", "1.5Mpps" or "100Mbps", "10G", according to `unit`.
    public static func rate(_ text: String, _ unit: Rate) -> UInt64? {
        guard let (number, suffix) = split(text) else { return nil }
        let prefix = suffix.hasSuffix(unit.rawValue) ? String(suffix.dropLast(unit.rawValue.count)) : suffix
        let factor: Double? =
            switch prefix {
            case "": 1
            case "k", "K": 1e3
            case "M": 1e6
            case "G": 1e9
            default: nil
            }
        guard let factor, number * factor < 1.8e19 else { return nil }
        return UInt64(number * factor)
    }

    /// The shortest exact text of a duration: "250ms", "10s", "0s".
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds == 0 {
            if seconds != 0, seconds % 86400 == 0 { return "\(seconds / 86400)d" }
            if seconds != 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
            return "\(seconds)s"
        }
        let nanoseconds = attoseconds / 1_000_000_000
        if nanoseconds % 1_000_000 == 0 { return "\(seconds &* 1000 &+ nanoseconds / 1_000_000)ms" }
        if nanoseconds % 1000 == 0 { return "\(seconds &* 1_000_000 &+ nanoseconds / 1000)us" }
        return "\(seconds &* 1_000_000_000 &+ nanoseconds)ns"
    }

    /// "1.5Mpps" as 1.5 and "Mpps". Plain digits with at most one point: no sign, no exponent, no "inf".
    private static func split(_ text: String) -> (number: Double, unit: String)? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard digits.first?.isNumber == true, digits.last != ".", let number = Double(digits) else { return nil }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        return (number, String(unit))
    }
}
