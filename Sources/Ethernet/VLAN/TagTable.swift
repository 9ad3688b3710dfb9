// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// Which sub-interface a frame belongs to, and which tags a sub-interface's frames get.
///
/// A port's outer tags are an array with a place for each VLAN of each tag type; where frames with two tags are told
/// apart, a place leads to an array of inner VLANs. So the way to the sub-interface is one access or two, however many of
/// them there are, and whatever ranges they were written as. The memory is reserved for all and taken page by page; a
/// change is one store.
///
/// What is no VLAN has the places of what is none: untagged frames have that of a customer's VLAN 0, frames that nobody
/// else takes that of a provider's VLAN 0.
struct TagTable: BitwiseCopyable, @unchecked Sendable {
    /// What there is for an outer VLAN.
    struct Outer: BitwiseCopyable {
        /// The sub-interface of frames without a second tag; 0 for none.
        var single: InterfaceIndex
        /// Those of frames with one.
        var inner: Inner
    }

    /// Where the sub-interfaces of frames with a second tag stand: in an array, or here, if they are one and the same.
    ///
    ///     31    30              29  17 16       0
    ///     | all | also no VLANs |      | number |
    struct Inner: BitwiseCopyable, Hashable {
        let rawValue: UInt32

        static var none: Inner { Inner(rawValue: 0) }

        init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The array of that number, from 1.
        init(array: UInt32) { rawValue = array }

        /// One sub-interface for all VLANs; with `others` also for second tags without one, or that are no customer's.
        init(all interface: InterfaceIndex, others: Bool) {
            rawValue = 1 << 31 | (others ? 1 << 30 : 0) | interface
        }

        @inline(__always) var isAll: Bool { rawValue >> 31 != 0 }
        @inline(__always) var takesOthers: Bool { rawValue & 1 << 30 != 0 }
        /// The array's, or with `isAll` the sub-interface's.
        @inline(__always) var number: UInt32 { rawValue & 0x1_ffff }
    }

    /// What nodes need of a sub-interface.
    struct Subinterface: BitwiseCopyable {
        /// The tags that its frames get, in wire order: type and control information of each. 0 for one that is not there.
        var outer: UInt32 = 0
        var inner: UInt32 = 0
        /// Bytes of tags that do not count as its packets' length.
        var spare: UInt16 = 0
        /// Whether its frames may have more tags than it is told by.
        var takesDeeper = false
    }

    /// What becomes of the tags of a sub-interface's frames on their way in, and on their way out.
    struct Rewrites: BitwiseCopyable {
        var input = TagRewrite()
        var output = TagRewrite()
    }

    static let portCapacity = 1 << 10
    static let innerCapacity = 1 << 17
    /// VLANs that the twelve bits can say.
    static let vlanCount = 1 << 12

    private let ports: UnsafeMutablePointer<Outer>
    private let inners: UnsafeMutablePointer<InterfaceIndex>
    private let subinterfaces: UnsafeMutablePointer<Subinterface>
    private let rewrites: UnsafeMutablePointer<Rewrites>

    init() {
        ports = TagTable.map(TagTable.portCapacity * 2 * TagTable.vlanCount)
        inners = TagTable.map(TagTable.innerCapacity * TagTable.vlanCount)
        subinterfaces = TagTable.map(InterfaceTable.capacity)
        rewrites = TagTable.map(InterfaceTable.capacity)
    }

    private static func map<T: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = CMartletLinux_mapAnonymous(count * MemoryLayout<T>.stride, 0) else {
            fatalError("no address space for the tables of tags")
        }
        return memory.bindMemory(to: T.self, capacity: count)
    }

    func unmap() {
        munmap(ports, TagTable.portCapacity * 2 * TagTable.vlanCount * MemoryLayout<Outer>.stride)
        munmap(inners, TagTable.innerCapacity * TagTable.vlanCount * MemoryLayout<InterfaceIndex>.stride)
        munmap(subinterfaces, InterfaceTable.capacity * MemoryLayout<Subinterface>.stride)
        munmap(rewrites, InterfaceTable.capacity * MemoryLayout<Rewrites>.stride)
    }

    /// - Parameter port: The number of the port's table, from its interface record; 0 is the table that nobody fills.
    @inline(__always)
    func outer(_ port: UInt32, isService: Bool, _ vlan: UInt16) -> UnsafeMutablePointer<Outer> {
        let table = Int(port) & (TagTable.portCapacity &- 1)
        return ports + ((table &* 2 &+ (isService ? 1 : 0)) &* TagTable.vlanCount &+ Int(vlan & 0xfff))
    }

    /// The place of the sub-interface of frames without tags.
    @inline(__always)
    func untagged(_ port: UInt32) -> UnsafeMutablePointer<Outer> { outer(port, isService: false, 0) }

    /// The place of the sub-interface of what no other takes.
    @inline(__always)
    func others(_ port: UInt32) -> UnsafeMutablePointer<Outer> { outer(port, isService: true, 0) }

    /// An array of inner VLANs. Number 0 is the array that nobody fills.
    @inline(__always)
    func array(_ number: UInt32) -> UnsafeMutablePointer<InterfaceIndex> {
        inners + (Int(number) & (TagTable.innerCapacity &- 1)) &* TagTable.vlanCount
    }

    @inline(__always)
    func subinterface(_ interface: InterfaceIndex) -> UnsafeMutablePointer<Subinterface> {
        subinterfaces + (Int(interface) & (InterfaceTable.capacity &- 1))
    }

    @inline(__always)
    func rewrites(of interface: InterfaceIndex) -> UnsafeMutablePointer<Rewrites> {
        rewrites + (Int(interface) & (InterfaceTable.capacity &- 1))
    }
}
