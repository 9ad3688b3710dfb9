// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Answers ICMPv6 echo requests to the router, in place.
///
/// Summary: swaps the addresses and turns request into reply; the checksum follows. To a group the answer comes from the
/// interface's own address.
/// Expects: an ICMPv6 packet to one of the router's addresses or groups, whole, at its IPv6 header.
/// Emits: the reply, without extension headers, as the router's own packet.
/// Drops: `truncated`, `badChecksum`, `fromNoHost`, `noAddress`, `notHandled`.
/// Spec: RFC 4443 sections 4.1, 4.2, 2.2.
public struct IP6ICMPEcho: Node {
    public static let name = "ip6-icmp-echo"

    public enum Next: UInt16, NextNode {
        case lookup

        public var node: String { "ip6-lookup" }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, badChecksum, fromNoHost, noAddress, notHandled

        public var text: String {
            switch self {
            case .truncated: "the ICMPv6 message is shorter than its header"
            case .badChecksum: "the ICMPv6 checksum is wrong"
            case .fromNoHost: "an echo request from no address"
            case .noAddress: "the interface it came by has no address to answer from"
            case .notHandled: "an ICMPv6 message that nobody here has use for"
            }
        }
    }

    public struct Trace: TraceRecord {
        var source = IPv6Address.any
        var identifier: UInt16 = 0
        var sequence: UInt16 = 0
        var type: UInt8 = 0

        public init() {}

        public var description: String {
            "\(ICMPv6Type(rawValue: type)) from \(source), id \(identifier), sequence \(sequence)"
        }
    }

    static let hopLimit: UInt8 = 64

    private let sources: IPv6SourceChoice

    init(sources: IPv6SourceChoice) { self.sources = sources }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        guard let header = IPv6View(packet.bytes) else { return .drop(.truncated) }
        let upper = header.upperLayer
        guard upper.protocol == .icmp6, let message = ICMPv6View(upper.payload) else { return .drop(.truncated) }
        trace.source = header.source
        trace.type = message.type.rawValue
        trace.identifier = message.identifier
        trace.sequence = message.sequence
        guard message.isChecksumRight(source: header.source, destination: header.destination) else {
            return .drop(.badChecksum)
        }
        guard message.type == .echoRequest, message.code == 0 else { return .drop(.notHandled) }
        guard !header.source.isUnspecified else { return .drop(.fromNoHost) }
        let source = sources.source(for: packet, header)
        guard !source.isUnspecified else { return .drop(.noAddress) }
        message.turnIntoEchoReply()
        if source != header.destination { message.computeChecksum(source: source, destination: header.source) }
        let reply = IPv6Header(
            source: source, destination: header.source, nextHeader: .icmp6, payloadLength: message.bytes.count,
            hopLimit: IP6ICMPEcho.hopLimit, trafficClass: header.trafficClass, flowLabel: header.flowLabel)
        // Extension headers were about the way here.
        packet.advance(upper.offset - IPv6View.length)
        reply.emit(into: packet.bytes)
        packet.header.flags.insert(.locallyOriginated)
        return .to(.lookup)
    }
}
