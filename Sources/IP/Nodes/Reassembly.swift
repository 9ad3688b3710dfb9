// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Puts datagrams to the router together of their fragments: `ip4-reassembly` and `ip6-reassembly`.
///
/// Summary: copies each fragment's data to its place in a buffer that the datagram has for itself; the whole datagram goes
/// back to local delivery.
///
/// One worker has all fragments of a datagram: which, says a hash of what they have in common. Others hand theirs to it. A
/// device's queues cannot be relied on for that: they may tell the first fragment, which has ports, from the others, and
/// fragments may come by several links.
///
/// A datagram has one buffer however many fragments it comes in, so their number needs no limit. There is a limit to
/// unfinished datagrams, and one for each source; beyond it the oldest goes. What becomes whole at all does so within
/// milliseconds: the oldest is the one with the least hope, and who refused the newest instead would be shut by a few
/// hundred packets for as long as these wait.
/// Expects: a fragment at its IP header, to the router, that `ip4-local` or `ip6-local` has found nothing wrong with.
/// Emits: the whole packet at its IP header, to be judged as any other; to `ip4-icmp-error` or `ip6-icmp-error` first
/// fragments whose others did not come in time, and IPv6 fragments with an impossible length or offset.
/// Drops: fragments, and with them all that has come of their datagram, by name.
/// Config: `reassembly`.
/// Show: `show reassembly`.
/// Spec: RFC 791 section 3.2; RFC 815; RFC 1122 section 3.3.2; RFC 8200 section 4.5; RFC 5722; RFC 3168 section 5.3.
struct Reassembly<Family: FragmentFamily>: ContextualNode {
    static var name: String { Family.reassemblyNode }

    enum Next: UInt16, NextNode {
        case local, icmpError

        var node: String {
            switch self {
            case .local: Family.localNode
            case .icmpError: Family.icmpErrorNode
            }
        }
    }

    typealias Reason = FragmentDrop

    struct Trace: TraceRecord {
        var identification: UInt32 = 0
        var offset: UInt32 = 0
        var count: UInt32 = 0
        var isLast = false
        var worker: UInt16 = 0

        init() {}

        var description: String {
            "id \(identification), bytes \(offset) to \(offset &+ count)\(isLast ? ", the last" : ""), worker \(worker)"
        }
    }

    private let tables: TableReaders
    private let settings: Published<ReassemblySettings>.Reader
    private let counts: PerWorker<ReassemblyCounts>.Slot
    private let seed: UInt64
    private let worker: Int
    private let workerCount: Int
    private let capacityOfSource: Int
    /// Bytes of the longest packet that a buffer holds.
    private let longest: Int
    private var datagrams: ReassemblyTable
    private var isTimerSet = false
    /// Workers that packets of this frame were handed to.
    private var handedOver: UInt64 = 0

    init(
        _ seat: Seat, tables: TableReaders, store: ReassemblyStore, settings: Published<ReassemblySettings>.Reader
    ) {
        self.tables = tables
        self.settings = settings
        counts = store.counts(Family.family, worker: seat.worker)
        seed = store.seed
        worker = seat.worker
        workerCount = seat.workerCount
        capacityOfSource = store.capacityOfSource
        longest = seat.pool.capacity
        datagrams = store.makeTable()
    }

    mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<Next, Reason> {
        switch Family.read(packet, tables) {
        case .wrong(let reason): return .drop(reason)
        case .told: return .to(.icmpError)
        case .fragment(let fragment): return decide(packet, fragment, &trace, context)
        }
    }

    private mutating func decide(
        _ packet: Packet, _ fragment: Fragment, _ trace: inout Trace, _ context: Context
    ) -> Verdict<Next, Reason> {
        let hash = fragment.key.hash(seed)
        let owner = Int(truncatingIfNeeded: ((hash >> 32) &* UInt64(workerCount)) >> 32)
        trace.identification = UInt32(truncatingIfNeeded: fragment.key.identification)
        trace.offset = UInt32(truncatingIfNeeded: fragment.offset)
        trace.count = UInt32(truncatingIfNeeded: fragment.data.count)
        trace.isLast = fragment.isLast
        trace.worker = UInt16(truncatingIfNeeded: owner)
        guard owner == worker else { return handOff(packet, to: owner, context) }
        let tag = UInt32(truncatingIfNeeded: hash) | 1
        let known = datagrams.find(fragment.key, tag)
        if let known, let refusal = datagrams[known].refusal { return .drop(refusal) }
        guard fragment.headerLength &+ fragment.end <= longest else {
            if let known { refuse(known, .datagramTooLong, context) }
            return .drop(.datagramTooLong)
        }
        guard let place = known ?? begin(fragment.key, tag, context) else { return .drop(.noBuffer) }
        return add(fragment, packet, to: place, context)
    }

