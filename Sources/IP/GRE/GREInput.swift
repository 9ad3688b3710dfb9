// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Takes packets out of GRE tunnels.
///
/// Summary: checks the GRE header, finds the tunnel by the outer addresses, the table and the key, and goes on with the inner
/// packet as one that came in by the tunnel's interface. Protocols that other features have claimed are theirs.
/// Expects: a whole IPv4 or IPv6 packet to the router at its IP header, the protocol GRE.
/// Emits: the inner packet; what is claimed at its outer header still.
/// Drops: each failed check by name.
/// Spec: RFC 2784 section 2.3; RFC 2890 section 2; RFC 7676; RFC 6040 section 4.2 and RFC 9601 for ECN.
public struct GREInput: Node {
    public static let name = "gre-input"

    public enum Next: UInt16, NextNode {
        case ip4, ip6, mpls

        public var node: String {
            switch self {
            case .ip4: IP4Input.name
            case .ip6: IP6Input.name
            case .mpls: MPLSLookup.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, badVersion, unknownFields, badChecksum, unknownTunnel, keyMismatch, interfaceDown
        case checksumMissing, sequenceMissing, lateSequence, protocolUnknown, ip4Disabled, ip6Disabled, mplsDisabled
        case congested

        public var text: String {
            switch self {
            case .truncated: "the packet is shorter than its headers"
            case .badVersion: "the GRE version is not 0"
            case .unknownFields: "the GRE header announces fields that only RFC 1701 knew"
            case .badChecksum: "the GRE checksum is wrong"
            case .unknownTunnel: "no tunnel has these ends"
            case .keyMismatch: "there is a tunnel between these ends, but with another key, or without one"
            case .interfaceDown: "the tunnel is administratively down"
            case .checksumMissing: "no checksum, in a tunnel that is to have them"
            case .sequenceMissing: "no sequence number, in a tunnel that is to have them"
            case .lateSequence: "the sequence number is not above the last one's: overtaken, or sent twice"
            case .protocolUnknown: "no node handles what the tunnel carries"
            case .ip4Disabled: "IPv4 out of a tunnel without an IPv4 address"
            case .ip6Disabled: "IPv6 out of a tunnel without an IPv6 address"
            case .mplsDisabled: "MPLS out of a tunnel that does not have 'mpls: true'"
            case .congested: "marked for congestion on the way, and the sender inside does not know of marks"
            }
        }
    }

    public struct Trace: TraceRecord {
        var interface: InterfaceIndex = 0
        var type: UInt16 = 0
        var flags: UInt16 = 0
        var table: UInt32 = 0

        public init() {}

        public var description: String {
            let flags = flags == 0 ? "" : ", flags 0x\(String(flags, radix: 16))"
            return "\(EtherType(rawValue: type))\(flags), table \(table), tunnel \(interface)"
        }
    }

    private let tables: TableReaders
    private let tunnels: TunnelTable<GRERecord>
    private let endpoints: EndpointTable
    private let claims: GREClaims
    private let interfaces: InterfaceTable
    private let counters: InterfaceCounterSlot

    init(
        _ seat: Seat, tables: TableReaders, tunnels: TunnelTable<GRERecord>, endpoints: EndpointTable, claims: GREClaims
    ) {
        self.tables = tables
        self.tunnels = tunnels
        self.endpoints = endpoints
        self.claims = claims
        interfaces = seat.interfaces
        counters = seat.interfaceCounters
    }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let table = tables.number(for: packet)
        trace.table = table
        guard let outer = OuterPacket(packet.bytes, table: table), let gre = GREView(outer.payload) else {
            return .drop(.truncated)
        }
        trace.type = gre.type.rawValue
        trace.flags = gre.flags.rawValue
        guard gre.version == 0 else { return .drop(.badVersion) }
        guard !gre.hasUnknownFields else { return .drop(.unknownFields) }
        let arc = claims[gre.type]
        if arc != 0 { return .to(arc: arc &- 1) }
        guard gre.isChecksumRight else { return .drop(.badChecksum) }
        let number = endpoints.number(outer.ends, .gre(key: gre.key))
        guard number != 0 else {
            return .drop(endpoints.knows(outer.ends) ? .keyMismatch : .unknownTunnel)
        }
        let tunnel = tunnels[number]
        trace.interface = tunnel.interface
        let flags = interfaces[tunnel.interface].flags
        guard flags.contains(.adminUp) else { return .drop(.interfaceDown) }
        if tunnel.options.contains(.checksum), !gre.flags.contains(.checksum) { return .drop(.checksumMissing) }
        if tunnel.options.contains(.sequence) {
            guard let sequence = gre.sequence else { return .drop(.sequenceMissing) }
            if case .late = tunnels.window(number).judge(sequence, at: Clock.now) { return .drop(.lateSequence) }
        }
        guard TunnelECN.take(outer.trafficClass, into: gre.payload, gre.type) else { return .drop(.congested) }
        packet.advance(outer.headerLength &+ gre.length)
        packet.leaveTunnel(to: tunnel.interface)
        counters.countReceived(bytes: packet.length, interface: tunnel.interface)
        switch gre.type {
        case .ipv4: return flags.contains(.ip4) ? .to(.ip4) : .drop(.ip4Disabled)
        case .ipv6: return flags.contains(.ip6) ? .to(.ip6) : .drop(.ip6Disabled)
        case .mpls: return flags.contains(.mpls) ? .to(.mpls) : .drop(.mplsDisabled)
        default: return .drop(.protocolUnknown)
        }
    }
}
