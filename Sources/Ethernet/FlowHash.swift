// SPDX-License-Identifier: Apache-2.0
import Wire

/// A hash of a flow that is the same in both directions, so that a flow's packets and its answers meet on one worker.
enum FlowHash {
    /// The hash of the frame's IPv4 flow: addresses, protocol and ports; of fragments, all but the ports, so that a
    /// datagram stays together. Nil for frames without an IPv4 header.
    @inline(__always)
    static func symmetric(_ frame: Bytes) -> UInt32? {
        var offset = 12
        // At most two tags (802.1ad); a frame with more is not worth spreading.
        for _ in 0..<3 {
            guard offset &+ 2 <= frame.count else { return nil }
            let type = EtherType(rawValue: frame.network(at: offset))
            offset &+= 2
            if type == .ipv4 { return symmetricIPv4(frame.dropping(first: offset)) }
            guard type.isVLANTag else { return nil }
            offset &+= 2
        }
        return nil
    }

    @inline(__always)
    private static func symmetricIPv4(_ bytes: Bytes) -> UInt32? {
        guard let header = IPv4View(bytes) else { return nil }
        let source = header.source.value
        let destination = header.destination.value
        let ports = header.isFragment ? 0 : symmetricPorts(header)
        // Sum and exclusive or together tell apart what either alone would not; neither knows a direction.
        let addresses = UInt64(source &+ destination) << 32 | UInt64(source ^ destination)
        return mix(addresses ^ UInt64(ports) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(header.protocol.rawValue) << 24)
    }

    @inline(__always)
    private static func symmetricPorts(_ header: IPv4View) -> UInt32 {
        let hasPorts = header.protocol == .tcp || header.protocol == .udp
        let offset = header.headerLength
        guard hasPorts, header.bytes.count >= offset &+ 4 else { return 0 }
        let first = UInt32(header.bytes.network(at: offset, as: UInt16.self))
        let second = UInt32(header.bytes.network(at: offset &+ 2, as: UInt16.self))
        return (first &+ second) << 15 ^ (first ^ second)
    }

    /// The finaliser of MurmurHash3: every input bit reaches every output bit.
    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt32 {
        var value = value
        value ^= value >> 33
        value = value &* 0xff51_afd7_ed55_8ccd
        value ^= value >> 33
        value = value &* 0xc4ce_b9fe_1a85_ec53
        return UInt32(truncatingIfNeeded: value >> 32)
    }
}
