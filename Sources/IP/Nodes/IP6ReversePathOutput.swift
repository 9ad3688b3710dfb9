// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Drops packets that must not leave by an interface because of their source address.
///
/// Summary: unicast reverse path forwarding on the way out: looks up the source as if it were the destination.
/// Expects: the complete frame of an IPv6 packet, with its transmit interface.
/// Emits: the frame unchanged, to the next feature. The router's own packets pass, and BFD's echo packets, which go back the
/// way they came. Labelled packets do not come here.
/// Drops: `noRoute`, `sameInterface`, `ownSource`.
/// Config: `interfaces.NAME.reverse-path-output`
/// Spec: RFC 3704; RFC 8704 section 3.
public struct IP6ReversePathOutput: Node {
    public static let name = "ip6-tx-urpf"

    public typealias Reason = ReversePathOutputReason
    public typealias Trace = IP6ReversePath.Trace

    private let check: ReversePathOutputCheck

    init(check: ReversePathOutputCheck) { self.check = check }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        guard !packet.header.flags.contains(.locallyOriginated),
            let header = IPv6View(packet.bytes.dropping(first: EthernetView.length)), !header.source.isUnspecified,
            !(check.isTurning(packet) && header.isForEchoPort)
        else { return .nextFeature }
        let tables = check.exits.tables
        let source = header.source.asLookedUp(from: packet.header.txInterface)
        let result = tables.follow(tables.lookUp(source, in: check.table(for: packet)), of: source)
        trace.source = header.source
        trace.result = result
        let objection = check.objection(result, packet) { tables.lookUp(source, in: $0) }
        return objection.map { .drop($0) } ?? .nextFeature
    }
}
