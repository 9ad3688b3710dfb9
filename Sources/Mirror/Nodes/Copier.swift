// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import Wire

/// Makes the copies of a frame's packets: what `span-input` and `span-output` share.
///
/// A copy is made while the packet is in the cache; buffers for copies are taken some at a time. A copy is a
/// copy of every byte: the original is rewritten in place a few nodes later, so that sharing its bytes would mean to copy
/// the head anyway, to count references to the rest from all workers, and to have packets of two parts everywhere.
struct Copier {
    private let rules: RuleTable
    private let interfaces: InterfaceTable
    private let subInterfaces: SubInterfaceFinder
    private let seat: CopyCounters.Seat
    private let files: CopyFiles.Seat
    private let lists: CaptureTable
    private let direction: CopyNote.Direction
    /// The longest frame that a buffer holds behind its headroom.
    private let capacity: Int
    /// Of the seat's buffers so many are copies, and behind them so many are there to become some.
    private var copyCount = 0
    private var spareCount = 0

    /// Buffers that are taken together.
    private static let batch = 32

    init(_ seat: Seat, _ tables: MirrorTables, _ direction: CopyNote.Direction) {
        rules = tables.rules
        interfaces = seat.interfaces
        subInterfaces = tables.subInterfaces
        self.seat = tables.counters.seat(seat.worker)
        files = tables.files.seat(seat.worker)
        lists = tables.lists
        capacity = seat.pool.capacity
        self.direction = direction
    }

    /// Copies what is wanted of a frame's packets, which all go on to the next feature.
    /// - Parameter interface: Which of a packet's interfaces is meant.
    @inline(__always)
    mutating func process(_ frame: Frame, _ context: Context, by interface: (Packet) -> InterfaceIndex) {
        for position in 0..<frame.count {
            context.prefetchHeader(frame[position &+ 8])
            context.packet(frame[position &+ 4]).prefetchData()
            let packet = context.packet(frame[position])
            let interface = interface(packet)
            let copies = consider(packet, by: interface, context)
            context.decide(position, Copier.goOn)
            if frame.isTraced, packet.isTraced { Copier.record(packet, interface, copies, context) }
        }
        finish(context)
    }

    private static var goOn: Verdict<CopyNext, CopyLoss> { .nextFeature }

    @inline(never)
    private static func record(_ packet: Packet, _ interface: InterfaceIndex, _ copies: Int, _ context: Context) {
        var trace = CopyTrace()
        trace.interface = interface
        trace.copies = UInt32(truncatingIfNeeded: copies)
        context.record(trace, goOn, for: packet)
    }

    /// Makes the copies of a packet that are wanted. Its current position is its frame's first byte.
    /// - Returns: How many.
    @inline(__always)
    private mutating func consider(_ packet: Packet, by interface: InterfaceIndex, _ context: Context) -> Int {
        // A copy has been seen already; and what is shorter than its own header is no frame.
        guard !packet.header.flags.contains(.mirrored), packet.length >= EthernetView.length else { return 0 }
        var wanted = follow(rules.head(direction, interface).pointee, packet, context)
        let port = rules.taggedPort(of: interface).pointee
        if port != 0 {
            let subInterface = subInterfaces.interface(of: packet.bytes, on: port)
            wanted &+= follow(rules.head(direction, subInterface).pointee, packet, context)
        }
        return wanted
    }

    @inline(__always)
    private mutating func follow(_ first: UInt32, _ packet: Packet, _ context: Context) -> Int {
        var wanted = 0
        var number = first
        while number != 0 {
            let rule = rules.rule(number)
            if wants(rule, packet.bytes, context) {
                wanted &+= 1
                if rule.pointee.options.contains(.toFile) {
                    write(rule, packet.bytes, context)
                } else {
                    copy(rule, packet.bytes, context)
                }
            }
            number = rule.pointee.next
        }
        return wanted
    }

