// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// The reset with which a TCP segment is answered that belongs to no connection (RFC 9293 section 3.10.7.1), and what both
/// families' nodes say of it.
enum TCPReset {
    static let timeToLive: UInt8 = 64

    /// What speaks against answering a segment, addresses apart; its packet is no fragment.
    /// - Parameter segment: From the source port to the end of the packet.
    static func objection(to segment: TCPView, isChecksumRight: Bool) -> TCPResetReason? {
        guard segment.headerLength >= TCPView.minimumLength, segment.headerLength <= segment.bytes.count else {
            return .badHeader
        }
        guard isChecksumRight else { return .badChecksum }
        return segment.flags.contains(.rst) ? .aboutReset : nil
    }

    /// The header of the answer: acceptable to its receiver in whichever state that is (RFC 9293 section 3.5.2).
    static func answer(to segment: TCPView) -> TCPHeader {
        var answer = TCPHeader(
            sourcePort: segment.destinationPort, destinationPort: segment.sourcePort, flags: .rst, window: 0)
        let flags = segment.flags
        if flags.contains(.ack) {
            answer.sequenceNumber = segment.acknowledgement
        } else {
            answer.flags.insert(.ack)
            // SYN and FIN take a place in the sequence each.
            let length = segment.payload.count + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0)
            answer.acknowledgement = segment.sequenceNumber &+ UInt32(truncatingIfNeeded: length)
        }
        return answer
    }

    /// The class of the answer: that of the segment, without a mark of congestion (RFC 3168 section 6.1.1 knows none on
    /// what is not part of a connection).
    static func trafficClass(of segment: UInt8) -> UInt8 { segment & ~3 }
}

/// Why `ip4-tcp-reset` and `ip6-tcp-reset` answer a segment with silence.
public enum TCPResetReason: UInt16, DropReason {
    case truncated, badHeader, badChecksum, aboutReset, fragment
    case toManyStations, toManyHosts, fromNoHost, ownPacket, rateLimited

    public var text: String {
        switch self {
        case .truncated: "the packet has no whole TCP header"
        case .badHeader: "the TCP header length is below a header's, or beyond the packet"
        case .badChecksum: "the TCP checksum is wrong"
        case .aboutReset: "no reset: about a reset"
        case .fragment: "no reset: about a fragment, whose checksum nobody can tell"
        case .toManyStations: "no reset: came in a link-layer broadcast, multicast or another station's frame"
        case .toManyHosts: "no reset: to a broadcast or multicast address"
        case .fromNoHost: "no reset: the source is not one other host"
        case .ownPacket: "no reset: about the router's own packet"
        case .rateLimited: "no reset: too many in a short time"
        }
    }
}

/// What `ip4-tcp-reset` and `ip6-tcp-reset` say about a segment.
public struct TCPResetTrace: TraceRecord {
    var receiver = IPAddress.v4(.any)
    var ports: (from: UInt16, to: UInt16) = (0, 0)
    var flags: TCPFlags = []

    public init() {}

    public var description: String { "\(flags) from \(receiver) port \(ports.from) to port \(ports.to)" }

    mutating func note(_ segment: TCPView, from source: IPAddress) {
        receiver = source
        ports = (segment.sourcePort, segment.destinationPort)
        flags = segment.flags
    }
}
