// SPDX-License-Identifier: Apache-2.0

// Hashes of less than a flow: for who spreads frames over links by stations or by hosts.
extension FlowHash {
    /// The hash of a frame's stations and, of a tagged one, its outermost VLAN. The frame has its Ethernet header.
    @inlinable @inline(__always)
    public static func stations(_ frame: Bytes, seed: UInt32) -> UInt32 {
        let first: UInt64 = frame.load(at: 0)
        let second: UInt32 = frame.load(at: 8)
        var flow = UInt64(second)
        if frame.count >= EthernetView.length &+ VLANView.length, EthernetView(frame)?.type.isVLANTag == true {
            flow |= UInt64(frame.network(at: 14, as: UInt16.self) & 0xFFF) << 32
        }
        return finish(first, flow, .mplsInIP, seed)
    }

    /// The hash of an IPv4 packet's addresses, from its header on; not all of it may be there.
    @inlinable @inline(__always)
    public static func hostsIPv4(_ packet: Bytes, seed: UInt32) -> UInt32 {
        guard packet.count >= IPv4View.minimumLength else { return 0 }
        return finish(packet.network(at: 12), 0, .mplsInIP, seed)
    }

    /// The hash of an IPv6 packet's addresses, from its header on; not all of it may be there.
    @inlinable @inline(__always)
    public static func hostsIPv6(_ packet: Bytes, seed: UInt32) -> UInt32 {
        guard packet.count >= IPv6View.length else { return 0 }
        return finish(address(packet, at: 8) &* 3 ^ address(packet, at: 24), 0, .mplsInIP, seed)
    }
}
