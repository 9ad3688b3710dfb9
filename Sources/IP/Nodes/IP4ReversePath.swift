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
        check.tables[for: packet].ip4.prefetch(header.source.value)
    }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        guard let header = IPv4View(packet.bytes), header.source != .any else { return .nextFeature }
        var result = check.tables.route(to: header.source, for: packet)
        if result.kindNumber == Forwarding.Kind.table.rawValue {
            result = check.follow(result) { table in
                Forwarding(rawValue: check.tables[table].ip4.lookup(header.source.value))
            }
        }
        trace.source = header.source.value
        trace.result = result
        // Who claims an own address by ARP does not come by here.
        let objection = check.objection(result, packet) {
            header.protocol == .udp && !header.isFragment
                && UDPView(header.payload)?.destinationPort == ReversePathCheck.echoPort
        } isDiscovery: {
            false
        }
        return objection.map { .drop($0) } ?? .nextFeature
    }
}
