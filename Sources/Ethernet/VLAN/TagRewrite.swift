// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// What becomes of a frame's outermost tags: some are taken off, others are put on.
struct TagRewrite: BitwiseCopyable {
    enum Failure: UInt8, BitwiseCopyable {
        case tagsDiffer, noHeadroom
    }

    /// Bytes of tags that are taken off, and put on: 0, 4 or 8 each.
    var pop: UInt8 = 0
    var push: UInt8 = 0
    /// Whether tags that are put on have the priority of the frame's own outermost one.
    var keepsPriority = false
    /// Whether a tag that carries a priority alone makes place for those that are put on.
    var replacesPriorityTag = false
    /// The tags that are taken off, type and VLAN in wire order; 0 for none.
    var outerPopped: UInt32 = 0
    var innerPopped: UInt32 = 0
    /// The tags that are put on, in wire order.
    var outer: UInt32 = 0
    var inner: UInt32 = 0

    /// Bits of a tag in wire order by which frames are told apart: its type and its VLAN.
    private static var tagMask: UInt32 { UInt32(0xffff_0fff).bigEndian }
    private static var priorityTag: UInt32 { UInt32(0x8100_0000).bigEndian }

    /// Applies it to a frame that stands at its destination address and has an Ethernet header. A frame without those tags,
    /// or cut off in them, stays as it is.
    @inline(__always)
    func apply(to packet: Packet) -> Failure? {
        let frame = packet.bytes
        var popped = Int(pop)
        guard frame.count >= EthernetView.length &+ popped else { return .tagsDiffer }
        if popped > 0 {
            guard frame.load(at: 12, as: UInt32.self) & TagRewrite.tagMask == outerPopped else { return .tagsDiffer }
            if popped > VLANView.length {
                guard frame.load(at: 16, as: UInt32.self) & TagRewrite.tagMask == innerPopped else {
                    return .tagsDiffer
                }
            }
        }
        let priority = TagRewrite.priority(of: packet, frame)
        packet.header.flags = packet.header.flags.withTagPriority(priority)
        if replacesPriorityTag, push > 0, frame.count >= EthernetView.length &+ popped &+ VLANView.length,
            frame.load(at: 12 &+ popped, as: UInt32.self) & TagRewrite.tagMask == TagRewrite.priorityTag
        {
            popped &+= VLANView.length
        }
        let growth = Int(push) &- popped
        guard packet.headroom >= growth else { return .noHeadroom }
        let addresses = (frame.load(at: 0, as: UInt64.self), frame.load(at: 8, as: UInt32.self))
        let kept = keepsPriority ? UInt32(priority).bigEndian : 0
        let new = packet.rewind(growth)
        new.store(addresses.0, at: 0)
        new.store(addresses.1, at: 8)
        // Whoever looks back at the frame's addresses later, as ARP does, finds them where they are now.
        if packet.header.data > packet.header.start { packet.header.start = packet.header.data }
        if push > 0 { new.store(outer | kept, at: 12) }
        if push > VLANView.length { new.store(inner | kept, at: 16) }
        return nil
    }

    /// Priority and drop eligibility, as a tag's control information has them: the outermost tag's; without a tag, those of
    /// the one that was taken off.
    @inline(__always)
    private static func priority(of packet: Packet, _ frame: Bytes) -> UInt16 {
        let type = EtherType(rawValue: frame.network(at: 12))
        guard type.isVLANTag, frame.count >= EthernetView.length &+ VLANView.length else {
            return packet.header.flags.tagPriority
        }
        return frame.network(at: 14, as: UInt16.self) & BufferFlags.tagPriorityMask
    }
}

extension Packet {
    /// Bytes in front of the current position, at least.
    @inline(__always)
    var headroom: Int { header.data - header.start &+ BufferPool.headroom }
}
