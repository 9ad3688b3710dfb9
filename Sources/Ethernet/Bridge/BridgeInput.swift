// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Learns where a frame's source is and finds out by which port its destination is reached.
///
/// Summary: one line of the forwarding database for each address, all of a frame's lines in flight together. A whole port is
/// sent to at once, without a node between.
/// Expects: frames at their destination address with all their tags, at least an Ethernet header long, received by a member of
/// a bridge domain.
/// Emits: the frame unchanged; for `bridge-output` with the bridge port that it leaves by in `adjacency`, for `bridge-flood`,
/// `bridge-arp` and `bridge-control` with the one that it came by. What bridges keep to themselves is not learned from.
/// Drops: `notMember`, `badSource`, `learnedOnIngressPort`, `splitHorizon`, `portNotForwarding`, `unknownUnicast`, `macLimit`,
/// `movesTooOften`, `tooLong`.
/// Spec: IEEE 802.1Q clauses 8.6, 8.7, 8.8.
struct BridgeInput: Node {
    static let name = "bridge-input"

    enum Next: UInt16, BridgeNext {
        case output, subinterface, bvi, flood, control, arp

        var node: String {
            switch self {
            case .control: BridgeControl.name
            case .arp: BridgeARP.name
            default: exit ?? BridgeFlood.name
            }
        }
    }

    enum Reason: UInt16, DropReason {
        case notMember, badSource, learnedOnIngressPort, splitHorizon, portNotForwarding, unknownUnicast, macLimit
        case movesTooOften, tooLong

        var text: String {
            switch self {
            case .notMember: "the interface has left its bridge domain"
            case .badSource: "the source address is a group's or zero"
            case .learnedOnIngressPort: "the destination is behind the port that the frame came by"
            case .splitHorizon: "both ports are of one split-horizon group"
            case .portNotForwarding: "one of the ports does not forward"
            case .unknownUnicast: "nobody has heard of the destination, and the domain does not flood"
            case .macLimit: "the source is one station more than the port or the domain may have"
            case .movesTooOften: "the source has moved more often than the domain lets stations move"
            case .tooLong: "the frame is longer than the MTU of the port that it would leave by"
            }
        }
    }

    struct Trace: TraceRecord {
        var destination: UInt64 = 0
        var source: UInt64 = 0
        var port: UInt32 = 0
        var domain: UInt16 = 0

        init() {}

        var description: String {
            "\(MACAddress(littleEndian: source)) -> \(MACAddress(littleEndian: destination)), domain \(domain), "
                + "bridge port \(port)"
        }
    }

    private typealias Result = Verdict<Next, Reason>

    /// What the second round needs of the first, and the third of the second.
    struct Lookup: BitwiseCopyable {
        var place = FDBTable.Place(first: 0, second: 0)
        var sourceBucket: UInt32 = 0
        var port: UInt32 = 0
    }

    /// Room for a frame's lookups, and for the places in it of those that go into the third round: each worker's own.
    struct Scratch: BitwiseCopyable {
        var lookups = InlineArray<256, Lookup>(repeating: Lookup())
        var missed = InlineArray<256, UInt16>(repeating: 0)
    }

    private let interfaces: InterfaceTable
    private let table: BridgeTable
    private let fdb: FDBTable
    private let counters: InterfaceCounterSlot
    private let counts: PerWorker<BridgeCounts>.Slot
    private let scratch: PerWorker<Scratch>.Slot
    private let stampShift = FDBStamp.shift

    init(
        _ seat: Seat, _ table: BridgeTable, _ fdb: FDBTable, _ counts: PerWorker<BridgeCounts>,
        _ scratch: PerWorker<Scratch>
    ) {
        precondition(Frame.capacity == 256, "room for the packets of a frame")
        self.scratch = scratch.slot(seat.worker)
        interfaces = seat.interfaces
        counters = seat.interfaceCounters
        self.counts = counts.slot(seat.worker)
        self.table = table
        self.fdb = fdb
    }

    mutating func process(_ frame: Frame, _ context: Context) {
        let scratch = scratch
        withUnsafeMutablePointer(to: &scratch.value.lookups) { lookups in
            withUnsafeMutablePointer(to: &scratch.value.missed) { missed in
                decide(
                    frame, context, UnsafeMutableRawPointer(lookups).assumingMemoryBound(to: Lookup.self),
                    UnsafeMutableRawPointer(missed).assumingMemoryBound(to: UInt16.self))
            }
        }
        if frame.isTraced { trace(frame, context) }
    }

