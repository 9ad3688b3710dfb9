// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops packets whose source address they cannot have by the way that they came.
///
/// Summary: unicast reverse path forwarding: looks up the source as if it were the destination.
/// Expects: an IPv4 header that `ip4-input` has checked.
/// Emits: the packet unchanged, to the next feature. Without an address (0.0.0.0, DHCP) it passes, and BFD's own echo
/// packets do.
/// Drops: `noRoute`, `wrongInterface`, `ownSource`.
/// Config: `interfaces.NAME.reverse-path`
/// Spec: RFC 3704; RFC 8704 section 3.
public struct IP4ReversePath: Node {
    public static let name = "ip4-urpf"

    public typealias Reason = ReversePathReason

    public struct Trace: TraceRecord {
        var source: UInt32 = 0
        var result = Forwarding.noRoute

        public init() {}

        public var description: String { "\(IPv4Address(source)): \(result.word) \(result.index)" }
    }

    private let check: ReversePathCheck

    init(check: ReversePathCheck) { self.check = check }

    /// The header is at hand: `ip4-input` has read it.
    @inline(__always)
    public func prefetch(_ packet: Packet) {
        guard let header = IPv4View(packet.bytes) else { return }
        check.exits.tables[for: packet].ip4.prefetch(header.source.value)
    }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        guard let header = IPv4View(packet.bytes), header.source != .any else { return .nextFeature }
        let tables = check.exits.tables
        let result = tables.ultimateRoute(to: header.source, for: packet)
        trace.source = header.source.value
        trace.result = result
        // Who claims an own address by ARP does not come by here.
        let objection = check.objection(result, packet) {
            header.isForEchoPort
        } isDiscovery: {
            false
        } _: {
            tables.lookUp(header.source, in: $0)
        }
        return objection.map { .drop($0) } ?? .nextFeature
    }
}

extension IPv4View {
    /// Whether the packet is to the port of BFD's echo packets, which come back from the neighbour as they were sent (RFC 5881
    /// section 4).
    var isForEchoPort: Bool {
        `protocol` == .udp && !isFragment && UDPView(payload)?.destinationPort == BFDPort.echo
    }
}
