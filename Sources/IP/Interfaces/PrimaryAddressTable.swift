// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization
import Wire

/// The addresses by which each interface speaks, as workers read them: the sources of what the router says there.
///
/// Written by the control side. An IPv6 address does not fit in one store: it stands in a place of its own that is written
/// before the interface's record names it, and not again before all workers have forgotten it.
struct PrimaryAddressTable: BitwiseCopyable, @unchecked Sendable {
    private struct Record: BitwiseCopyable {
        var ip4: UInt32
        /// Places in `pool`; 0 is ::.
        var global: UInt32
        var linkLocal: UInt32
        var reserved: UInt32
    }

    private let records: UnsafeMutablePointer<Record>
    private let pool: UnsafeMutablePointer<IPv6Address>

    private static let byteCount = InterfaceTable.capacity * MemoryLayout<Record>.stride
    /// Two for each interface, and as many that workers may still be reading.
    static let places: UInt32 = UInt32(InterfaceTable.capacity * 4)
    private static let poolByteCount = Int(places) * MemoryLayout<IPv6Address>.stride

    init() {
        guard let memory = CMartletLinux_mapAnonymous(PrimaryAddressTable.byteCount, 0),
            let places = CMartletLinux_mapAnonymous(PrimaryAddressTable.poolByteCount, 0)
        else { fatalError("no address space for the interfaces' addresses") }
        records = memory.bindMemory(to: Record.self, capacity: InterfaceTable.capacity)
        pool = places.bindMemory(to: IPv6Address.self, capacity: Int(PrimaryAddressTable.places))
    }

    func unmap() {
        munmap(records, PrimaryAddressTable.byteCount)
        munmap(pool, PrimaryAddressTable.poolByteCount)
    }

    /// The first IPv4 address; 0.0.0.0 for an interface without one.
    subscript(interface: InterfaceIndex) -> IPv4Address {
        @inline(__always) get { IPv4Address(record(interface).pointee.ip4) }
        nonmutating set { record(interface).pointee.ip4 = newValue.value }
    }

    /// The first IPv6 address beyond the link, or else the link-local one; :: for an interface without any.
    @inline(__always)
    func ip6(_ interface: InterfaceIndex) -> IPv6Address {
        let record = record(interface).pointee
        return pool[Int((record.global == 0 ? record.linkLocal : record.global) & (PrimaryAddressTable.places &- 1))]
    }

    /// The link-local address; :: for an interface without one.
    @inline(__always)
    func linkLocal(_ interface: InterfaceIndex) -> IPv6Address {
        pool[Int(record(interface).pointee.linkLocal & (PrimaryAddressTable.places &- 1))]
    }

    /// Whether the interface speaks by an address: it is one of its first, and no anycast address.
    func speaks(_ interface: InterfaceIndex, by address: IPv6Address) -> Bool {
        address == linkLocal(interface) || address == ip6(interface)
    }

    @inline(__always)
    private func record(_ interface: InterfaceIndex) -> UnsafeMutablePointer<Record> {
        records + Int(interface) & (InterfaceTable.capacity &- 1)
    }

    // MARK: - Writing

    /// Writes an address to a place that nobody reads, from 1.
    func fill(_ place: UInt32, _ address: IPv6Address) { pool[Int(place)] = address }

    /// Has the interface speak by the addresses in these places, and returns those of before.
    func publish(_ interface: InterfaceIndex, global: UInt32, linkLocal: UInt32) -> [UInt32] {
        let record = record(interface)
        let old = [record.pointee.global, record.pointee.linkLocal]
        // A worker that sees the place sees the address.
        atomicMemoryFence(ordering: .releasing)
        record.pointee.global = global
        record.pointee.linkLocal = linkLocal
        return old.filter { $0 != 0 }
    }
}
