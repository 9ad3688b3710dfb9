// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops packets whose source address they cannot have by the way that they came.
///
/// Summary: unicast reverse path forwarding: looks up the sources of a frame as if they were the destinations.
/// Expects: an IPv6 header that `ip6-input` has checked.
/// Emits: the packet unchanged, to the next feature. Without an address (::, neighbor discovery) it passes, and BFD's own
/// echo packets do, and so does neighbor discovery from an own address, which tells of a duplicate.
/// Drops: `noRoute`, `wrongInterface`, `ownSource`.
/// Config: `interfaces.NAME.reverse-path`
/// Spec: RFC 3704; RFC 8704 section 3.
public struct IP6ReversePath: Node {
    public static let name = "ip6-urpf"

    public typealias Reason = ReversePathReason

    public struct Trace: TraceRecord {
        var source = IPv6Address.any
        var result = Forwarding.noRoute

        public init() {}

        public var description: String { "\(source): \(result.word) \(result.index)" }
    }

    private let check: ReversePathCheck
    private var lookup: IPv6FrameLookup

    init(check: ReversePathCheck) {
        self.check = check
        lookup = IPv6FrameLookup(tables: check.exits.tables)
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        let check = check
        lookup.lookUp(frame, context, at: 8) { sources, results in
            for position in 0..<frame.count {
                let packet = context.packet(frame[position])
                let result = Forwarding(rawValue: results[position])
                let verdict = IP6ReversePath.judge(result, packet, sources[position], check)
                context.decide(position, verdict)
                if frame.isTraced, packet.isTraced { IP6ReversePath.record(result, packet, verdict, context) }
            }
        }
    }

    @inline(__always)
    private static func judge(
        _ first: Forwarding, _ packet: Packet, _ source: IPv6Address, _ check: ReversePathCheck
    ) -> Verdict<NoNext, Reason> {
        if source.isUnspecified { return .nextFeature }
        let tables = check.exits.tables
        let objection = check.objection(tables.follow(first, of: source), packet) {
            IPv6View(packet.bytes)?.isForEchoPort ?? false
        } isDiscovery: {
            IP6ReversePath.isDiscovery(packet)
        } _: {
            tables.lookUp(source, in: $0)
        }
        return objection.map { .drop($0) } ?? .nextFeature
    }

    /// Neighbor discovery from a neighbour. Who claims an address of the router's own must be heard (RFC 4862 section 5.4).
    @inline(never)
    private static func isDiscovery(_ packet: Packet) -> Bool {
        guard let header = IPv6View(packet.bytes) else { return false }
        return header.hopLimit == 255 && header.isNeighborDiscovery
    }

    @inline(never)
    private static func record(
        _ result: Forwarding, _ packet: Packet, _ verdict: Verdict<NoNext, Reason>, _ context: Context
    ) {
        var trace = Trace()
        trace.source = IPv6Address(packet.bytes, at: 8)
        trace.result = result
        context.record(trace, verdict, for: packet)
    }
}

extension IPv6View {
    /// Whether the packet is to the port of BFD's echo packets, which come back from the neighbour as they were sent (RFC 5881
    /// section 4).
    @inline(never)
    var isForEchoPort: Bool { nextHeader == .udp && UDPView(payload)?.destinationPort == BFDPort.echo }
}
