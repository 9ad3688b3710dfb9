// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph
import IP
import Wire

/// Puts mirrored frames into ERSPAN, and has them routed to the analyser.
///
/// Summary: in front of the frame an ERSPAN header of type II or III (of type I none), GRE's and the outer IP header. Frames
/// that are too long for the path are cut and say so. Packets of types II and III are numbered by one worker, so that they
/// leave in the order of their numbers.
/// Expects: complete frames whose transmit interface is an `erspan` interface; with `BufferFlags.mirrored`, their note.
/// Emits: the outer packet, as the router's own, to be looked up in the table of the underlay. It is not mirrored again.
/// Drops: `truncated`, `noHeadroom`, `queueFull`, `notERSPAN`.
/// Spec: draft-foschiano-erspan-03; RFC 2784; RFC 2890; RFC 7676.
public struct ERSPANOutput: Node {
    public static let name = "erspan-output"

    public enum Next: UInt16, NextNode {
        case ip4, ip6

        public var node: String {
            switch self {
            case .ip4: IP4Lookup.name
            case .ip6: IP6Lookup.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, noHeadroom, queueFull, notERSPAN

        public var text: String {
            switch self {
            case .truncated: "the frame is shorter than an Ethernet header"
            case .noHeadroom: "no room for the headers in front of the frame"
            case .queueFull: "the worker that numbers the session's packets is too slow for them"
            case .notERSPAN: "the output interface is no ERSPAN session"
            }
        }
    }

    public struct Trace: TraceRecord {
        var sequence: UInt32 = 0
        var longest: UInt32 = 0
        var session: UInt16 = 0
        var version: UInt8 = 0
        var isTruncated = false

        public init() {}

        public var description: String {
            let type =
                version == 1
                ? "type I" : "type \(version == 2 ? "II" : "III"), session \(session), sequence \(sequence)"
            return type + (isTruncated ? ", cut to \(longest) bytes" : "")
        }
    }

    /// Room that is left in front of the outer header for what the underlay adds.
    private static var spareHeadroom: Int { 64 }
    /// The longest frame without tags that Ethernet has, and the shortest; without frame check sequence.
    private static var longestFrame: Int { 1514 }

    private let tunnels: TunnelTable<ERSPANRecord>
    private let headroom: Headroom
    private let worker: UInt32

    init(_ seat: Seat, tunnels: TunnelTable<ERSPANRecord>) {
        self.tunnels = tunnels
        headroom = Headroom(seat.pool)
        worker = UInt32(seat.worker)
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        var handedOver: UInt64 = 0
        let clock = WallClock(nanoseconds: ERSPANOutput.wallNanoseconds, at: Clock.now)
        for position in 0..<frame.count {
            context.prefetchHeader(frame.indices[position &+ 8])
            let packet = context.packet(frame[position])
            let number = tunnels.number(of: packet.header.txInterface)
            if tunnels[number].version != .typeI, tunnels[number].owner != worker, number != 0 {
                let owner = Int(tunnels[number].owner)
                let isGone = context.handOffHere(packet, to: owner)
                if isGone { handedOver |= 1 << UInt64(truncatingIfNeeded: owner) }
                context.decide(position, isGone ? Verdict<Next, Reason>.kept : .drop(.queueFull))
                continue
            }
            var trace = Trace()
            let verdict = encapsulate(packet, number, clock, context.now, &trace)
            context.decide(position, verdict)
            if frame.isTraced, packet.isTraced { context.record(trace, verdict, for: packet) }
        }
        context.wake(workers: handedOver)
    }

    /// CLOCK_REALTIME, which the kernel's page in every process answers without a call.
    private static var wallNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    @inline(__always)
    private mutating func encapsulate(
        _ packet: Packet, _ number: UInt32, _ clock: WallClock, _ now: UInt64, _ trace: inout Trace
    ) -> Verdict<Next, Reason> {
        guard number != 0 else { return .drop(.notERSPAN) }
        guard packet.length >= EthernetView.length else { return .drop(.truncated) }
        let tunnel = tunnels[number]
        let overhead = Int(tunnel.overhead)
        guard headroom.count(packet) >= overhead &+ ERSPANOutput.spareHeadroom else { return .drop(.noHeadroom) }
        var note = CopyNote(
            session: 0, source: packet.header.rxInterface, direction: .tx, originalLength: packet.length,
            isTruncated: false, clock: now)
        if packet.header.flags.contains(.mirrored) { note = packet.copyNote }
        var header = ERSPANHeader(session: tunnel.session)
        let tag = takeTag(of: packet.bytes, into: &header)
        let isTooLong = packet.length > Int(tunnel.longest)
        if isTooLong { packet.truncate(to: Int(tunnel.longest)) }
        header.isTruncated = isTooLong || note.isTruncated
        let outer = packet.rewind(overhead)
        let gre = outer.dropping(first: tunnel.outer.length)
        trace.version = tunnel.version.rawValue
        trace.session = tunnel.session
        trace.longest = tunnel.longest
        trace.isTruncated = isTooLong
        switch tunnel.version {
        case .typeI: GREHeader(.erspan2).emit(into: gre)
        case .typeII:
            let sequence = tunnels.nextSequence(number)
            trace.sequence = sequence
            GREHeader(.erspan2, sequence: sequence).emit(into: gre)
            let isOut: UInt32 = note.direction == .tx ? 1 : 0
            let index = tunnel.options.contains(.hasIndex) ? tunnel.index : note.source &<< 1 | isOut
            header.emitII(tag ? .tagKept : .untagged, index: index, into: gre.dropping(first: 8))
        case .typeIII:
            let sequence = tunnels.nextSequence(number)
            trace.sequence = sequence
            GREHeader(.erspan3, sequence: sequence).emit(into: gre)
            emitIII(header, tunnel, note, clock, hasTag: tag, into: gre.dropping(first: 8))
        }
        let values = OuterHeader.Values(
            timeToLive: tunnel.timeToLive, trafficClass: tunnel.trafficClass, flow: tunnel.flow)
        tunnel.outer.write(values, into: outer)
        packet.becomeTunnelPacket(in: tunnel.table, flow: tunnel.flow)
        return .to(tunnel.outer.family == .ipv4 ? .ip4 : .ip6)
    }

    /// Notes the outermost tag, which stays in the frame; false when there is none.
    @inline(__always)
    private func takeTag(of frame: Bytes, into header: inout ERSPANHeader) -> Bool {
        let type = EtherType(rawValue: frame.network(at: 12))
        guard type.isVLANTag, frame.count >= 16 else { return false }
        let tag: UInt16 = frame.network(at: 14)
        header.vlan = tag & 0xFFF
        header.priority = UInt8(truncatingIfNeeded: tag &>> 13)
        return true
    }

    @inline(__always)
    private func emitIII(
        _ header: ERSPANHeader, _ tunnel: ERSPANRecord, _ note: CopyNote, _ clock: WallClock, hasTag: Bool,
        into bytes: Bytes
    ) {
        let longest = ERSPANOutput.longestFrame &+ (hasTag ? VLANView.length : 0)
        let length = note.originalLength
        let quality: ERSPAN.Quality =
            length < EthernetView.minimumFrameLength ? .short : length > longest ? .oversized : .good
        let time = clock.nanoseconds(at: note.clock)
        let isFine = tunnel.options.contains(.nanoseconds)
        let seconds = time / 1_000_000_000
        let stamp = isFine ? time &- seconds &* 1_000_000_000 : time / 100_000
        header.emitIII(
            quality, timestamp: UInt32(truncatingIfNeeded: stamp), hardware: tunnel.hardware,
            isEgress: note.direction == .tx, granularity: isFine ? .ieee1588 : .microseconds100, hasSubHeader: isFine,
            into: bytes)
        guard isFine else { return }
        ERSPANHeader.emitPlatform5(
            switch: UInt16(tunnel.hardware), port: UInt16(truncatingIfNeeded: note.source),
            seconds: UInt32(truncatingIfNeeded: seconds), into: bytes.dropping(first: ERSPAN.lengthIII))
    }
}
