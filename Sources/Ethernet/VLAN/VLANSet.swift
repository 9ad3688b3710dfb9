// SPDX-License-Identifier: Apache-2.0
import Graph

/// The VLANs that a tag may have: one, several, or any.
struct VLANSet: Hashable, Sendable {
    /// VLANs that there are. 0 is no VLAN, 4,095 is reserved.
    static let all: ClosedRange<UInt16> = 1...4094
    static let any = VLANSet(ranges: [all], isAny: true)

    /// Ascending, with a gap between each two.
    let ranges: [ClosedRange<UInt16>]
    /// Written as `any`, which is less specific than a list, be that as long.
    let isAny: Bool

    private init(ranges: [ClosedRange<UInt16>], isAny: Bool) {
        self.ranges = ranges
        self.isAny = isAny
    }

    /// The one VLAN.
    init(_ vlan: UInt16) { self.init(ranges: [vlan...vlan], isAny: false) }

    /// What is in any of the ranges.
    init(union ranges: [ClosedRange<UInt16>]) {
        var merged: [ClosedRange<UInt16>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.init(ranges: merged, isAny: false)
    }

    /// Reads "100", "10-20, 30" or "any". Nil for anything else.
    init?(_ text: String) {
        if text == "any" {
            self = .any
            return
        }
        guard let ranges = VLANSet.ranges(text) else { return nil }
        self.init(union: ranges)
    }

    /// The VLAN, if it is but one.
    var single: UInt16? {
        guard !isAny, ranges.count == 1, let range = ranges.first, range.count == 1 else { return nil }
        return range.lowerBound
    }

    private static func ranges(_ text: String) -> [ClosedRange<UInt16>]? {
        var ranges: [ClosedRange<UInt16>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { number($0) }
            guard ends.count <= 2, let low = ends[0], let high = ends[ends.count - 1], low <= high else { return nil }
            ranges.append(low...high)
        }
        return ranges
    }

    private static func number(_ text: Substring) -> UInt16? {
        var digits = text
        while digits.first == " " { digits.removeFirst() }
        while digits.last == " " { digits.removeLast() }
        guard digits.first?.isNumber == true else { return nil }
        let number = digits.hasPrefix("0x") ? UInt16(digits.dropFirst(2), radix: 16) : UInt16(digits)
        return number.flatMap { all.contains($0) ? $0 : nil }
    }
}

extension VLANSet: CustomStringConvertible {
    var description: String {
        if isAny { return "any" }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}

extension Schema {
    /// One VLAN, a range, a list of both, or `any`.
    static let vlans = Schema.either([
        .text(Format("a VLAN, a range of 1 to 4094, or 'any'", example: "100, 10-20 or any") { VLANSet($0) != nil }),
        .list(
            of: .text(
                Format("a VLAN or a range of 1 to 4094", example: "100 or 10-20") { $0 != "any" && VLANSet($0) != nil }),
            count: 1...4094),
    ])
}

extension Setting {
    /// One VLAN, a range, a list of both, or `any`.
    var vlans: VLANSet {
        get throws(ConfigurationError) {
            guard case .list(let elements) = value else {
                return try self.value("a VLAN, a range of 1 to 4094, or 'any'", example: "100, 10-20 or any") {
                    VLANSet($0)
                }
            }
            var ranges: [ClosedRange<UInt16>] = []
            for element in elements {
                ranges += try element.value("a VLAN or a range of 1 to 4094", example: "100 or 10-20") {
                    $0 == "any" ? nil : VLANSet($0)
                }.ranges
            }
            guard !ranges.isEmpty else { throw error("the list is empty", "give VLANs, ranges or 'any'") }
            return VLANSet(union: ranges)
        }
    }
}
