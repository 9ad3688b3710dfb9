// SPDX-License-Identifier: Apache-2.0
import Wire

/// Which frames of a port are a sub-interface's.
struct TagMatch: Hashable, Sendable {
    enum Outer: Hashable, Sendable {
        /// Frames without tags, and those whose only tag carries a priority alone.
        case untagged
        /// What no other sub-interface of the port takes, whatever its tags.
        case others
        /// Frames whose outermost tag is of this type and has one of these VLANs.
        case tag(EtherType, VLANSet)
    }

    let outer: Outer
    /// VLANs of a second tag, a customer's; nil for frames without one.
    let inner: VLANSet?
    /// Whether frames with further tags behind these are taken as well.
    let takesDeeper: Bool

    init(_ outer: Outer, inner: VLANSet? = nil, takesDeeper: Bool = false) {
        self.outer = outer
        self.inner = inner
        self.takesDeeper = takesDeeper
    }

    /// Tags by which frames are told, 0 to 2.
    var tagCount: Int {
        guard case .tag = outer else { return 0 }
        return inner == nil ? 1 : 2
    }

    /// The first tags of all its frames, as many as asked for; nil when it takes frames that differ in them.
    func tags(first count: Int) -> TagStack? {
        guard count > 0, count <= tagCount, case .tag(let type, let vlans) = outer, let vlan = vlans.single else {
            return nil
        }
        guard count == 2 else { return TagStack(vlan, type: type) }
        return inner?.single.map { TagStack(vlan, type: type, inner: $0) }
    }

    /// The tags of all its frames; nil when they have none, or not all the same.
    var tags: TagStack? { tags(first: tagCount) }

    /// Whether its frames all have the same tags: only then is it clear what its own are to have.
    var isUniform: Bool { outer == .untagged || tags != nil && !takesDeeper }
}

extension TagMatch: CustomStringConvertible {
    var description: String {
        switch outer {
        case .untagged: return "untagged"
        case .others: return "default"
        case .tag(let type, let vlans):
            let second = inner.map { " second-dot1q \($0)" } ?? ""
            return "\(type.tagName) \(vlans)\(second)" + (takesDeeper ? ", deeper too" : "")
        }
    }
}

extension EtherType {
    /// A tag type as the configuration says it.
    var tagName: String { self == .serviceVLAN ? "dot1ad" : "dot1q" }
}
