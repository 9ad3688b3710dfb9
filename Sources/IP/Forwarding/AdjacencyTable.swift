// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// What it takes to send a packet to one neighbour: one cache line, which workers read per packet.
@frozen
public struct AdjacencyRecord: BitwiseCopyable {
    /// The Ethernet header's two addresses in wire order, twelve bytes; the EtherType is the packet's affair.
    public var rewrite: (UInt64, UInt64)
    public var txInterface: InterfaceIndex
    /// The longest IP packet that fits, bytes.
    public var mtu: UInt32
    public var status: AdjacencyStatus
    /// Where packets go while `status` says that the neighbour is down; `noRoute` when there is no backup.
    public var backup: Forwarding
    /// The neighbour that this leads to: an IPv6 address, or an IPv4 address in the second; zero on a glean adjacency.
    public var nextHop: (high: UInt64, low: UInt64)
    public var family: AddressFamily
    var reserved: (UInt8, UInt8, UInt8)
    var reserved2: UInt32
    /// `Clock.now` of the first packet that took the backup since the last switch; 0 for none. Written by workers.
    public var firstOnBackup: UInt64

    /// The neighbour's address; nil on a glean adjacency.
    public var neighbor: IPAddress? {
        guard nextHop.high | nextHop.low != 0 else { return nil }
        return family == .ipv4
            ? .v4(IPv4Address(UInt32(truncatingIfNeeded: nextHop.low)))
            : .v6(IPv6Address(high: nextHop.high, low: nextHop.low))
    }
}

/// Whether packets can leave by an adjacency: four bytes, no two of which are written as one, tested by workers as one
/// word.
///
/// A change is one store, which all packets of all prefixes behind the adjacency obey at once.
@frozen
public struct AdjacencyStatus: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline let word: UInt32

    /// The hardware address is known and nothing speaks against the neighbour.
    @inlinable public var isReady: Bool { @inline(__always) get { word == 1 } }
    /// The hardware address is known; written by the neighbour table.
    public var isResolved: Bool { word & 0xff != 0 }
    /// Whether the neighbour must not be used now.
    @inlinable public var isDown: Bool { @inline(__always) get { word >> 8 != 0 } }
    /// Why not, as the control side says it.
    public var failures: Failures { Failures(rawValue: UInt8(truncatingIfNeeded: word >> 8)) }
    /// BFD lost the neighbour; written by the worker that has the session, cleared by the control side.
    public var isBFDDown: Bool { word >> 16 & 0xff != 0 }

    /// The link is lost; written by the thread that has the news and cleared by the control side, as `LinkLosses` says.
    public var isLinkLost: Bool { word >> 24 != 0 }

    /// What the control side knows to speak against a neighbour.
    public struct Failures: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The interface has lost its carrier, is administratively down or is gone.
        public static let link = Failures(rawValue: 1 << 0)
        /// The neighbour does not answer.
        public static let neighbor = Failures(rawValue: 1 << 1)
        /// An operator said so.
        public static let command = Failures(rawValue: 1 << 2)
        /// A failure is over, but must not be trusted yet: the wait-to-restore time runs.
        public static let waitToRestore = Failures(rawValue: 1 << 3)
        /// IPv6 has stopped on the interface.
        public static let stopped = Failures(rawValue: 1 << 4)
    }
}

/// The adjacencies of a router, read by workers, written by the control side.
///
/// The memory is reserved for all of them and taken page by page, so that an index stays valid and nothing ever moves.
@frozen
public struct AdjacencyTable: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let records: UnsafeMutablePointer<AdjacencyRecord>

    static var byteCount: Int { Int(Forwarding.indexCapacity) * MemoryLayout<AdjacencyRecord>.stride }

    init() {
        precondition(MemoryLayout<AdjacencyRecord>.size == 64, "an adjacency is one cache line")
        guard let memory = CMartletLinux_mapAnonymous(AdjacencyTable.byteCount, 0) else {
            fatalError("no address space for the adjacency table")
        }
        records = memory.bindMemory(to: AdjacencyRecord.self, capacity: Int(Forwarding.indexCapacity))
    }

    func unmap() { munmap(records, AdjacencyTable.byteCount) }

    /// The record at `index`. Any thread may read; the control side writes.
    @inlinable
    public subscript(index: AdjacencyIndex) -> AdjacencyRecord {
        @inline(__always) unsafeAddress {
            UnsafePointer(records + Int(index & (Forwarding.indexCapacity &- 1)))
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            records + Int(index & (Forwarding.indexCapacity &- 1))
        }
    }

    // MARK: - Status

    /// Control side only.
    func setResolved(_ index: AdjacencyIndex, _ isResolved: Bool) { storeStatus(index, byte: 0, isResolved ? 1 : 0) }

    /// Control side only.
    func setFailures(_ index: AdjacencyIndex, _ failures: AdjacencyStatus.Failures) {
        storeStatus(index, byte: 1, failures.rawValue)
    }

    /// One store, after which no packet takes the neighbour. By the worker that has the BFD session; by the control side
    /// only to clear.
    @inline(__always)
    public func setBFDDown(_ index: AdjacencyIndex, _ isDown: Bool) { storeStatus(index, byte: 2, isDown ? 1 : 0) }

    /// One store, after which no packet takes the neighbour; under the lock of `LinkLosses`.
    func setLinkLost(_ index: AdjacencyIndex, _ isLost: Bool) { storeStatus(index, byte: 3, isLost ? 1 : 0) }

    @inline(__always)
    private func storeStatus(_ index: AdjacencyIndex, byte: Int, _ value: UInt8) {
        let record = UnsafeMutableRawPointer(records + Int(index & (Forwarding.indexCapacity &- 1)))
        record.storeBytes(of: value, toByteOffset: AdjacencyTable.statusOffset &+ byte, as: UInt8.self)
    }

    private static var statusOffset: Int { 24 }
}
