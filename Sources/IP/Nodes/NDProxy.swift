// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes neighbor solicitations for other stations' addresses out of the traffic of an interface with proxy neighbor
/// discovery, for the control side, which answers for those that are reached through the router.
///
/// Summary: looks at the packets to all groups, whether or not the router is a member, and at those to other hosts: who asks
/// whether a proxied neighbour is still there addresses it, by the router's hardware address.
/// Expects: an IPv6 header that `ip6-input` has checked.
/// Emits: all other packets unchanged, to the next feature; what is malformed is judged where it is delivered.
/// Drops: `throttled`, `queueFull`.
/// Config: `interfaces.NAME.proxy-nd`
/// Spec: RFC 4861 section 7.2.8.
public struct NDProxy: ContextualNode {
    public static let name = "ip6-nd-proxy"

    public enum Reason: UInt16, DropReason {
        case throttled, queueFull

        public var text: String {
            switch self {
            case .throttled: "too many solicitations for others in a short time"
            case .queueFull: "the control side is too slow for the packets to it"
            }
        }
    }

    public struct Trace: TraceRecord {
        var source = IPv6Address.any
        var target = IPv6Address.any

        public init() {}

        public var description: String {
            target.isUnspecified ? "not for others" : "who has \(target)? tell \(source)"
        }
    }

    private static let rate = TokenRate(perSecond: 1000, burst: 256)

    private let tables: TableReaders
    private let neighbors: ProcessIndex
    private var bucket = TokenBucket()

    init(tables: TableReaders, neighbors: ProcessIndex) {
        self.tables = tables
        self.neighbors = neighbors
    }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace, _ context: Context) -> Verdict<NoNext, Reason> {
        guard let header = IPv6View(packet.bytes), header.nextHeader == .icmp6, header.hopLimit == 255,
            let target = target(packet, header)
        else { return .nextFeature }
        trace.source = header.source
        trace.target = target
        guard bucket.take(context.now, NDProxy.rate) else { return .drop(.throttled) }
        let note = NeighborMessage(.proxyDiscovery, about: packet)
        guard context.punt(packet, to: neighbors, note: note.rawValue) else { return .drop(.queueFull) }
        context.free(packet)
        return .kept
    }

    /// Whom a solicitation asks for, if that is another host of whatever link. Who asks from no address wants to take it
    /// (RFC 4862 section 5.4): the router speaks for others only to those who want to reach them.
    private func target(_ packet: Packet, _ header: IPv6View) -> IPv6Address? {
        let isForStation = header.destination.isMulticast || !packet.header.flags.contains(.notToThisStation)
        guard isForStation, !header.source.isUnspecified,
            let message = try? NDView(validating: header.upperLayer, of: header), message.type == .neighborSolicitation,
            !message.target.isOfLink
        else { return nil }
        let result = tables.route(to: message.target, for: packet)
        return result.kind == .local || result == .tentative ? nil : message.target
    }
}