    /// Three rounds: the first buckets of all addresses; learning and what the first buckets say; the second buckets of
    /// destinations that the first do not have.
    @inline(__always)
    private func decide(
        _ frame: Frame, _ context: Context, _ lookups: UnsafeMutablePointer<Lookup>,
        _ missed: UnsafeMutablePointer<UInt16>
    ) {
        let count = frame.count
        let stamp = FDBStamp.at(context.now, shift: stampShift)
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let port = interfaces[packet.header.rxInterface].bridgePort
            let domain = table[port: port].domain
            let place = fdb.place(of: FDBKey(packet.destinationWord, domain: domain))
            let source = fdb.place(of: FDBKey(packet.sourceWord, domain: domain)).first
            fdb.prefetch(place.first)
            fdb.prefetch(source)
            lookups[position] = Lookup(place: place, sourceBucket: source, port: port)
        }
        var missedCount = 0
        for position in 0..<count {
            let packet = context.packet(frame[position])
            let lookup = lookups[position]
            let record = table[port: lookup.port]
            let source = packet.sourceWord
            let destination = packet.destinationWord
            packet.header.adjacency = lookup.port
            if destination & EthernetInput.groupBit != 0, BridgeControlProtocol.isReserved(destination) {
                context.decide(position, record.domain != 0 ? Result.to(.control) : .drop(.notMember))
                continue
            }
            if let reason = admit(record, source, lookup, stamp) {
                context.decide(position, Result.drop(reason))
                continue
            }
            guard destination & EthernetInput.groupBit == 0 else {
                context.decide(position, Result.to(answersARP(record, destination) ? .arp : .flood))
                continue
            }
            let found = fdb.lookUp(FDBKey(destination, domain: record.domain), in: lookup.place.first)
            if found.port != 0 {
                context.decide(position, forward(packet, record, from: lookup.port, to: found.port))
            } else {
                fdb.prefetch(lookup.place.second)
                missed[missedCount] = UInt16(truncatingIfNeeded: position)
                missedCount &+= 1
            }
        }
        for number in 0..<missedCount {
            let position = Int(missed[number])
            let packet = context.packet(frame[position])
            let lookup = lookups[position]
            let record = table[port: lookup.port]
            let key = FDBKey(packet.destinationWord, domain: record.domain)
            let found = fdb.lookUp(key, in: lookup.place.second).port
            context.decide(
                position,
                found != 0
                    ? forward(packet, record, from: lookup.port, to: found) : unknown(packet, record, lookup.port))
        }
    }

    /// Learns the source; why the frame goes no further, if it does not.
    @inline(__always)
    private func admit(
        _ record: BridgePortRecord, _ source: UInt64, _ lookup: Lookup, _ stamp: UInt16
    ) -> Reason? {
        guard record.domain != 0 else { return .notMember }
        guard source & EthernetInput.groupBit == 0, source != 0 else { return .badSource }
        if record.flags.isSuperset(of: .active) {
            let key = FDBKey(source, domain: record.domain)
            let expected = FDBValue(
                port: lookup.port, generation: fdb.tally.generation(of: lookup.port), stamp: stamp)
            if fdb.isKnown(key, expected, in: lookup.sourceBucket) { return nil }
            return learn(key, lookup.port, stamp, record.flags)
        }
        if record.flags.contains(.learning) {
            _ = learn(FDBKey(source, domain: record.domain), lookup.port, stamp, record.flags)
        }
        return record.flags.contains(.forwarding) ? nil : .portNotForwarding
    }

    @inline(__always)
    private func answersARP(_ record: BridgePortRecord, _ destination: UInt64) -> Bool {
        destination == EthernetInput.addressMask && table[domain: record.domain].arp != nil
    }

    @inline(never)
    private func learn(_ key: FDBKey, _ port: UInt32, _ stamp: UInt16, _ flags: BridgePortFlags) -> Reason? {
        switch fdb.learn(key, port: port, stamp: stamp) {
        case .known, .refreshed: return nil
        case .added: counts.value.learned &+= 1
        case .moved: counts.value.moved &+= 1
        case .fixed: counts.value.fixed &+= 1
        case .held:
            counts.value.held &+= 1
            return flags.contains(.dropsMoving) ? .movesTooOften : nil
        case .noRoom: counts.value.noRoom &+= 1
        case .portIsFull:
            counts.value.portFull &+= 1
            return flags.contains(.dropsAtLimit) ? .macLimit : nil
        case .domainIsFull:
            counts.value.domainFull &+= 1
            return flags.contains(.dropsAtLimit) ? .macLimit : nil
        }
        return nil
    }

    @inline(__always)
    private func forward(
        _ packet: Packet, _ from: BridgePortRecord, from source: UInt32, to target: UInt32
    ) -> Result {
        guard target != source else { return .drop(.learnedOnIngressPort) }
        let to = table[port: target]
        guard to.group == 0 || to.group != from.group else { return .drop(.splitHorizon) }
        guard to.flags.contains(.forwarding) else { return .drop(.portNotForwarding) }
        guard UInt32(truncatingIfNeeded: packet.length) <= to.longest else { return .drop(.tooLong) }
        if to.flags.isDisjoint(with: .indirect) {
            packet.header.txInterface = to.transmit
            return .to(.output)
        }
        return .to(table.send(packet, to: target, counters))
    }

    private func unknown(_ packet: Packet, _ from: BridgePortRecord, _ source: UInt32) -> Result {
        switch table[domain: from.domain].unknownUnicast {
        case BridgeDomainRecord.flood: .to(.flood)
        case BridgeDomainRecord.drop: .drop(.unknownUnicast)
        case let port: forward(packet, from, from: source, to: port)
        }
    }

    private func trace(_ frame: Frame, _ context: Context) {
        for position in 0..<frame.count {
            let packet = context.packet(frame[position])
            guard packet.isTraced else { continue }
            var trace = Trace()
            trace.destination = packet.destinationWord
            trace.source = packet.sourceWord
            trace.port = packet.header.adjacency
            trace.domain = table[port: packet.header.adjacency].domain
            context.record(trace, context.verdicts[position], for: packet)
        }
    }
}

// The addresses of a frame at its Ethernet header, which the caller knows it has.
extension Packet {
    @inline(__always) var destinationWord: UInt64 { bytes.load(at: 0, as: UInt64.self) & EthernetInput.addressMask }
    @inline(__always) var sourceWord: UInt64 { bytes.load(at: 4, as: UInt64.self) >> 16 }
}
