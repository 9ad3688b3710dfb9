// SPDX-License-Identifier: Apache-2.0

/// One node's counters on one worker: a cache line in the stats segment.
@frozen
public struct NodeCounters: BitwiseCopyable, Sendable {
    public var calls: UInt64 = 0
    public var packets: UInt64 = 0
    public var clocks: UInt64 = 0
    /// How often a process node went to sleep, an input node found nothing.
    public var suspends: UInt64 = 0
    public var instructions: UInt64 = 0
    public var cacheMisses: UInt64 = 0
    /// The most clocks that one call took.
    public var maxClocks: UInt64 = 0
    public var reserved: UInt64 = 0

    public static func + (a: NodeCounters, b: NodeCounters) -> NodeCounters {
        NodeCounters(
            calls: a.calls &+ b.calls, packets: a.packets &+ b.packets, clocks: a.clocks &+ b.clocks,
            suspends: a.suspends &+ b.suspends, instructions: a.instructions &+ b.instructions,
            cacheMisses: a.cacheMisses &+ b.cacheMisses, maxClocks: max(a.maxClocks, b.maxClocks))
    }

    /// What was counted since `earlier`.
    public static func - (now: NodeCounters, earlier: NodeCounters) -> NodeCounters {
        NodeCounters(
            calls: now.calls &- earlier.calls, packets: now.packets &- earlier.packets,
            clocks: now.clocks &- earlier.clocks,
            suspends: now.suspends &- earlier.suspends, instructions: now.instructions &- earlier.instructions,
            cacheMisses: now.cacheMisses &- earlier.cacheMisses, maxClocks: now.maxClocks)
    }
}

/// One interface's counters on one worker.
@frozen
public struct InterfaceCounters: BitwiseCopyable, Sendable {
    public var rxPackets: UInt64 = 0
    public var rxBytes: UInt64 = 0
    public var txPackets: UInt64 = 0
    public var txBytes: UInt64 = 0
    /// Packets received here that ended in the drop node, whatever the reason.
    public var drops: UInt64 = 0
    /// Frames that the device or the kernel could not deliver to us.
    public var rxErrors: UInt64 = 0
    /// Packets that the device did not take.
    public var txErrors: UInt64 = 0
    public var reserved: UInt64 = 0

    public static func + (a: InterfaceCounters, b: InterfaceCounters) -> InterfaceCounters {
        InterfaceCounters(
            rxPackets: a.rxPackets &+ b.rxPackets, rxBytes: a.rxBytes &+ b.rxBytes,
            txPackets: a.txPackets &+ b.txPackets,
            txBytes: a.txBytes &+ b.txBytes, drops: a.drops &+ b.drops, rxErrors: a.rxErrors &+ b.rxErrors,
            txErrors: a.txErrors &+ b.txErrors)
    }

    public static func - (now: InterfaceCounters, earlier: InterfaceCounters) -> InterfaceCounters {
        InterfaceCounters(
            rxPackets: now.rxPackets &- earlier.rxPackets, rxBytes: now.rxBytes &- earlier.rxBytes,
            txPackets: now.txPackets &- earlier.txPackets, txBytes: now.txBytes &- earlier.txBytes,
            drops: now.drops &- earlier.drops, rxErrors: now.rxErrors &- earlier.rxErrors,
            txErrors: now.txErrors &- earlier.txErrors)
    }
}

/// A worker's account of its time.
@frozen
public struct WorkerCounters: BitwiseCopyable, Sendable {
    public var loops: UInt64 = 0
    /// Loops that found a packet, a timer or a message.
    public var busyLoops: UInt64 = 0
    /// Clocks in busy loops: the truthful load is their share of all clocks.
    public var busyClocks: UInt64 = 0
    public var sleeps: UInt64 = 0
    /// `Clock.now` when the worker started.
    public var startClock: UInt64 = 0
    public var handoffsOut: UInt64 = 0
    public var handoffsIn: UInt64 = 0
    public var reserved: UInt64 = 0
}

/// One worker's counters of all interfaces, for its nodes to count in.
@frozen
public struct InterfaceCounterSlot: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let counters: UnsafeMutablePointer<InterfaceCounters>

    init(_ counters: UnsafeMutablePointer<InterfaceCounters>) { self.counters = counters }

    /// Counts what came in by an interface that has no device of its own.
    @inlinable @inline(__always)
    public func countReceived(bytes: Int, interface: InterfaceIndex) {
        let counters = counters + (Int(interface) & (InterfaceTable.capacity &- 1))
        counters.pointee.rxPackets &+= 1
        counters.pointee.rxBytes &+= UInt64(truncatingIfNeeded: bytes)
    }

    /// Counts what left by an interface that has no device of its own.
    @inlinable @inline(__always)
    public func countSent(bytes: Int, interface: InterfaceIndex) {
        let counters = counters + (Int(interface) & (InterfaceTable.capacity &- 1))
        counters.pointee.txPackets &+= 1
        counters.pointee.txBytes &+= UInt64(truncatingIfNeeded: bytes)
    }
}
