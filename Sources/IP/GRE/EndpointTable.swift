// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization
import Wire

/// The two ends of a tunnel in a table (VRF): what its packets have in their outer headers.
@frozen
public struct TunnelEnds: BitwiseCopyable, Hashable, Sendable {
    let local: (high: UInt64, low: UInt64)
    let remote: (high: UInt64, low: UInt64)
    /// The table that the packets are routed by, by number, and whether they are IPv6.
    let tableAndFamily: UInt64

    @inline(__always)
    public init(local: IPAddress, remote: IPAddress, table: UInt32) {
        self.local = TunnelEnds.words(local)
        self.remote = TunnelEnds.words(remote)
        tableAndFamily = UInt64(table) << 1 | (local.family == .ipv4 ? 0 : 1)
    }

    @inline(__always)
    private static func words(_ address: IPAddress) -> (UInt64, UInt64) {
        switch address {
        case .v4(let address): (0, UInt64(address.value))
        case .v6(let address): (address.high, address.low)
        }
    }

    @inline(__always)
    public static func == (a: TunnelEnds, b: TunnelEnds) -> Bool {
        let differences =
            a.local.high ^ b.local.high | a.local.low ^ b.local.low | a.remote.high ^ b.remote.high
            | a.remote.low ^ b.remote.low | a.tableAndFamily ^ b.tableAndFamily
        return differences == 0
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(local.low)
        hasher.combine(remote.low)
        hasher.combine(tableAndFamily)
    }
}

/// What tells the tunnels between two ends apart.
@frozen
public struct TunnelSelector: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    public let rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Any tunnel at all: that there is one.
    static let any = TunnelSelector(rawValue: 0)

    /// GRE with a key, or with nil one without.
    @inline(__always)
    public static func gre(key: UInt32?) -> TunnelSelector {
        TunnelSelector(rawValue: key.map { 2 << 32 | UInt64($0) } ?? 1 << 32)
    }

    /// ERSPAN with a session's number, or with nil one that has no header (type I).
    @inline(__always)
    public static func erspan(session: UInt16?) -> TunnelSelector {
        TunnelSelector(rawValue: session.map { 4 << 32 | UInt64($0) } ?? 3 << 32)
    }
}

/// Finds a tunnel by its ends and what its packets say: an open-addressing hash table that workers read while the control
/// side adds to it. Nothing is ever removed: tunnels live as long as the router.
public struct EndpointTable: BitwiseCopyable, @unchecked Sendable {
    private struct Entry: BitwiseCopyable {
        var ends: TunnelEnds
        var selector: TunnelSelector
        /// 0 for a free place.
        var number: UInt32
    }

    /// The most tunnels; a quarter of the places, so that walks are short.
    @inlinable public static var capacity: Int { 1 << 16 }
    private static var places: Int { capacity * 4 }
    private static var byteCount: Int { places * MemoryLayout<Entry>.stride }

    private let entries: UnsafeMutablePointer<Entry>

    init() {
        guard let memory = CMartletLinux_mapAnonymous(EndpointTable.byteCount, 0) else {
            fatalError("no address space for the table of tunnels")
        }
        entries = memory.bindMemory(to: Entry.self, capacity: EndpointTable.places)
    }

    func unmap() { munmap(entries, EndpointTable.byteCount) }

    /// The number that was given for a tunnel, from 1; 0 when there is none. Any thread.
    @inline(__always)
    public func number(_ ends: TunnelEnds, _ selector: TunnelSelector) -> UInt32 {
        var place = EndpointTable.place(ends, selector)
        while entries[place].number != 0 {
            if entries[place].ends == ends, entries[place].selector == selector { return entries[place].number }
            place = (place &+ 1) & (EndpointTable.places &- 1)
        }
        return 0
    }

    /// Whether any tunnel has these ends: then it is the key that is wrong. Any thread.
    public func knows(_ ends: TunnelEnds) -> Bool { number(ends, .any) != 0 }

    /// Adds a tunnel. Control side only.
    /// - Parameter number: From 1.
    /// - Returns: The number of the tunnel that has these ends and this selector already; nil when it was added.
    public func add(_ ends: TunnelEnds, _ selector: TunnelSelector, _ number: UInt32) -> UInt32? {
        let other = self.number(ends, selector)
        guard other == 0 else { return other }
        insert(ends, selector, number)
        if self.number(ends, .any) == 0 { insert(ends, .any, number) }
        return nil
    }

    private func insert(_ ends: TunnelEnds, _ selector: TunnelSelector, _ number: UInt32) {
        var place = EndpointTable.place(ends, selector)
        while entries[place].number != 0 { place = (place &+ 1) & (EndpointTable.places &- 1) }
        entries[place].ends = ends
        entries[place].selector = selector
        // A worker that sees the number sees whose it is.
        atomicMemoryFence(ordering: .releasing)
        entries[place].number = number
    }

    @inline(__always)
    private static func place(_ ends: TunnelEnds, _ selector: TunnelSelector) -> Int {
        let near = (ends.local.high ^ ends.local.low &* 0xa076_1d64_78bd_642f) &+ selector.rawValue
        let far = (ends.remote.high ^ ends.remote.low &* 0xe703_7ed1_a0b4_28db) &+ ends.tableAndFamily
        let product = (near ^ 0x8ebc_6af0_9c88_c6e3).multipliedFullWidth(by: far ^ 0x5899_65cc_7537_4cc3)
        return Int(truncatingIfNeeded: product.high ^ product.low) & (places &- 1)
    }
}
