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
    /// Behind the tables those of their unusable routes.
    private static var byteCount: Int { 2 * capacity * MemoryLayout<TableReader>.stride }

    init(interfaces: InterfaceTable, _ loadBalances: LoadBalanceTable) {
        guard let memory = CMartletLinux_mapAnonymous(TableReaders.byteCount, 0) else {
            fatalError("no address space for the list of tables")
        }
        tables = memory.bindMemory(to: TableReader.self, capacity: 2 * TableReaders.capacity)
        self.interfaces = interfaces
        self.loadBalances = loadBalances
    }

    func unmap() { munmap(tables, TableReaders.byteCount) }

    @ControlPlane
    func set(_ table: VRF) {
        let place = Int(table.index.rawValue)
        tables[place] = TableReader(ip4: table.ip4.reader, ip6: table.ip6.reader)
        tables[TableReaders.capacity + place] = TableReader(
            ip4: table.ip4.unusable.reader, ip6: table.ip6.unusable.reader)
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

    /// What the route for an address says by itself, load-balances and other tables not followed.
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

    /// What the route for an address comes to: that of the table into which it leaks, which may leak on. Load-balances are not
    /// followed. Enough to know the router's own and broadcast addresses, and whether there is a route at all.
    /// - Returns: Never a table; `loop` when more of them follow each other than a packet goes through.
    @inline(__always)
    func ultimateRoute(to address: IPv4Address, for packet: Packet) -> Forwarding {
        follow(route(to: address, for: packet), of: address)
    }

    @inline(__always)
    func ultimateRoute(to address: IPv6Address, for packet: Packet) -> Forwarding {
        follow(route(to: address, for: packet), of: address.asLookedUp(from: packet.header.rxInterface))
    }

    /// What that result for the address comes to, other tables followed.
    @inline(__always)
    func follow(_ result: Forwarding, of address: IPv4Address) -> Forwarding {
        guard result.kindNumber == Forwarding.Kind.table.rawValue else { return result }
        return followTables(result) { lookUp(address, in: $0) }
    }

    /// - Parameter address: As the tables have it (`asLookedUp`).
    @inline(__always)
    func follow(_ result: Forwarding, of address: IPv6Address) -> Forwarding {
        guard result.kindNumber == Forwarding.Kind.table.rawValue else { return result }
        return followTables(result) { lookUp(address, in: $0) }
    }

    @inline(never)
    private func followTables(_ first: Forwarding, _ lookUp: (_ table: UInt32) -> Forwarding) -> Forwarding {
        var result = first
        for _ in 0..<Balancer.depth {
            result = lookUp(result.index)
            if result.kind != .table { return result }
        }
        return .loop
    }

    @inline(__always)
    func lookUp(_ address: IPv4Address, in table: UInt32) -> Forwarding {
        Forwarding(rawValue: self[table].ip4.lookup(address.value))
    }

    /// - Parameter address: As the tables have it (`asLookedUp`).
    @inline(__always)
    func lookUp(_ address: IPv6Address, in table: UInt32) -> Forwarding {
        Forwarding(rawValue: self[table].ip6.lookup(high: address.high, low: address.low))
    }

    /// Whether there are routes for the destination of a packet that found none, and none of them can be used: "host
    /// unreachable", not "network unreachable". Slow.
    func hasUnusableRoute(to address: IPv4Address, for packet: Packet) -> Bool {
        hasUnusableRoute(packet) { $0.ip4.lookup(address.value) }
    }

    func hasUnusableRoute(to address: IPv6Address, for packet: Packet) -> Bool {
        let address = address.asLookedUp(from: packet.header.rxInterface)
        return hasUnusableRoute(packet) { $0.ip6.lookup(high: address.high, low: address.low) }
    }

    private func hasUnusableRoute(_ packet: Packet, _ lookup: (TableReader) -> UInt32) -> Bool {
        var table = number(for: packet)
        for _ in 0..<Balancer.depth {
            let place = Int(table) & (TableReaders.capacity &- 1)
            if lookup(tables[TableReaders.capacity &+ place]) != 0 { return true }
            let result = Forwarding(rawValue: lookup(tables[place]))
            guard result.kind == .table else { return false }
            table = result.index
        }
        return false
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
