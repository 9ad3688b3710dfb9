// SPDX-License-Identifier: Apache-2.0
import Ethernet
import Graph
import Wire

/// Makes the copies of a frame's packets: what `span-input` and `span-output` share.
///
/// All packets of the frame are looked at first; then buffers are taken for all copies together, and filled. A copy is a
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
    private var jobCount = 0

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

    /// Notes which copies of a packet are wanted. Its current position is its frame's first byte.
    /// - Returns: How many.
    @inline(__always)
    mutating func consider(_ packet: Packet, by interface: InterfaceIndex, _ context: Context) -> Int {
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
                    if jobCount == Frame.capacity { finish(context) }
                    seat.jobs[jobCount] = CopyJob(buffer: context.index(of: packet), rule: number)
                    jobCount &+= 1
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

    /// Makes the copies that were noted, and sends them.
    @inline(__always)
    mutating func finish(_ context: Context) {
        guard jobCount > 0 else { return }
        let taken = context.allocate(jobCount, into: seat.buffers)
        for position in 0..<taken {
            context.packet(seat.buffers[min(position &+ 4, taken &- 1)]).prefetchData()
            copy(seat.jobs[position], seat.buffers[position], context)
        }
        context.start(seat.buffers, count: taken, on: CopyNext.output)
        for position in taken..<jobCount { _ = lose(rules.rule(seat.jobs[position].rule), .noBuffer, context) }
        jobCount = 0
    }

    @inline(__always)
    private func copy(_ job: CopyJob, _ buffer: BufferIndex, _ context: Context) {
        let rule = rules.rule(job.rule)
        let frame = context.packet(job.buffer).bytes
        let length = min(frame.count, Int(rule.pointee.portion))
        let copy = context.packet(buffer)
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