    /// What the source asks for comes first, what stands in the way last: only a copy that was wanted is lost.
    @inline(__always)
    private func wants(_ rule: UnsafePointer<CopyRule>, _ frame: Bytes, _ context: Context) -> Bool {
        guard rule.pointee.trafficClass.contains(frame),
            rule.pointee.list == 0 || lists.captures(rule.pointee.list, frame)
        else {
            return false
        }
        let counts = seat.counts + Int(rule.pointee.slot)
        if rule.pointee.interval > 1 {
            let phase = counts.pointee.phase
            counts.pointee.phase = phase &+ 1 < UInt64(rule.pointee.interval) ? phase &+ 1 : 0
            guard phase == 0 else { return false }
        }
        let destination = interfaces[rule.pointee.destination]
        guard rule.pointee.destination == 0 || destination.flags.contains(.usable) else {
            return lose(rule, .destinationDown, context)
        }
        if rule.pointee.options.contains(.hasRate) {
            guard seat.buckets[Int(rule.pointee.slot)].take(context.now, rule.pointee.rate) else {
                return lose(rule, .rateExceeded, context)
            }
        }
        let length = min(frame.count, Int(rule.pointee.portion))
        guard length <= capacity, rule.pointee.options.contains(.anyLength) || length <= Copier.longest(destination)
        else {
            return lose(rule, .tooLong, context)
        }
        return true
    }

    /// Room for a network-layer packet of the interface's length, and two tags.
    @inline(__always)
    private static func longest(_ interface: InterfaceRecord) -> Int {
        Int(interface.mtu) &+ EthernetView.length &+ 2 &* VLANView.length
    }

    @inline(never)
    private func lose(_ rule: UnsafePointer<CopyRule>, _ loss: CopyLoss, _ context: Context) -> Bool {
        (seat.counts + Int(rule.pointee.slot)).pointee.losses[Int(loss.rawValue)] &+= 1
        context.countDrops(1, loss)
        return false
    }

    private func write(_ rule: UnsafePointer<CopyRule>, _ frame: Bytes, _ context: Context) {
        let length = min(frame.count, Int(rule.pointee.portion))
        let note = CopyNote(
            session: rule.pointee.session, source: rule.pointee.source, direction: direction,
            originalLength: frame.count,
            isTruncated: length < frame.count, clock: context.now)
        guard files.write(frame.prefix(length), note) else {
            _ = lose(rule, .notWritten, context)
            return
        }
        count(rule, length)
    }

    @inline(__always)
    private func count(_ rule: UnsafePointer<CopyRule>, _ length: Int) {
        let counts = seat.counts + Int(rule.pointee.slot)
        counts.pointee.packets &+= 1
        counts.pointee.bytes &+= UInt64(truncatingIfNeeded: length)
    }

    /// Sends the copies that were made.
    @inline(__always)
    private mutating func finish(_ context: Context) {
        if copyCount > 0 { context.start(seat.buffers, count: copyCount, on: CopyNext.output) }
        if spareCount > 0 { context.free(seat.buffers + copyCount, count: spareCount) }
        (copyCount, spareCount) = (0, 0)
    }

    @inline(__always)
    private mutating func copy(_ rule: UnsafePointer<CopyRule>, _ frame: Bytes, _ context: Context) {
        if spareCount == 0 {
            takeSpares(context)
            guard spareCount > 0 else {
                _ = lose(rule, .noBuffer, context)
                return
            }
        }
        let copy = context.packet(seat.buffers[copyCount])
        copyCount &+= 1
        spareCount &-= 1
        let length = min(frame.count, Int(rule.pointee.portion))
        copy.copy(frame, count: length)
        copy.header.flags = .mirrored
        copy.header.rxInterface = 0
        copy.header.txInterface = rule.pointee.destination
        copy.header.adjacency = 0
        copy.copyNote = CopyNote(
            session: rule.pointee.session, source: rule.pointee.source, direction: direction,
            originalLength: frame.count,
            isTruncated: length < frame.count, clock: context.now)
        count(rule, length)
    }

    /// Takes some buffers, if there are any, and begins to fetch what the copies will be written to.
    @inline(never)
    private mutating func takeSpares(_ context: Context) {
        if copyCount &+ Copier.batch > Frame.capacity { finish(context) }
        let spares = seat.buffers + copyCount
        spareCount = context.allocate(Copier.batch, into: spares)
        for position in 0..<spareCount { context.packet(spares[position]).prefetchData() }
    }
}

/// Where copies go.
public enum CopyNext: UInt16, NextNode {
    case output

    public var node: String { InterfaceOutput.name }
}

/// What `show trace` tells of a packet that was looked at.
public struct CopyTrace: TraceRecord {
    var interface: InterfaceIndex = 0
    var copies: UInt32 = 0

    public init() {}

    public var description: String { "interface \(interface), \(copies) \(copies == 1 ? "copy" : "copies")" }
}

/// The tables that mirror nodes work with.
struct MirrorTables: @unchecked Sendable {
    let rules: RuleTable
    let subInterfaces: SubInterfaceFinder
    let counters: CopyCounters
    let files: CopyFiles
    let lists: CaptureTable
}
