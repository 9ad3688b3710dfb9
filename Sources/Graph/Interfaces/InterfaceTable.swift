// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

/// What nodes need of an interface for each packet: half a cache line, changed in place by single stores.
@frozen
public struct InterfaceRecord: BitwiseCopyable {
    /// The hardware address in its six low bytes, as a little-endian load of the bytes in wire order gives it.
    public var mac: UInt64
    /// The longest network-layer packet, bytes.
    public var mtu: UInt32
    public var flags: InterfaceFlags
    /// The arc of `interface-output` that leads to this interface's transmit node.
    public var outputArc: UInt16
    /// The interface that this one transmits through: itself, or the parent of a sub-interface.
    public var parent: InterfaceIndex
    /// The forwarding table (VRF) of packets that come in here, by number.
    public var table: UInt32
    /// The number of the port's table of tags, by which its tagged frames find their sub-interfaces; 0 for none.
    public var tagTable: UInt32
    /// Its number as a port of a bridge domain, with the flag `bridged`.
    public var bridgePort: UInt32

    static var noArc: UInt16 { .max }
}

/// An interface's state, and what it takes.
@frozen
public struct InterfaceFlags: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The operator wants it to be used.
    /// The device has carrier.
    @inlinable public static var adminUp: InterfaceFlags { InterfaceFlags(rawValue: 1 << 0) }
    @inlinable public static var linkUp: InterfaceFlags { InterfaceFlags(rawValue: 1 << 1) }
    /// It has an IPv4 address: IPv4 packets are accepted.
    /// It has an IPv6 address: IPv6 packets are accepted.
    @inlinable public static var ip4: InterfaceFlags { InterfaceFlags(rawValue: 1 << 2) }
    @inlinable public static var ip6: InterfaceFlags { InterfaceFlags(rawValue: 1 << 3) }
    /// Frames to any station are for us, as on a bridge port.
    @inlinable public static var acceptAnyStation: InterfaceFlags { InterfaceFlags(rawValue: 1 << 4) }

    /// MPLS packets are accepted.
    @inlinable public static var mpls: InterfaceFlags { InterfaceFlags(rawValue: 1 << 5) }
    /// ARP requests for hosts behind the router are answered (RFC 1027).
    @inlinable public static var proxyARP: InterfaceFlags { InterfaceFlags(rawValue: 1 << 6) }
    /// Its device is not there: removed, or not made again yet.
    @inlinable public static var absent: InterfaceFlags { InterfaceFlags(rawValue: 1 << 7) }

    /// Broadcasts to its network from elsewhere are sent on its link (RFC 2644).
    @inlinable public static var directedBroadcast: InterfaceFlags { InterfaceFlags(rawValue: 1 << 8) }
    /// Its frames are bridged: it is a member of a bridge domain, and no BVI.
    @inlinable public static var bridged: InterfaceFlags { InterfaceFlags(rawValue: 1 << 9) }
    /// Its frames leave by the other end of a cross-connect; with `bridged`.
    @inlinable public static var crossConnected: InterfaceFlags { InterfaceFlags(rawValue: 1 << 11) }
    /// One of its sub-interfaces is bridged: tagged frames may be for any station.
    @inlinable public static var bridgesTagged: InterfaceFlags { InterfaceFlags(rawValue: 1 << 10) }
    /// There is one other end, which needs no address: a tunnel. The Ethernet header of what leaves here is none of the
    /// packet's bytes.
    @inlinable public static var pointToPoint: InterfaceFlags { InterfaceFlags(rawValue: 1 << 12) }

    /// One of its sub-interfaces takes its untagged frames.
    @inlinable public static var lendsUntagged: InterfaceFlags { InterfaceFlags(rawValue: 1 << 14) }
    /// A sub-interface whose frames' tags are rewritten.
    @inlinable public static var rewritesTags: InterfaceFlags { InterfaceFlags(rawValue: 1 << 13) }

    /// What says whether frames that come in are routed: with the first alone of these three.
    @inlinable public static var receiving: InterfaceFlags { InterfaceFlags(rawValue: 1 << 0 | 1 << 9 | 1 << 14) }
    /// Packets may be sent.
    @inlinable public static var usable: InterfaceFlags { InterfaceFlags(rawValue: 1 << 0 | 1 << 1) }
}

/// The interfaces as workers read them: one record per index.
///
/// Trivially copyable; written by the control side with single stores, read by any thread.
@frozen
public struct InterfaceTable: BitwiseCopyable, @unchecked Sendable {
    /// Enough for 64k sub-interfaces on top of ports and tunnels. A power of two.
    @inlinable public static var capacity: Int { 1 << 17 }

    @usableFromInline let records: UnsafeMutablePointer<InterfaceRecord>

    init() {
        let bytes = InterfaceTable.capacity * MemoryLayout<InterfaceRecord>.stride
        guard let memory = CMartletLinux_mapAnonymous(bytes, 0) else {
            fatalError("no address space for the interface table")
        }
        records = memory.bindMemory(to: InterfaceRecord.self, capacity: InterfaceTable.capacity)
    }

    func unmap() { munmap(records, InterfaceTable.capacity * MemoryLayout<InterfaceRecord>.stride) }

    @inlinable
    public subscript(index: InterfaceIndex) -> InterfaceRecord {
        @inline(__always) unsafeAddress { UnsafePointer(records + (Int(index) & (InterfaceTable.capacity &- 1))) }
        @inline(__always) nonmutating unsafeMutableAddress { records + (Int(index) & (InterfaceTable.capacity &- 1)) }
    }
}
