// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Checks the IPv6 header.
///
/// Summary: what passes is a well-formed IPv6 packet whose length is the header's, with addresses that may appear on a link
/// and lead no further than they may.
/// Expects: the current position at the IPv6 header.
/// Emits: the packet without link padding; with hop-by-hop options to `ip6-hop-by-hop`; from a link-local source to beyond
/// the link to `ip6-icmp-error`.
/// Drops: each failed check by name; malformed packets never cause ICMP.
/// Spec: RFC 8200 section 3; RFC 4291 sections 2.5 to 2.7; RFC 4443 section 3.1 for the scope.
public struct IP6Input: Node {
    public static let name = "ip6-input"

    public enum Next: UInt16, NextNode {
        case lookup, hopByHop, icmpError

        public var node: String {
            switch self {
            case .lookup: "ip6-lookup"
            case .hopByHop: "ip6-hop-by-hop"
            case .icmpError: "ip6-icmp-error"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, badVersion, badLength, badSource, badDestination, linkLocalDestination

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than an IPv6 header"
            case .badVersion: "the version is not 6"
            case .badLength: "the payload length is beyond the frame"
            case .badSource: "the source address must not appear on a link"
            case .badDestination: "the destination address must not appear on a link"
            case .linkLocalDestination: "to a link-local address that is not the router's: not forwarded"
            }
        }
    }

    public struct Trace: TraceRecord {
        var source = IPv6Address.any
        var destination = IPv6Address.any
        var payloadLength: UInt16 = 0
        var hopLimit: UInt8 = 0
        var nextHeader: UInt8 = 0

        public init() {}

        public var description: String {
            "\(source) -> \(destination), next header \(nextHeader), hop limit \(hopLimit), payload \(payloadLength)"
        }
    }

    private let tables: TableReaders
    private let adjacencies: AdjacencyTable

    init(tables: TableReaders, adjacencies: AdjacencyTable) {
        self.tables = tables
        self.adjacencies = adjacencies
    }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let bytes = packet.bytes
        guard let header = IPv6View(bytes) else { return .drop(.truncated) }
        trace.source = header.source
        trace.destination = header.destination
        trace.payloadLength = UInt16(truncatingIfNeeded: header.payloadLength)
        trace.hopLimit = header.hopLimit
        trace.nextHeader = header.nextHeader.rawValue
        guard header.version == 6 else { return .drop(.badVersion) }
        let totalLength = header.totalLength
        guard totalLength <= bytes.count else { return .drop(.badLength) }
        packet.truncate(to: totalLength)
        let isUsual = IP6Input.isUsual(bytes.load(at: 8)) && IP6Input.isUsual(bytes.load(at: 24))
        guard isUsual, header.nextHeader != .hopByHop else { return decideUnusual(packet, header) }
        return .to(.lookup)
    }

    /// Neither in ::/8, where ::, ::1 and embedded IPv4 addresses are, nor in fe00::/7, where link-local and multicast ones
    /// are.
    @inline(__always)
    private static func isUsual(_ firstByte: UInt8) -> Bool { firstByte &- 1 < 0xfd }

    @inline(never)
    private func decideUnusual(_ packet: Packet, _ header: IPv6View) -> Verdict<Next, Reason> {
        let (source, destination) = (header.source, header.destination)
        guard IP6Input.isPossible(source), !source.isMulticast else { return .drop(.badSource) }
        guard IP6Input.isPossible(destination), !destination.isUnspecified else { return .drop(.badDestination) }
        if destination.isMulticast {
            // Scope 0 is reserved, and that of an interface ends there (RFC 4291 section 2.7).
            guard destination.multicastScope > 1 else { return .drop(.badDestination) }
        } else {
            // Who has no address yet speaks to groups alone.
            guard !source.isUnspecified else { return .drop(.badSource) }
            if destination.isLinkLocal || source.isLinkLocal {
                if let verdict = decideScope(packet, source, destination) { return verdict }
            }
        }
        return .to(header.nextHeader == .hopByHop ? .hopByHop : .lookup)
    }

    /// Neither ::1, nor an address of a link with bits where there are none.
    private static func isPossible(_ address: IPv6Address) -> Bool {
        !address.isLoopback && (!address.isOfLink || address.isScopable)
    }

    /// Link-local addresses mean nothing beyond their link (RFC 4291 section 2.5.6); nil when the packet may go on.
    private func decideScope(
        _ packet: Packet, _ source: IPv6Address, _ destination: IPv6Address
    ) -> Verdict<Next, Reason>? {
        let result = tables.route(to: destination, for: packet)
        if destination.isLinkLocal { return result.kind == .local ? nil : .drop(.linkLocalDestination) }
        switch result.kind {
        case .local, .discard: return nil
        case .rewrite, .glean:
            if adjacencies[result.index].txInterface == packet.header.rxInterface { return nil }
        case .path, .loadBalance, .table: break
        }
        packet.requestICMPv6Error(.beyondScope)
        return .to(.icmpError)
    }
}
