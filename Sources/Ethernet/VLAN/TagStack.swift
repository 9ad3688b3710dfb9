// SPDX-License-Identifier: Apache-2.0
import Wire

/// One tag or two as they stand on the wire: those that a sub-interface's frames get, or that a rewrite puts on.
public struct TagStack: Hashable, Sendable {
    /// 802.1Q's customer tag or 802.1ad's service tag; with the same VLAN they are different.
    public let outerType: EtherType
    /// 1 to 4,094.
    public let outer: UInt16
    /// The VLAN of a second, customer tag.
    public let inner: UInt16?

    public init(_ outer: UInt16, type: EtherType = .vlan, inner: UInt16? = nil) {
        outerType = type
        self.outer = outer
        self.inner = inner
    }

    /// Bytes that the tags take.
    var length: Int { inner == nil ? VLANView.length : 2 * VLANView.length }

    /// The tags as words in wire order, type and control information of each; the second 0 when there is but one.
    /// - Parameter priority: PCP of both, 0 to 7.
    func words(priority: UInt8) -> (outer: UInt32, inner: UInt32) {
        func word(_ type: EtherType, _ vlan: UInt16) -> UInt32 {
            let tag = VLANTag(identifier: vlan, priority: priority)
            return (UInt32(type.rawValue) << 16 | UInt32(tag.rawValue)).bigEndian
        }
        return (word(outerType, outer), inner.map { word(.vlan, $0) } ?? 0)
    }
}

extension TagStack: CustomStringConvertible {
    public var description: String {
        "\(outerType.tagName) \(outer)" + (inner.map { " second-dot1q \($0)" } ?? "")
    }
}
