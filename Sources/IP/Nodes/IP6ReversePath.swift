// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops packets whose source address they cannot have by the way that they came.
///
/// Summary: unicast reverse path forwarding: looks up the sources of a frame as if they were the destinations.
/// Expects: an IPv6 header that `ip6-input` has checked.
/// Emits: the packet unchanged, to the next feature. Without an address (::, neighbor discovery) it passes, and BFD's own
/// echo packets do.
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
    private let lookup: IPv6FrameLookup

    init(check: ReversePathCheck) {
        self.check = check
        lookup = IPv6FrameLookup(tables: check.tables)
    }

    public mutating func process(_ frame: Frame, _ context: Context) {
        guard frame.count > 0 else { return }
        withUnsafeTemporaryAllocation(of: IPv6Address.self, capacity: Frame.capacity) { sources in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Frame.capacity) { results in
                lookup.lookUp(frame, context, at: 8, sources.baseAddress!, into: results.baseAddress!)
                for position in 0..<frame.count {
                    let packet = context.packet(frame[position])
                    let result = Forwarding(rawValue: results[position])
                    let verdict = judge(result, packet, sources[position])
                    context.decide(position, verdict)
                    if frame.isTraced, packet.isTraced { record(result, packet, verdict, context) }
                }
            }
        }
    }

    @inline(__always)
    private func judge(
        _ first: Forwarding, _ packet: Packet, _ source: IPv6Address
    ) -> Verdict<NoNext, Reason> {
        if source.isUnspecified { return .nextFeature }
        var result = first
        if result.kindNumber == Forwarding.Kind.table.rawValue { result = follow(result, source) }
        let objection = check.objection(result, packet) { IP6ReversePath.isEcho(packet) }
        return objection.map { .drop($0) } ?? .nextFeature
    }

    @inline(never)
    private func follow(_ first: Forwarding, _ source: IPv6Address) -> Forwarding {
        var result = first
        for _ in 0..<Balancer.depth where result.kind == .table { result = lookup.lookUp(source, in: result.index) }
        return result
    }

    @inline(never)
    private static func isEcho(_ packet: Packet) -> Bool {
        guard let header = IPv6View(packet.bytes), header.nextHeader == .udp else { return false }
        return UDPView(header.payload)?.destinationPort == ReversePathCheck.echoPort
    }

    @inline(never)
    private func record(
        _ result: Forwarding, _ packet: Packet, _ verdict: Verdict<NoNext, Reason>, _ context: Context
    ) {
        var trace = Trace()
        trace.source = IPv6Address(packet.bytes, at: 8)
        trace.result = result
        context.record(trace, verdict, for: packet)
    }
}
