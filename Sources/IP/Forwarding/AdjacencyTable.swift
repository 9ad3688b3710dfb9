// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Wire

/// What it takes to send a packet to one neighbour: one cache line, which workers read per packet.
@frozen
public struct AdjacencyRecord: BitwiseCopyable {
    /// The Ethernet header in wire order: sixteen bytes, of which fourteen count.
    public var rewrite: (UInt64, UInt64)
    public var txInterface: InterfaceIndex
    /// The longest IP packet that fits, bytes.
    public var mtu: UInt32
    public var state: AdjacencyState
    public var reserved: UInt8
    public var reserved2: UInt16
    /// The neighbour that this leads to, host byte order; 0 on a glean adjacency.
    public var nextHop: UInt32
    public var reserved3: (UInt64, UInt64, UInt64)
}

/// Whether packets can leave. Changed by one store, which all packets of all prefixes behind it obey at once.
@frozen
public enum AdjacencyState: UInt8, Sendable, BitwiseCopyable {
    /// The neighbour's hardware address is not known: packets go to resolution.
    case incomplete
    case complete
}

/// The adjacencies of a router, read by workers, written by the control side.
///
/// The memory is reserved for all of them and taken page by page, so that an index stays valid and nothing ever moves.
@frozen
public struct AdjacencyTable: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let records: UnsafeMutablePointer<AdjacencyRecord>

    static var byteCount: Int { Int(Forwarding.adjacencyCapacity) * MemoryLayout<AdjacencyRecord>.stride }

    init() {
        guard let memory = CMartletLinux_mapAnonymous(AdjacencyTable.byteCount, 0) else {
            fatalError("no address space for the adjacency table")
        }
        records = memory.bindMemory(to: AdjacencyRecord.self, capacity: Int(Forwarding.adjacencyCapacity))
    }

    func unmap() { munmap(records, AdjacencyTable.byteCount) }

    /// The record at `index`. Any thread may read; the control side writes.
    @inlinable
    public subscript(index: AdjacencyIndex) -> AdjacencyRecord {
        @inline(__always) unsafeAddress {
            UnsafePointer(records + Int(index & (Forwarding.adjacencyCapacity &- 1)))
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            records + Int(index & (Forwarding.adjacencyCapacity &- 1))
        }
    }
}
