// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Whose a frame is, of its port's sub-interfaces.
struct TagClass: BitwiseCopyable {
    enum Outcome: UInt8, BitwiseCopyable {
        /// It is a sub-interface's.
        case found
        /// It counts as untagged, and no sub-interface takes such frames: it is the port's own.
        case untagged
        /// No sub-interface has these tags, or only one whose frames have no further ones.
        case unknown, tooDeep
        /// The frame ends in a tag.
        case truncated
    }

    /// 0 unless it was found.
    let interface: InterfaceIndex
    let outcome: Outcome
    /// The EtherType behind the tags that were looked at, host byte order.
    let type: UInt16
    /// From the frame's first byte to what stands behind that type, bytes; inside the frame.
    let offset: Int

    /// Bytes of the longest frame that an interface with this MTU takes, when `spare` bytes of its tags do not count.
    @inline(__always)
    func limit(mtu: UInt32, spare: UInt16) -> Int { Int(mtu) &+ min(offset, EthernetView.length &+ Int(spare)) }
}

extension TagTable {
    @inline(__always)
    private static func isTag(_ type: UInt16) -> Bool {
        type == EtherType.vlan.rawValue || type == EtherType.serviceVLAN.rawValue
    }

    /// Finds a frame's sub-interface by its first two tags, types included; priorities do not count.
    ///
    /// - Parameters:
    ///   - frame: From its destination address on, an Ethernet header long at least.
    ///   - port: The number of its port's table.
    @inline(__always)
    func classify(_ frame: Bytes, port: UInt32) -> TagClass {
        let type = frame.network(at: 12, as: UInt16.self)
        guard TagTable.isTag(type) else { return plain(port, type, EthernetView.length) }
        guard frame.count >= EthernetView.length &+ VLANView.length else {
            return TagClass(interface: 0, outcome: .truncated, type: type, offset: EthernetView.length)
        }
        let vlan = frame.network(at: 14, as: UInt16.self) & 0xfff
        let next = frame.network(at: 16, as: UInt16.self)
        let outer = outer(port, isService: type == EtherType.serviceVLAN.rawValue, vlan).pointee
        let behind = EthernetView.length &+ VLANView.length
        guard TagTable.isTag(next) else {
            if outer.single != 0 {
                return TagClass(interface: outer.single, outcome: .found, type: next, offset: behind)
            }
            // A customer's tag without a VLAN carries a priority alone: the frame counts as untagged.
            if vlan == 0, type == EtherType.vlan.rawValue { return plain(port, next, behind) }
            return rest(port, .unknown, next)
        }
        return classify(frame, outer.inner, port, next)
    }

    /// The frame has a second tag, of that type.
    @inline(__always)
    private func classify(_ frame: Bytes, _ inner: Inner, _ port: UInt32, _ type: UInt16) -> TagClass {
        let behind = EthernetView.length &+ 2 &* VLANView.length
        guard frame.count >= behind else {
            return TagClass(interface: 0, outcome: .truncated, type: type, offset: EthernetView.length)
        }
        let next = frame.network(at: 20, as: UInt16.self)
        let vlan = type == EtherType.vlan.rawValue ? frame.network(at: 18, as: UInt16.self) & 0xfff : 0
        let interface = self.interface(inner, vlan)
        guard !TagTable.isTag(next) else {
            guard interface != 0, subinterface(interface).pointee.takesDeeper else { return rest(port, .tooDeep, type) }
            return TagClass(interface: interface, outcome: .found, type: next, offset: behind)
        }
        guard interface != 0 else { return rest(port, .unknown, type) }
        return TagClass(interface: interface, outcome: .found, type: next, offset: behind)
    }

    /// - Parameter vlan: Of the second tag; 0 if it has none, or is no customer's.
    @inline(__always)
    private func interface(_ inner: Inner, _ vlan: UInt16) -> InterfaceIndex {
        guard inner.isAll else { return array(inner.number)[Int(vlan)] }
        return inner.takesOthers || vlan != 0 && vlan != 0xfff ? inner.number : 0
    }

    /// A frame that counts as untagged.
    private func plain(_ port: UInt32, _ type: UInt16, _ offset: Int) -> TagClass {
        let own = untagged(port).pointee.single
        let interface = own != 0 ? own : others(port).pointee.single
        return TagClass(
            interface: interface, outcome: interface != 0 ? .found : .untagged, type: type, offset: offset)
    }

    /// A tagged frame that is no other sub-interface's.
    private func rest(_ port: UInt32, _ outcome: TagClass.Outcome, _ type: UInt16) -> TagClass {
        let interface = others(port).pointee.single
        return TagClass(
            interface: interface, outcome: interface != 0 ? .found : outcome, type: type,
            offset: EthernetView.length &+ VLANView.length)
    }
}
