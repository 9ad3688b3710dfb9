// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Wire

/// A path with more to it than a neighbour: labels to push, or a backup of its own. One cache line.
///
/// Packets look at the status of the neighbour's adjacency, so that one store there moves all paths behind it.
@frozen
public struct PathRecord: BitwiseCopyable {
    /// Labels from the outermost to the innermost, as numbers in host byte order; `labelCount` of them count.
    public var labels: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)
    public var labelCount: UInt8
    public var mode: TTLMode
    var reserved: UInt16
    /// The neighbour.
    public var adjacency: AdjacencyIndex
    /// Where packets go while the neighbour is down; `noRoute` leaves it to the adjacency's own backup.
    public var backup: Forwarding
    /// `adjacency`'s MTU less the labels, bytes.
    public var mtu: UInt32
    /// `Clock.now` of the first packet that took the backup since the last switch; 0 for none. Written by workers.
    public var firstOnBackup: UInt64
    var reserved2: UInt64

    /// The most labels that one path pushes.
    public static var labelCapacity: Int { 8 }
}

/// What becomes of the TTL and the traffic class at either end of a label-switched path (RFC 3443).
@frozen
public enum TTLMode: String, Sendable, BitwiseCopyable, CaseIterable, Codable {
    /// The path is one hop: pushed labels start at 255 and traffic class 0.
    case pipe
    /// Every router counts: TTL and traffic class are copied in and out.
    case uniform
}

/// The paths of a router, read by workers, written by the control side before they are published in a route.
@frozen
public struct PathTable: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let records: UnsafeMutablePointer<PathRecord>

    private static var byteCount: Int { Int(Forwarding.indexCapacity) * MemoryLayout<PathRecord>.stride }

    init() {
        precondition(MemoryLayout<PathRecord>.size == 64, "a path is one cache line")
        guard let memory = CMartletLinux_mapAnonymous(PathTable.byteCount, 0) else {
            fatalError("no address space for the table of paths")
        }
        records = memory.bindMemory(to: PathRecord.self, capacity: Int(Forwarding.indexCapacity))
    }

    func unmap() { munmap(records, PathTable.byteCount) }

    @inlinable
    public subscript(index: UInt32) -> PathRecord {
        @inline(__always) unsafeAddress { UnsafePointer(records + Int(index & (Forwarding.indexCapacity &- 1))) }
        @inline(__always) nonmutating unsafeMutableAddress {
            records + Int(index & (Forwarding.indexCapacity &- 1))
        }
    }
}