    private mutating func handOff(_ packet: Packet, to owner: Int, _ context: Context) -> Verdict<Next, Reason> {
        guard context.handOffHere(packet, to: owner) else { return .drop(.queueFull) }
        handedOver |= 1 << UInt64(owner)
        return .kept
    }

    mutating func finish(_ context: Context) {
        context.wake(workers: handedOver)
        handedOver = 0
    }

    // MARK: - Fragments

    private mutating func add(
        _ fragment: Fragment, _ packet: Packet, to place: Int, _ context: Context
    ) -> Verdict<Next, Reason> {
        let held = context.packet(datagrams[place].buffer)
        let data = held.header.data + datagrams[place].headerLength
        let outcome = datagrams.add(
            fragment, to: place, at: data, refusesOverlap: Family.refusesOverlap, overlaps: &counts.value.overlaps)
        switch outcome {
        case .duplicate: return .drop(.duplicate)
        case .overlap:
            refuse(place, .overlap, context)
            return .drop(.overlap)
        case .inconsistentEnd:
            refuse(place, .inconsistentEnd, context)
            return .drop(.inconsistentEnd)
        case .taken, .whole:
            if fragment.offset == 0 || datagrams[place].headerLength == 0 {
                datagrams[place].takeHeaders(of: fragment, packet, into: held)
            }
        }
        counts.value.taken &+= 1
        if outcome == .whole { complete(place, with: packet, context) }
        context.free(packet)
        return .kept
    }

    /// A place and a buffer for a datagram, at the cost of the oldest if need be; nil without a free buffer.
    private mutating func begin(_ key: DatagramKey, _ tag: UInt32, _ context: Context) -> Int? {
        if datagrams.count(from: key.sender) >= capacityOfSource, let oldest = datagrams.oldest(from: key.sender) {
            discard(oldest, .tooManyFromSource, context)
        } else if datagrams.count == datagrams.capacity, let oldest = datagrams.oldest {
            discard(oldest, .tooMany, context)
        }
        guard let held = context.allocate() else { return nil }
        let deadline = context.now &+ settings.value.timeout
        let datagram = HeldDatagram(key: key, deadline: deadline, buffer: context.index(of: held))
        guard let place = datagrams.open(datagram, tag) else {
            context.free(held)
            return nil
        }
        counts.value.begun &+= 1
        counts.value.held &+= 1
        if !isTimerSet { setTimer(deadline, context) }
        return place
    }

    /// - Parameter packet: What came last: its trace goes on with the whole.
    private mutating func complete(_ place: Int, with packet: Packet, _ context: Context) {
        let datagram = datagrams[place]
        let held = context.packet(datagram.buffer)
        Family.complete(
            held, headerLength: datagram.headerLength, dataLength: datagram.end, isCongested: datagram.isCongested)
        held.header.flags.insert(.reassembled)
        if packet.isTraced {
            held.header.flags.insert(.traced)
            held.header.traceHandle = packet.header.traceHandle
        }
        datagrams.close(place)
        counts.value.whole &+= 1
        counts.value.held &-= 1
        context.start(held, on: Next.local)
    }

    // MARK: - Datagrams that never become whole

    /// Drops what has come, and remembers that nothing that comes is used (RFC 5722 section 4: "including those not yet
    /// received").
    private mutating func refuse(_ place: Int, _ reason: FragmentDrop, _ context: Context) {
        context.drop(context.packet(datagrams[place].buffer), reason)
        datagrams[place].refusal = reason
        counts.value.held &-= 1
    }

    private mutating func discard(_ place: Int, _ reason: FragmentDrop, _ context: Context) {
        if datagrams[place].refusal == nil { refuse(place, reason, context) }
        datagrams.close(place)
    }

    /// Time is up for the oldest.
    mutating func wake(_ token: UInt64, _ context: Context) {
        isTimerSet = false
        while let place = datagrams.oldest {
            let deadline = datagrams[place].deadline
            guard deadline <= context.now else { return setTimer(deadline, context) }
            expire(place, context)
        }
    }

    /// Without the first fragment nobody is told (RFC 792; RFC 8200 section 4.5).
    private mutating func expire(_ place: Int, _ context: Context) {
        guard datagrams[place].refusal == nil, datagrams[place].hasFirst else {
            return discard(place, .timedOut, context)
        }
        let held = context.packet(datagrams[place].buffer)
        Family.requestReassemblyTimeExceeded(held)
        datagrams.close(place)
        counts.value.held &-= 1
        context.start(held, on: Next.icmpError)
    }

    /// Without memory for a timer the next datagram tries again.
    private mutating func setTimer(_ deadline: UInt64, _ context: Context) {
        isTimerSet = context.schedule(0, at: deadline) != .none
    }
}

typealias IP4Reassembly = Reassembly<IPv4Nodes>
typealias IP6Reassembly = Reassembly<IPv6Nodes>
