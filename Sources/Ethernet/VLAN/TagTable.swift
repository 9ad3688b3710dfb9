// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// Which sub-interface a tagged frame belongs to, and which tags a sub-interface's frames get.
///
/// A port's outer tags are an array with a place for each VLAN of each tag type; where frames with two tags are told
/// apart, a place leads to an array of inner VLANs. So the way to the sub-interface is one access or two, however many of
/// them there are. The memory is reserved for all and taken page by page; a change is one store.
struct TagTable: BitwiseCopyable, @unchecked Sendable {
    /// What there is for an outer VLAN.
    struct Outer: BitwiseCopyable {
        /// The sub-interface of frames without a second tag; 0 for none.
        var single: InterfaceIndex
        /// The number of the array for frames with one; 0 for none.
        var inner: UInt32
    }

    /// A sub-interface's tags as its frames get them, in wire order: type and control information of each.
    struct Tags: BitwiseCopyable {
        var outer: UInt32
        /// 0 when there is but one.
        var inner: UInt32
    }

    static let portCapacity = 1 << 10
    static let innerCapacity = 1 << 17
    /// VLANs that the twelve bits can say.
    static let vlanCount = 1 << 12

    private let ports: UnsafeMutablePointer<Outer>
    private let inners: UnsafeMutablePointer<InterfaceIndex>
    private let tags: UnsafeMutablePointer<Tags>

    init() {
        ports = TagTable.map(TagTable.portCapacity * 2 * TagTable.vlanCount)
        inners = TagTable.map(TagTable.innerCapacity * TagTable.vlanCount)
        tags = TagTable.map(InterfaceTable.capacity)
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
        munmap(tags, InterfaceTable.capacity * MemoryLayout<Tags>.stride)
    }

    /// - Parameter port: The number of the port's table, from its interface record.
    @inline(__always)
    func outer(_ port: UInt32, isService: Bool, _ vlan: UInt16) -> UnsafeMutablePointer<Outer> {
        let table = Int(port) & (TagTable.portCapacity &- 1)
        return ports + ((table &* 2 &+ (isService ? 1 : 0)) &* TagTable.vlanCount &+ Int(vlan & 0xfff))
    }

    /// - Parameter number: The array's, not 0.
    @inline(__always)
    func inner(_ number: UInt32, _ vlan: UInt16) -> UnsafeMutablePointer<InterfaceIndex> {
        inners + (Int(number) & (TagTable.innerCapacity &- 1)) &* TagTable.vlanCount + Int(vlan & 0xfff)
    }

    /// What the frames of a sub-interface get.
    @inline(__always)
    func tags(of interface: InterfaceIndex) -> UnsafeMutablePointer<Tags> {
        tags + (Int(interface) & (InterfaceTable.capacity &- 1))
    }
}

/// The control side of the tag table: gives the tables out and fills them.
@ControlPlane
final class TagStore {
    nonisolated let table = TagTable()
    private let interfaces: InterfaceTable
    private var portCount: UInt32 = 0
    private var innerCount: UInt32 = 0
    private var owners: [Key: String] = [:]

    private struct Key: Hashable {
        let port: String
        let tags: TagStack
    }

    init(interfaces: InterfaceTable) { self.interfaces = interfaces }

    isolated deinit { table.unmap() }

    /// Notes that a sub-interface of a port is to have these tags.
    /// - Returns: The one that has them already, if it is another.
    func claim(_ tags: TagStack, of port: String, for name: String) -> String? {
        let key = Key(port: port, tags: tags)
        if let owner = owners[key], owner != name { return owner }
        owners[key] = name
        return nil
    }

    /// From here on the port's frames with these tags are the sub-interface's.
    /// - Parameter priority: PCP of the frames that it sends, 0 to 7.
    /// - Throws: What there are no more tables for.
    func add(_ interface: InterfaceIndex, _ tags: TagStack, of port: InterfaceIndex, priority: UInt8) throws(TagError) {
        if interfaces[port].tagTable == 0 {
            guard Int(portCount) + 1 < TagTable.portCapacity else { throw .tooManyPorts }
            portCount += 1
            interfaces[port].tagTable = portCount
        }
        let place = table.outer(
            interfaces[port].tagTable, isService: tags.outerType == .serviceVLAN, tags.outer)
        let outer = VLANTag(identifier: tags.outer, priority: priority)
        table.tags(of: interface).pointee = TagTable.Tags(
            outer: TagStore.wire(tags.outerType, outer),
            inner: tags.inner.map { TagStore.wire(.vlan, VLANTag(identifier: $0, priority: priority)) } ?? 0)
        guard let inner = tags.inner else {
            place.pointee.single = interface
            return
        }
        if place.pointee.inner == 0 {
            guard Int(innerCount) + 1 < TagTable.innerCapacity else { throw .tooManyOuterTags }
            innerCount += 1
            place.pointee.inner = innerCount
        }
        table.inner(place.pointee.inner, inner).pointee = interface
    }

    private static func wire(_ type: EtherType, _ tag: VLANTag) -> UInt32 {
        (UInt32(type.rawValue) << 16 | UInt32(tag.rawValue)).bigEndian
    }
}

/// Why a sub-interface cannot be.
enum TagError: Error, CustomStringConvertible {
    case tooManyPorts, tooManyOuterTags

    var description: String {
        switch self {
        case .tooManyPorts:
            "\(TagTable.portCapacity - 1) ports have sub-interfaces, which is the most that there may be"
        case .tooManyOuterTags:
            "\(TagTable.innerCapacity - 1) outer tags have inner ones, which is the most that there may be"
        }
    }
}
