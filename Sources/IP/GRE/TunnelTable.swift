// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Graph
import Synchronization
import Wire

/// Tunnels of one kind as workers read them, a record for each, and the numbers that those with sequence numbers count by.
@frozen
public struct TunnelTable<Record: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let records: UnsafeMutablePointer<Record>
    @usableFromInline let numbers: UnsafeMutablePointer<TunnelNumbers>
    /// By interface: the tunnel's number, 0 for none.
    @usableFromInline let byInterface: UnsafeMutablePointer<UInt32>

    @inlinable static var mask: UInt32 { UInt32(EndpointTable.capacity &- 1) }

    private static var recordBytes: Int { EndpointTable.capacity * MemoryLayout<Record>.stride }
    private static var numberBytes: Int { EndpointTable.capacity * MemoryLayout<TunnelNumbers>.stride }
    private static var interfaceBytes: Int { InterfaceTable.capacity * MemoryLayout<UInt32>.stride }

    public init() {
        guard let records = CMartletLinux_mapAnonymous(TunnelTable.recordBytes, 0),
            let numbers = CMartletLinux_mapAnonymous(TunnelTable.numberBytes, 0),
            let byInterface = CMartletLinux_mapAnonymous(TunnelTable.interfaceBytes, 0)
        else { fatalError("no address space for the tunnels") }
        self.records = records.bindMemory(to: Record.self, capacity: EndpointTable.capacity)
        self.numbers = numbers.bindMemory(to: TunnelNumbers.self, capacity: EndpointTable.capacity)
        self.byInterface = byInterface.bindMemory(to: UInt32.self, capacity: InterfaceTable.capacity)
    }

    public func unmap() {
        munmap(records, TunnelTable.recordBytes)
        munmap(numbers, TunnelTable.numberBytes)
        munmap(byInterface, TunnelTable.interfaceBytes)
    }

    /// A tunnel by its number, from 1. Any thread may read; the control side writes.
    @inlinable
    public subscript(number: UInt32) -> Record {
        @inline(__always) unsafeAddress { UnsafePointer(records + Int(number & TunnelTable.mask)) }
        @inline(__always) nonmutating unsafeMutableAddress { records + Int(number & TunnelTable.mask) }
    }

    /// The tunnel of an interface; 0 for none.
    @inlinable @inline(__always)
    public func number(of interface: InterfaceIndex) -> UInt32 {
        byInterface[Int(interface) & (InterfaceTable.capacity &- 1)]
    }

    /// Control side only; the record is complete.
    public func publish(_ number: UInt32, as interface: InterfaceIndex) {
        atomicMemoryFence(ordering: .releasing)
        byInterface[Int(interface) & (InterfaceTable.capacity &- 1)] = number
    }

    /// The next packet's sequence number, from 0 (RFC 2890 section 2.2). By the tunnel's one worker alone.
    @inlinable @inline(__always)
    public func nextSequence(_ number: UInt32) -> UInt32 {
        let entry = numbers + Int(number & TunnelTable.mask)
        let sequence = entry.pointee.next
        entry.pointee.next = sequence &+ 1
        return sequence
    }

    /// The window by which packets that come in are told to be late. Any worker.
    @inlinable @inline(__always)
    public func window(_ number: UInt32) -> SequenceWindow {
        let entry = UnsafeMutableRawPointer(numbers + Int(number & TunnelTable.mask))
        return SequenceWindow(
            (entry + MemoryLayout<UInt64>.stride).assumingMemoryBound(to: Atomic<UInt64>.self))
    }
}

/// Sequence numbers of one tunnel, on a cache line of their own.
@frozen
public struct TunnelNumbers: BitwiseCopyable {
    /// Of the packet that is sent next.
    @usableFromInline var next: UInt32
    @usableFromInline var reserved: UInt32
    /// `SequenceWindow`'s word.
    @usableFromInline var window: UInt64
    @usableFromInline var rest: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
}

/// What workers need of one GRE tunnel: written once, before anything leads to it.
struct GRERecord: BitwiseCopyable {
    struct Options: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        static let checksum = Options(rawValue: 1 << 0)
        static let sequence = Options(rawValue: 1 << 1)
        static let key = Options(rawValue: 1 << 2)
        static let copyTimeToLive = Options(rawValue: 1 << 3)
        static let copyDSCP = Options(rawValue: 1 << 4)
    }

    var outer: OuterHeader
    var interface: InterfaceIndex
    /// The table (VRF) that its packets are routed by, by number.
    var table: UInt32
    var key: UInt32
    var options: Options
    var timeToLive: UInt8
    /// DSCP in its six high bits.
    var trafficClass: UInt8
    /// Bytes that it puts in front of a packet.
    var overhead: UInt8
    /// The flow of all packets of a tunnel with sequence numbers: they must not overtake each other.
    var flow: UInt32
    /// Who numbers the packets of a tunnel with sequence numbers.
    var owner: UInt32
}
