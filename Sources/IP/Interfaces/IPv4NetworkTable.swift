// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization
import Wire

/// Each interface's own IPv4 addresses with their networks, as workers read them: a list for each interface, the longest prefix
/// first.
///
/// The control side makes a new list, publishes it with one store, and reuses what the old one had when all workers have
/// forgotten it.
struct IPv4NetworkTable: BitwiseCopyable, @unchecked Sendable {
    fileprivate struct Entry: BitwiseCopyable {
        var address: UInt32
        var mask: UInt32
        /// The place of the next entry; 0 ends the list.
        var next: UInt32
    }

    fileprivate let heads: UnsafeMutablePointer<UInt32>
    fileprivate let pool: UnsafeMutablePointer<Entry>

    private static let byteCount = InterfaceTable.capacity * MemoryLayout<UInt32>.stride
    /// Sixteen for each interface, and as many that workers may still be reading.
    static let places: UInt32 = UInt32(InterfaceTable.capacity * 32)
    private static let poolByteCount = Int(places) * MemoryLayout<Entry>.stride

    fileprivate init() {
        guard let heads = CMartletLinux_mapAnonymous(IPv4NetworkTable.byteCount, 0),
            let pool = CMartletLinux_mapAnonymous(IPv4NetworkTable.poolByteCount, 0)
        else { fatalError("no address space for the interfaces' networks") }
        self.heads = heads.bindMemory(to: UInt32.self, capacity: InterfaceTable.capacity)
        self.pool = pool.bindMemory(to: Entry.self, capacity: Int(IPv4NetworkTable.places))
    }

    fileprivate func unmap() {
        munmap(heads, IPv4NetworkTable.byteCount)
        munmap(pool, IPv4NetworkTable.poolByteCount)
    }

    /// The router's own address on the interface in the network to which both addresses belong, that with the longest prefix; nil
    /// when there is none.
    func address(
        on interface: InterfaceIndex, amid first: IPv4Address, _ second: IPv4Address
    ) -> IPv4Address? {
        var place = heads[Int(interface) & (InterfaceTable.capacity &- 1)]
        while place != 0 {
            let entry = pool[Int(place & (IPv4NetworkTable.places &- 1))]
            let difference = (entry.address ^ first.value) | (entry.address ^ second.value)
            if difference & entry.mask == 0 { return IPv4Address(entry.address) }
            place = entry.next
        }
        return nil
    }
}

/// The control side of `IPv4NetworkTable`.
@ControlPlane
final class IPv4NetworkStore {
    nonisolated let table = IPv4NetworkTable()
    private let engine: Engine
    private var free: [UInt32] = []
    private var next: UInt32 = 1
    private var places: [InterfaceIndex: [UInt32]] = [:]

    init(engine: Engine) { self.engine = engine }

    isolated deinit { table.unmap() }

    /// Puts the interface's addresses in force; those of the shortest prefixes are left out when there is no room for all.
    func publish(_ addresses: [InterfaceAddress], of interface: InterfaceIndex) {
        var entries: [IPv4NetworkTable.Entry] = []
        for own in addresses.sorted(by: { $0.network.length > $1.network.length }) {
            guard case .v4(let address) = own.address else { continue }
            let mask = own.network.length == 0 ? 0 : UInt32.max << UInt32(32 - own.network.length)
            entries.append(.init(address: address.value, mask: mask, next: 0))
        }
        let taken = Array(entries.indices.lazy.map { _ in self.place() }.prefix { $0 != 0 })
        for (number, place) in taken.enumerated() {
            entries[number].next = number + 1 < taken.count ? taken[number + 1] : 0
            table.pool[Int(place)] = entries[number]
        }
        let old = places[interface] ?? []
        places[interface] = taken.isEmpty ? nil : taken
        // A worker that sees the list's beginning sees the list.
        atomicMemoryFence(ordering: .releasing)
        table.heads[Int(interface)] = taken.first ?? 0
        if !old.isEmpty { engine.retire { [weak self] in self?.free += old } }
    }

    /// A place that nobody reads; 0 when there is none.
    private func place() -> UInt32 {
        if let place = free.popLast() { return place }
        guard next < IPv4NetworkTable.places else { return 0 }
        next += 1
        return next - 1
    }
}
