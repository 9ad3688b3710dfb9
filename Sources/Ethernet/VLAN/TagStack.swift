// SPDX-License-Identifier: Apache-2.0
import Wire

/// The tags of a sub-interface's frames, one or two, as they stand on the wire: what tells its frames from others', and what
/// its own get.
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
}

extension TagStack: CustomStringConvertible {
    public var description: String {
        let name = outerType == .serviceVLAN ? "dot1ad" : "dot1q"
        return "\(name) \(outer)" + (inner.map { " second-dot1q \($0)" } ?? "")
    }
}
