// SPDX-License-Identifier: Apache-2.0

/// A node's decision about one packet: onwards on a named arc, or dropped for a named reason.
///
/// There is no third way, so a packet cannot vanish without a reason.
@frozen
public struct Verdict<Next: NextNode, Reason: DropReason>: BitwiseCopyable {
    @usableFromInline let code: VerdictCode

    @inlinable @inline(__always)
    init(code: VerdictCode) { self.code = code }

    /// On to the node that the arc leads to.
    @inlinable @inline(__always)
    public static func to(_ next: Next) -> Verdict { Verdict(code: next.rawValue) }

    /// On along an arc that was added to the node later, by the number that `Engine.addArc` gave it.
    @inlinable @inline(__always)
    public static func to(arc: UInt16) -> Verdict { Verdict(code: arc) }

    /// To the drop node, which counts the reason.
    @inlinable @inline(__always)
    public static func drop(_ reason: Reason) -> Verdict { Verdict(code: VerdictCode.dropFlag | reason.rawValue) }

    /// On to the next feature of the packet's feature arc, or to the arc's end: a feature's way to say "not mine, or done".
    @inlinable @inline(__always)
    public static var nextFeature: Verdict { Verdict(code: .nextFeature) }

    /// The node keeps the packet: it sent it, freed it or holds it, and accounts for it.
    @inlinable @inline(__always)
    public static var kept: Verdict { Verdict(code: .kept) }
}

/// A verdict as the engine stores it: an arc's number, or one of the special values here.
public typealias VerdictCode = UInt16

extension VerdictCode {
    @inlinable static var dropFlag: VerdictCode { 0x8000 }
    @inlinable static var nextFeature: VerdictCode { 0x7fff }
    @inlinable static var kept: VerdictCode { 0x7ffe }
}

/// The arcs that leave a node, each named once. The text after the case is the node that it leads to unless the
/// configuration's `graph` section says otherwise.
public protocol NextNode: RawRepresentable, CaseIterable, Sendable where RawValue == UInt16 {
    /// The node that this arc leads to by default.
    var node: String { get }
}

extension NextNode {
    /// The arc's name, as the `graph` section spells it.
    public var name: String { kebabCase("\(self)") }
}

/// The reasons for which a node drops packets, each named once. Reasons are API: operators build alarms on them.
public protocol DropReason: RawRepresentable, CaseIterable, Sendable where RawValue == UInt16 {
    /// What happened, for people: "IPv4 header checksum is wrong".
    var text: String { get }
}

extension DropReason {
    /// The reason's stable name in counters.
    public var name: String { kebabCase("\(self)") }
}

/// For nodes with no way out but the drop node.
public enum NoNext: UInt16, NextNode {
    case unreachable
    public static var allCases: [NoNext] { [] }
    public var node: String { "drop" }
}

/// For nodes that drop nothing.
public enum NoReason: UInt16, DropReason {
    case unreachable
    public static var allCases: [NoReason] { [] }
    public var text: String { "" }
}

/// "ttlExpired" to "ttl-expired": Swift's spelling of a case to the configuration's.
func kebabCase(_ camel: String) -> String {
    var result = ""
    for character in camel {
        if character.isUppercase { result += "-" }
        result += character.lowercased()
    }
    return result
}
