// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Judges the options of an IPv4 header, and records the route where a packet asks for it; all others travel on untouched.
///
/// Summary: the slow path for the few packets that have options.
/// Expects: a checked IPv4 header of more than 20 bytes.
/// Emits: the packet, with the address by which the router speaks where the packet goes, or the one that it is for, in its
/// record route option, if there is room and the packet goes anywhere; malformed ones to `ip4-icmp-error` with a pointer at
/// the byte that is wrong. Timestamp options are left as they are.
/// Drops: `truncated`, `sourceRoute`.
/// Spec: RFC 791 section 3.1; RFC 1812 sections 4.2.2.2, 5.2.4.1, 5.3.13; RFC 1122 section 3.2.1.8; RFC 7126 for source routes.
public struct IP4Options: Node {
    public static let name = "ip4-options"

    public enum Next: UInt16, NextNode {
        case lookup, icmpError

        public var node: String {
            switch self {
            case .lookup: "ip4-lookup"
            case .icmpError: "ip4-icmp-error"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, sourceRoute

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its IPv4 header"
            case .sourceRoute: "source routes are not followed"
            }
        }
    }

    public struct Trace: TraceRecord {
        var count: UInt8 = 0
        /// The offset of the wrong byte from the header's start, 0 for none.
        var pointer: UInt8 = 0

        public init() {}

        /// What was put into a record route option, 0.0.0.0 for nothing.
        var recorded: UInt32 = 0

        public var description: String {
            if pointer != 0 { return "malformed option at byte \(pointer)" }
            return recorded == 0 ? "\(count) options" : "\(count) options, recorded \(IPv4Address(recorded))"
        }
    }

    private enum Kind {
        static let end: UInt8 = 0
        static let noOperation: UInt8 = 1
        static let looseSourceRoute: UInt8 = 131
        static let strictSourceRoute: UInt8 = 137
    }

    private let recorder: RouteRecorder

    init(_ recorder: RouteRecorder) { self.recorder = recorder }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv4View(packet.bytes), header.headerLength <= packet.length else {
            return .drop(.truncated)
        }
        let end = header.headerLength
        var offset = IPv4View.minimumLength
        var record: (option: Int, room: RecordRoute.Room)?
        while offset < end {
            let kind = header.bytes.load(at: offset, as: UInt8.self)
            if kind == Kind.end { break }
            trace.count &+= 1
            if kind == Kind.noOperation {
                offset += 1
                continue
            }
            // The length counts itself and the kind, and stays within the header.
            guard offset + 1 < end else { return malformed(packet, at: offset, &trace) }
            let length = Int(header.bytes.load(at: offset + 1, as: UInt8.self))
            guard length >= 2, offset + length <= end else { return malformed(packet, at: offset + 1, &trace) }
            if kind == Kind.looseSourceRoute || kind == Kind.strictSourceRoute { return .drop(.sourceRoute) }
            if kind == RecordRoute.kind {
                // Once in a packet at most (RFC 791).
                guard record == nil else { return malformed(packet, at: offset, &trace) }
                let room = RecordRoute.room(in: header.bytes.dropping(first: offset).prefix(length))
                if case .malformed(let place) = room { return malformed(packet, at: offset + place, &trace) }
                record = (offset, room)
            }
            offset += length
        }
        if case (let option, .at(let place))? = record { self.record(packet, header, option, place, &trace) }
        return .to(.lookup)
    }

    /// What expires here, or goes nowhere, is told about as it came.
    private func record(_ packet: Packet, _ header: IPv4View, _ option: Int, _ place: Int, _ trace: inout Trace) {
        guard let address = recorder.address(for: packet, header),
            header.timeToLive > 1 || address == header.destination
        else { return }
        trace.recorded = address.value
        header.bytes.storeNetwork(address.value, at: option + place)
        let pointer = header.bytes.load(at: option + 2, as: UInt8.self)
        header.bytes.store(pointer &+ 4, at: option + 2)
        header.computeChecksum()
    }

    private func malformed(_ packet: Packet, at offset: Int, _ trace: inout Trace) -> Verdict<Next, Reason> {
        trace.pointer = UInt8(truncatingIfNeeded: offset)
        packet.requestICMPError(.parameterProblem, parameter: UInt16(truncatingIfNeeded: offset))
        return .to(.icmpError)
    }
}
