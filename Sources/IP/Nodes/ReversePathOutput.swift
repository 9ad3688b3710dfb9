// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Why `ip4-tx-urpf` and `ip6-tx-urpf` drop a packet.
public enum ReversePathOutputReason: UInt16, DropReason {
    case noRoute, sameInterface, ownSource

    public var text: String {
        switch self {
        case .noRoute: "there is no route to the source, by the table of the interface it leaves by"
        case .sameInterface: "the route to the source leads through the interface it leaves by"
        case .ownSource: "the source address is the router's own, and the router did not send it"
        }
    }
}

/// Judges the route to the source of a packet that is about to leave, by the table in which an answer would be looked up.
struct ReversePathOutputCheck: BitwiseCopyable, Sendable {
    let exits: RouteExits
    let modes: ReversePathModes

    /// The table of the interface by which the packet leaves.
    func table(for packet: Packet) -> UInt32 { exits.tables.interfaces[packet.header.txInterface].table }

    /// Whether the packet leaves by the link that it came by.
    func isTurning(_ packet: Packet) -> Bool { packet.header.txInterface == packet.header.rxInterface }

    /// What speaks against a packet from a source with this route, other tables followed; nil when nothing does.
    ///
    /// What leads to the source through this interface only while a next hop is down does not count: until then the packet came
    /// by another.
    /// - Parameter lookUp: Looks the source up in another table.
    func objection(
        _ result: Forwarding, _ packet: Packet, _ lookUp: (_ table: UInt32) -> Forwarding
    ) -> ReversePathOutputReason? {
        let interface = packet.header.txInterface
        switch result.kind {
        case .discard: return .noRoute
        case .local: return .ownSource
        case .rewrite, .glean, .path, .loadBalance, .table:
            guard modes.isStrict(interface) else { return nil }
            return exits.lead(result, through: interface, withBackups: false, lookUp) ? .sameInterface : nil
        }
    }
}

/// Drops packets that must not leave by an interface because of their source address.
///
/// Summary: unicast reverse path forwarding on the way out: looks up the source as if it were the destination.
/// Expects: the complete frame of an IPv4 packet, with its transmit interface.
/// Emits: the frame unchanged, to the next feature. The router's own packets pass, and BFD's echo packets, which go back the
/// way they came. Labelled packets do not come here.
/// Drops: `noRoute`, `sameInterface`, `ownSource`.
/// Config: `interfaces.NAME.reverse-path-output`
/// Spec: RFC 3704; RFC 8704 section 3.
public struct IP4ReversePathOutput: Node {
    public static let name = "ip4-tx-urpf"

    public typealias Reason = ReversePathOutputReason

    public struct Trace: TraceRecord {
        var source: UInt32 = 0
        var result = Forwarding.noRoute

        public init() {}

        public var description: String { "\(IPv4Address(source)): \(result.word) \(result.index)" }
    }

    private let check: ReversePathOutputCheck

    init(check: ReversePathOutputCheck) { self.check = check }

    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<NoNext, Reason> {
        guard !packet.header.flags.contains(.locallyOriginated),
            let header = IPv4View(packet.bytes.dropping(first: EthernetView.length)), header.source != .any,
            !(check.isTurning(packet) && header.isForEchoPort)
        else { return .nextFeature }
        let tables = check.exits.tables
        let result = tables.follow(tables.lookUp(header.source, in: check.table(for: packet)), of: header.source)
        trace.source = header.source.value
        trace.result = result
        let objection = check.objection(result, packet) { tables.lookUp(header.source, in: $0) }
        return objection.map { .drop($0) } ?? .nextFeature
    }
}

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

    public struct Trace: TraceRecord {
        var source = IPv6Address.any
        var result = Forwarding.noRoute

        public init() {}

        public var description: String { "\(source): \(result.word) \(result.index)" }
    }

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
