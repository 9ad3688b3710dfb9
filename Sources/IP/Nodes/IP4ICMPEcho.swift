// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers echo requests to the router, in place.
///
/// Summary: swaps the addresses and turns request into reply; both checksums follow incrementally.
/// Expects: an ICMP packet to one of the router's addresses, whole, at its IPv4 header.
/// Emits: the reply, as the router's own packet; of the request's options with the route alone that it has recorded, where
/// `ip4-options` has put the router's address.
/// Drops: `truncated`, `badChecksum`, `broadcast`, `notHandled`.
/// Spec: RFC 792; RFC 1122 section 3.2.2.6; RFC 1812 section 4.3.3.6.
public struct IP4ICMPEcho: Node {
    public static let name = "ip4-icmp-echo"

    public enum Next: UInt16, NextNode {
        case lookup

        public var node: String { "ip4-lookup" }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, badChecksum, broadcast, notHandled

        public var text: String {
            switch self {
            case .truncated: "the ICMP message is shorter than its header"
            case .badChecksum: "the ICMP checksum is wrong"
            case .broadcast: "ICMP to a broadcast address is not answered"
            case .notHandled: "an ICMP message that nobody here has use for"
            }
        }
    }

    public struct Trace: TraceRecord {
        var source: UInt32 = 0
        var identifier: UInt16 = 0
        var sequence: UInt16 = 0
        var type: UInt8 = 0

        public init() {}

        public var description: String {
            "\(ICMPv4Type(rawValue: type)) from \(IPv4Address(source)), id \(identifier), sequence \(sequence)"
        }
    }

    static let timeToLive: UInt8 = 64

    public init() {}

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv4View(packet.bytes), let message = ICMPv4View(header.payload) else {
            return .drop(.truncated)
        }
        trace.source = header.source.value
        trace.type = message.type.rawValue
        trace.identifier = message.identifier
        trace.sequence = message.sequence
        guard message.isChecksumRight else { return .drop(.badChecksum) }
        guard message.type == .echoRequest, message.code == 0 else { return .drop(.notHandled) }
        let isBroadcast = header.destination == .broadcast || packet.header.flags.contains(.notToThisStation)
        guard !isBroadcast else { return .drop(.broadcast) }
        message.turnIntoEchoReply()
        if header.hasOptions {
            IP4ICMPEcho.rebuild(packet, header)
        } else {
            IP4ICMPEcho.turnAround(header)
        }
        packet.header.flags.insert(.locallyOriginated)
        return .to(.lookup)
    }

    /// The header's sum does not mind the order of the addresses; only the TTL's word changes.
    private static func turnAround(_ header: IPv4View) {
        let source = header.bytes.load(at: 12, as: UInt32.self)
        header.bytes.store(header.bytes.load(at: 16, as: UInt32.self), at: 12)
        header.bytes.store(source, at: 16)
        let old: UInt16 = header.bytes.network(at: 8)
        let new = UInt16(timeToLive) << 8 | old & 0xff
        header.bytes.storeNetwork(new, at: 8)
        header.checksum = InternetChecksum.update(header.checksum, word: old, to: new)
    }

    /// A header without the request's options, which were about the way here, but with the recorded route, which goes on to
    /// be that of the round trip.
    private static func rebuild(_ packet: Packet, _ old: IPv4View) {
        var header = IPv4Header(old)
        header.source = old.destination
        header.destination = old.source
        header.timeToLive = timeToLive
        let route = RecordRoute.find(in: old)
        // Filled up with ends of the list to words.
        let length = IPv4View.minimumLength + ((route?.count ?? 0) + 3) & ~3
        let start = old.bytes.start + (old.headerLength - length)
        if let route {
            (start + IPv4View.minimumLength).copyMemory(from: route.start, byteCount: route.count)
            let fill = length - IPv4View.minimumLength - route.count
            (start + length - fill).initializeMemory(as: UInt8.self, repeating: 0, count: fill)
        }
        packet.advance(old.headerLength - length)
        header.totalLength = UInt16(truncatingIfNeeded: packet.length)
        header.emit(into: packet.bytes)
        packet.bytes.store(0x40 | UInt8(truncatingIfNeeded: length / 4), at: 0)
        IPv4View(packet.bytes)?.computeChecksum()
    }
}
