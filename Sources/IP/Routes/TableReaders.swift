// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// The tables of a router as workers read them: by the number of the table, or by the interface that a packet came in at.
@frozen
public struct TableReaders: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let interfaces: InterfaceTable
    @usableFromInline let tables: UnsafeMutablePointer<TableReader>
    @usableFromInline let loadBalances: LoadBalanceTable

    /// A power of two.
    @inlinable static var capacity: Int { 1024 }
    private static var byteCount: Int { capacity * MemoryLayout<TableReader>.stride }

    init(interfaces: InterfaceTable, _ loadBalances: LoadBalanceTable) {
        guard let memory = CMartletLinux_mapAnonymous(TableReaders.byteCount, 0) else {
            fatalError("no address space for the list of tables")
        }
        tables = memory.bindMemory(to: TableReader.self, capacity: TableReaders.capacity)
        self.interfaces = interfaces
        self.loadBalances = loadBalances
    }

    func unmap() { munmap(tables, TableReaders.byteCount) }

    func set(_ index: TableIndex, _ ip4: IPv4LookupTable.Reader, _ ip6: IPv6LookupTable.Reader) {
        tables[Int(index.rawValue)] = TableReader(ip4: ip4, ip6: ip6)
    }

    /// The table of that number, which must exist.
    @inlinable
    public subscript(table: UInt32) -> TableReader {
        @inline(__always) unsafeAddress { UnsafePointer(tables + Int(table) & (TableReaders.capacity &- 1)) }
    }

    /// The table for packets that came in at an interface; the main one for 0, the router's own packets.
    @inlinable
    public subscript(of interface: InterfaceIndex) -> TableReader {
        @inline(__always) unsafeAddress {
            UnsafePointer(tables + Int(interfaces[interface].table) & (TableReaders.capacity &- 1))
        }
    }

    /// The number of the table that a packet is routed by: that of the tunnel that it came out of, or of its interface.
    @inlinable
    @inline(__always)
    public func number(for packet: Packet) -> UInt32 {
        packet.header.flags.contains(.hasTable)
            ? packet.header.txInterface : interfaces[packet.header.rxInterface].table
    }

    /// The table that a packet is routed by.
    @inlinable
    public subscript(for packet: Packet) -> TableReader {
        @inline(__always) unsafeAddress {
            UnsafePointer(tables + Int(number(for: packet)) & (TableReaders.capacity &- 1))
        }
    }

    /// What the route for an address says by itself, load-balances and other tables not followed: enough to know the router's
    /// own and broadcast addresses.
    @inlinable
    @inline(__always)
    public func route(to address: IPv4Address, for packet: Packet) -> Forwarding {
        Forwarding(rawValue: self[for: packet].ip4.lookup(address.value))
    }

    @inlinable
    @inline(__always)
    public func route(to address: IPv6Address, for packet: Packet) -> Forwarding {
        let address = address.asLookedUp(from: packet.header.rxInterface)
        return Forwarding(rawValue: self[for: packet].ip6.lookup(high: address.high, low: address.low))
    }
}

extension IPv6Address {
    /// What the tables have for packets to this address that came in at the interface: for an address of one link that
    /// of the interface's.
    @inlinable
    @inline(__always)
    func asLookedUp(from interface: InterfaceIndex) -> IPv6Address {
        // One comparison for nearly all: nothing but addresses of one link, and other groups, is that high.
        high >= 0xfe80 << 48 && isOfLink ? scoped(to: interface) : self
    }
}

/// One table's two families.
@frozen
public struct TableReader: BitwiseCopyable, Sendable {
    public let ip4: IPv4LookupTable.Reader
    public let ip6: IPv6LookupTable.Reader
}
