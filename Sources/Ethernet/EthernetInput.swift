// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Reads the Ethernet header and passes the packet on by EtherType.
///
/// Summary: station check, then classification by EtherType.
/// Expects: frames as received, current position at the destination address.
/// Emits: the packet behind its Ethernet header, and behind a priority tag (VLAN 0), which counts for nothing here.
/// Drops: `truncated`, `notForUs`, `vlanUnknown`, `etherTypeUnknown`, `interfaceDown`, `ip4Disabled`,
/// `ip6Disabled`, `mplsDisabled`.
/// Spec: IEEE 802.3 clause 3; IEEE 802.1Q clause 6.8; RFC 894; RFC 2464; RFC 5332 section 3; RFC 1812 section 5.3.4
/// (link-layer broadcasts).
public struct EthernetInput: Node {
    public static let name = "ethernet-input"

    public enum Next: UInt16, NextNode {
        case ip4, arp, ip6, mpls

        public var node: String {
            switch self {
            case .ip4: "ip4-input"
            case .arp: "arp-input"
            case .ip6: "ip6-input"
            case .mpls: "mpls-lookup"
            }
        }
    }

    public enum Reason: UInt16, DropReason {
        case truncated, notForUs, vlanUnknown, etherTypeUnknown, interfaceDown, ip4Disabled, ip6Disabled
        case mplsDisabled

        public var text: String {
            switch self {
            case .truncated: "the frame is shorter than its Ethernet header or tag"
            case .notForUs: "the destination address is another station's"
            case .vlanUnknown: "no sub-interface has this VLAN tag"
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

    public init(interfaces: InterfaceTable) { self.interfaces = interfaces }

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
        guard record.flags.contains(.adminUp) else { return .drop(.interfaceDown) }
        if destination != record.mac {
            let isGroup = destination & EthernetInput.groupBit != 0
            guard isGroup || record.flags.contains(.acceptAnyStation) else { return .drop(.notForUs) }
            packet.header.flags.insert(.notToThisStation)
        }
        packet.advance(EthernetView.length)
        if type == EtherType.ipv4.rawValue { return EthernetInput.decideIPv4(record.flags) }
        if type == EtherType.ipv6.rawValue { return EthernetInput.decideIPv6(record.flags) }
        if type == EtherType.mpls.rawValue { return EthernetInput.decideMPLS(record.flags) }
        if type == EtherType.arp.rawValue { return .to(.arp) }
        return decideRest(packet, EtherType(rawValue: type), record.flags)
    }

    @inline(__always)
    private static func decideIPv4(_ flags: InterfaceFlags) -> Verdict<Next, Reason> {
        flags.contains(.ip4) ? .to(.ip4) : .drop(.ip4Disabled)
    }

    @inline(__always)
    private static func decideIPv6(_ flags: InterfaceFlags) -> Verdict<Next, Reason> {
        flags.contains(.ip6) ? .to(.ip6) : .drop(.ip6Disabled)
    }

    @inline(__always)
    private static func decideMPLS(_ flags: InterfaceFlags) -> Verdict<Next, Reason> {
        flags.contains(.mpls) ? .to(.mpls) : .drop(.mplsDisabled)
    }

    /// Tags, and types that nobody handles. A tag with VLAN 0 carries a priority alone: the frame counts as untagged.
    @inline(never)
    private func decideRest(_ packet: Packet, _ type: EtherType, _ flags: InterfaceFlags) -> Verdict<Next, Reason> {
        guard type.isVLANTag else { return .drop(.etherTypeUnknown) }
        guard let view = VLANView(packet.bytes) else { return .drop(.truncated) }
        guard type == .vlan, view.tag.identifier == 0 else { return .drop(.vlanUnknown) }
        packet.advance(VLANView.length)
        switch view.type {
        case .ipv4: return EthernetInput.decideIPv4(flags)
        case .ipv6: return EthernetInput.decideIPv6(flags)
        case .arp: return .to(.arp)
        case .mpls: return EthernetInput.decideMPLS(flags)
        default: return .drop(view.type.isVLANTag ? .vlanUnknown : .etherTypeUnknown)
        }
    }
}
