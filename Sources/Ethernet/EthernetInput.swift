// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Reads the Ethernet header with its VLAN tags and passes the packet on by EtherType.
///
/// Summary: station check, the sub-interface by the tags, then classification by EtherType.
/// Expects: frames as received, current position at the destination address.
/// Emits: the packet behind its Ethernet header, a tagged one as received by the sub-interface that has its tags. A priority
/// tag (VLAN 0) counts for nothing here. Frames of a bridge's members go on whole, tags and all, to any station, by way of
/// `vlan-rewrite` if their sub-interface rewrites tags.
/// Drops: `truncated`, `notForUs`, `vlanUnknown`, `vlanTooDeep`, `etherTypeUnknown`, `interfaceDown`, `ip4Disabled`,
/// `ip6Disabled`, `mplsDisabled`.
/// Spec: IEEE 802.3 clause 3; IEEE 802.1Q clauses 6.8, 9; RFC 894; RFC 2464; RFC 5332 section 3; RFC 1812 section 5.3.4
/// (link-layer broadcasts).
public struct EthernetInput: Node {
    public static let name = "ethernet-input"

    public enum Next: UInt16, NextNode {
        case ip4, arp, ip6, mpls, bridge, crossConnect, rewrite

        public var node: String {
            switch self {
            case .ip4: "ip4-input"
            case .arp: "arp-input"
            case .ip6: "ip6-input"
            case .mpls: "mpls-lookup"
            case .bridge: BridgeInput.name
            case .crossConnect: CrossConnect.name
            case .rewrite: VLANRewrite.name
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, notForUs, vlanUnknown, etherTypeUnknown, interfaceDown, ip4Disabled, ip6Disabled
        case mplsDisabled, vlanTooDeep

        public var text: String {
            switch self {
            case .truncated: "the frame is shorter than its Ethernet header or tag"
            case .notForUs: "the destination address is another station's"
            case .vlanUnknown: "no sub-interface has these VLAN tags"
            case .vlanTooDeep: "more tags than any sub-interface has"
            case .etherTypeUnknown: "no node handles this EtherType"
            case .interfaceDown: "the interface is administratively down"
            case .ip4Disabled: "IPv4 on an interface without an IPv4 address"
            case .ip6Disabled: "IPv6 on an interface without an IPv6 address"
            case .mplsDisabled: "MPLS on an interface that does not have 'mpls: true'"
            }
        }
    }

    public struct Trace: TraceRecord {
        var destination: UInt64 = 0
        var source: UInt64 = 0
        var type: UInt16 = 0
        var interface: InterfaceIndex = 0

        public init() {}

        public var description: String {
            "\(MACAddress(littleEndian: source)) -> \(MACAddress(littleEndian: destination)), "
                + "type 0x\(String(type, radix: 16)), interface \(interface)"
        }
    }

    static var addressMask: UInt64 { 0xffff_ffff_ffff }
    /// The group bit of the destination address, as it stands in a little-endian load.
    static var groupBit: UInt64 { 1 }

    let interfaces: InterfaceTable
    private let tags: TagTable
    private let counters: InterfaceCounterSlot

    init(_ seat: Seat, tags: TagTable) {
        interfaces = seat.interfaces
        counters = seat.interfaceCounters
        self.tags = tags
    }

    @inline(__always)
    public func prefetch(_ packet: Packet) { packet.prefetchData() }

    @inline(__always)
    public mutating func decide(_ packet: Packet, _ trace: inout Trace) -> Verdict<Next, Reason> {
        let bytes = packet.bytes
        guard bytes.count >= EthernetView.length else { return .drop(.truncated) }
        let interface = packet.header.rxInterface
        let record = interfaces[interface]
        // Eight bytes hold the destination and the source's first two: one load, one mask.
        let destination = bytes.load(at: 0, as: UInt64.self) & EthernetInput.addressMask
        let type = bytes.network(at: 12, as: UInt16.self)
        trace.destination = destination
        trace.source = bytes.load(at: 4, as: UInt64.self) >> 16
        trace.type = type
        trace.interface = interface
        // All of them by one comparison: bridged ports and untagged sub-interfaces cost the others nothing.
        guard record.flags.intersection(.receiving) == .adminUp else { return decideOther(packet, record.flags) }
        if destination != record.mac {
            let isGroup = destination & EthernetInput.groupBit != 0
            guard isGroup || record.flags.contains(.acceptAnyStation) else {
                return record.flags.contains(.bridgesTagged)
                    ? decideSubinterface(packet, isForeign: true) : .drop(.notForUs)
            }
            packet.header.flags.insert(.notToThisStation)
        }
        // The most frequent first: the test for tags costs the others a clock or two.
        if type == EtherType.ipv4.rawValue {
            packet.advance(EthernetView.length)
            return EthernetInput.decideType(type, record.flags)
        }
        if type == EtherType.vlan.rawValue || type == EtherType.serviceVLAN.rawValue {
            return decideSubinterface(packet, isForeign: false)
        }
        packet.advance(EthernetView.length)
        return EthernetInput.decideType(type, record.flags)
    }

    /// What comes in by a port that is down, or bridged, or whose untagged frames are a sub-interface's.
    @inline(__always)
    private func decideOther(_ packet: Packet, _ flags: InterfaceFlags) -> Verdict<Next, Reason> {
        guard flags.contains(.adminUp) else { return .drop(.interfaceDown) }
        guard flags.contains(.bridged) else { return decideLent(packet) }
        return .to(flags.contains(.crossConnected) ? .crossConnect : .bridge)
    }

    /// Any frame that comes in by a port whose untagged frames are a sub-interface's.
    @inline(never)
    private func decideLent(_ packet: Packet) -> Verdict<Next, Reason> {
        let destination = packet.destinationWord
        let port = interfaces[packet.header.rxInterface]
        guard destination != port.mac else { return decideSubinterface(packet, isForeign: false) }
        let isGroup = destination & EthernetInput.groupBit != 0
        guard isGroup || port.flags.contains(.acceptAnyStation) else {
            return decideSubinterface(packet, isForeign: true)
        }
        packet.header.flags.insert(.notToThisStation)
        return decideSubinterface(packet, isForeign: false)
    }

    @inline(__always)
    private static func decideType(_ type: UInt16, _ flags: InterfaceFlags) -> Verdict<Next, Reason> {
        switch type {
        case EtherType.ipv4.rawValue: flags.contains(.ip4) ? .to(.ip4) : .drop(.ip4Disabled)
        case EtherType.ipv6.rawValue: flags.contains(.ip6) ? .to(.ip6) : .drop(.ip6Disabled)
        case EtherType.mpls.rawValue: flags.contains(.mpls) ? .to(.mpls) : .drop(.mplsDisabled)
        case EtherType.arp.rawValue: .to(.arp)
        default: .drop(.etherTypeUnknown)
        }
    }

    /// A frame that may be a sub-interface's, at its destination address.
    /// - Parameter isForeign: Whether it is to another station: then it is for bridged sub-interfaces alone.
    @inline(never)
    private func decideSubinterface(_ packet: Packet, isForeign: Bool) -> Verdict<Next, Reason> {
        let port = interfaces[packet.header.rxInterface]
        let length = packet.length
        // A port without sub-interfaces has the table that nobody fills.
        let found = tags.classify(packet.bytes, port: port.tagTable)
        let interface = found.interface
        guard interface != 0 else { return decideNobodys(packet, found, port.flags, isForeign) }
        packet.header.rxInterface = interface
        let flags = interfaces[interface].flags
        guard flags.intersection(.receiving) == .adminUp else {
            // Bridges look at the whole frame, and count it as a whole.
            counters.countReceived(bytes: length, interface: interface)
            guard flags.contains(.adminUp) else { return .drop(.interfaceDown) }
            if flags.contains(.rewritesTags) { return .to(.rewrite) }
            return .to(flags.contains(.crossConnected) ? .crossConnect : .bridge)
        }
        // Without its tags, as it is counted when it leaves.
        counters.countReceived(bytes: length &- found.offset &+ EthernetView.length, interface: interface)
        guard !isForeign else { return .drop(.notForUs) }
        packet.advance(found.offset)
        return EthernetInput.decideType(found.type, flags)
    }

    @inline(__always)
    private func decideNobodys(
        _ packet: Packet, _ found: TagClass, _ flags: InterfaceFlags, _ isForeign: Bool
    ) -> Verdict<Next, Reason> {
        switch found.outcome {
        case .untagged:
            guard !isForeign else { return .drop(.notForUs) }
            packet.advance(found.offset)
            return EthernetInput.decideType(found.type, flags)
        case .tooDeep: return .drop(.vlanTooDeep)
        case .truncated: return .drop(.truncated)
        case .unknown, .found: return .drop(.vlanUnknown)
        }
    }
}
