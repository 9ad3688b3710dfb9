// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Tells whose a port's tagged frame is, as `ethernet-input` decides it, for features that see frames at the port: as
/// received, or as they leave.
///
/// Any thread.
public struct SubInterfaceFinder: BitwiseCopyable, Sendable {
    private let interfaces: InterfaceTable
    private let tags: TagTable

    init(interfaces: InterfaceTable, tags: TagTable) {
        self.interfaces = interfaces
        self.tags = tags
    }

    /// The sub-interface of `port` whose tags a frame has; 0 for none.
    /// - Parameter frame: From its destination address on.
    @inline(__always)
    public func interface(of frame: Bytes, on port: InterfaceIndex) -> InterfaceIndex {
        guard frame.count >= EthernetView.length &+ VLANView.length else { return 0 }
        let type = EtherType(rawValue: frame.network(at: 12))
        guard type.isVLANTag else { return 0 }
        return find(frame.dropping(first: EthernetView.length), isService: type == .serviceVLAN, on: port)
    }

    private func find(_ behind: Bytes, isService: Bool, on port: InterfaceIndex) -> InterfaceIndex {
        guard let first = VLANView(behind) else { return 0 }
        let outer = tags.outer(interfaces[port].tagTable, isService: isService, first.tag.identifier).pointee
        guard first.type.isVLANTag else { return outer.single }
        guard outer.inner != 0, first.type == .vlan, let second = VLANView(first.payload), !second.type.isVLANTag else {
            return 0
        }
        return tags.inner(outer.inner, second.tag.identifier).pointee
    }
}
