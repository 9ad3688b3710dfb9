// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Checks the IPv4 header, in the order of RFC 1812.
///
/// Summary: what passes is a well-formed IPv4 packet whose length is the header's, with addresses that may appear on a link.
/// Expects: the current position at the IPv4 header.
/// Emits: the packet without link padding.
/// Drops: each failed check by name; malformed packets never cause ICMP.
/// Spec: RFC 1812 sections 5.2.2, 5.3.7, 4.2.2; RFC 791.
public struct IP4Input: Node {
    public static let name = "ip4-input"

    public enum Next: UInt16, NextNode {
        case lookup, options, local

        public var node: String {
            switch self {
            case .lookup: "ip4-lookup"
            case .options: "ip4-options"
            case .local: "ip4-local"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, badVersion, badHeaderLength, badChecksum, badLength, badSource, badDestination, multicast

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IPv4 header"
            case .badVersion: "the version is not 4"
            case .badHeaderLength: "the header length is below 20 bytes or beyond the packet"
            case .badChecksum: "the header checksum is wrong"
            case .badLength: "the total length is below the header's, or beyond the frame"
            case .badSource: "the source address must not appear on a link"
            case .badDestination: "the destination address must not appear on a link"
            case .multicast: "multicast beyond the link is not routed"
            }
        }
    }

    public struct Trace: TraceRecord {
        var source: UInt32 = 0
        var destination: UInt32 = 0
        var totalLength: UInt16 = 0
        var timeToLive: UInt8 = 0
        var `protocol`: UInt8 = 0

        public init() {}

        public var description: String {
            "\(IPv4Address(source)) -> \(IPv4Address(destination)), protocol \(`protocol`), ttl \(timeToLive), length \(totalLength)"
        }
    }

    public init() {}

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let bytes = packet.bytes
        guard let header = IPv4View(bytes) else { return .drop(.truncated) }
        let source = header.source.value
        let destination = header.destination.value
        trace.source = source
        trace.destination = destination
        trace.totalLength = UInt16(truncatingIfNeeded: header.totalLength)
        trace.timeToLive = header.timeToLive
        trace.protocol = header.protocol.rawValue
        guard header.versionAndHeaderLength == 0x45 else { return decideUnusual(packet, header) }
        guard header.isChecksumWithoutOptionsRight else { return .drop(.badChecksum) }
        let totalLength = header.totalLength
        guard totalLength >= IPv4View.minimumLength, totalLength <= bytes.count else { return .drop(.badLength) }
        packet.truncate(to: totalLength)
        guard IP4Input.isUsual(source), IP4Input.isUsual(destination) else {
            return decideAddresses(source, destination, otherwise: .lookup)
        }
        return .to(.lookup)
    }

    /// Neither in 0/8 nor in 127/8, and below 224.0.0.0.
    @inline(__always)
    private static func isUsual(_ address: UInt32) -> Bool {
        let network = address >> 24
        return network &- 1 < 223 && network != 127
    }

    /// A header with options, or no IPv4 header at all.
    @inline(never)
    private func decideUnusual(_ packet: Packet, _ header: IPv4View) -> Verdict<Next, Reason> {
        guard header.version == 4 else { return .drop(.badVersion) }
        guard header.headerLength >= IPv4View.minimumLength, header.headerLength <= packet.length else {
            return .drop(.badHeaderLength)
        }
        guard header.isChecksumRight else { return .drop(.badChecksum) }
        guard header.totalLength >= header.headerLength, header.totalLength <= packet.length else {
            return .drop(.badLength)
        }
        packet.truncate(to: header.totalLength)
        return decideAddresses(header.source.value, header.destination.value, otherwise: .options)
    }

    /// RFC 1812 section 5.3.7: addresses that must not be forwarded.
    @inline(never)
    private func decideAddresses(_ source: UInt32, _ destination: UInt32, otherwise next: Next) -> Verdict<Next, Reason>
    {
        // 0.0.0.0 asks for an address (DHCP): it may speak to the router, by broadcast.
        let asksForAddress = source == 0 && destination == .max
        guard asksForAddress || source >> 24 != 0, source >> 24 != 127, source >> 28 < 0xe else {
            return .drop(.badSource)
        }
        if destination == .max { return .to(.local) }
        if destination >> 28 == 0xe {
            // 224.0.0.0/24 are groups of the link, routers' among them (RFC 5771 section 4).
            return destination >> 8 == 0xe0_0000 ? .to(next) : .drop(.multicast)
        }
        guard destination >> 24 != 0, destination >> 24 != 127, destination >> 28 != 0xf else {
            return .drop(.badDestination)
        }
        return .to(next)
    }
}
