// SPDX-License-Identifier: Apache-2.0
import Wire

extension FlowHash {
    /// The hash of a frame's IP flow, also below a label stack, that is the same in both directions, so that a flow's
    /// packets and its answers meet on one worker. Nil for frames without an IP header.
    @inline(__always)
    static func symmetric(_ frame: Bytes) -> UInt32? {
        var offset = 12
        // At most two tags (802.1ad); a frame with more is not worth spreading.
        for _ in 0..<3 {
            guard offset &+ 2 <= frame.count else { return nil }
            let type = EtherType(rawValue: frame.network(at: offset))
            offset &+= 2
            switch type {
            case .ipv4: return symmetricIPv4(frame.dropping(first: offset))
            case .ipv6: return symmetricIPv6(frame.dropping(first: offset))
            case .mpls: return symmetricMPLS(frame.dropping(first: offset))
            case .vlan, .serviceVLAN: offset &+= 2
            default: return nil
            }
        }
        return nil
    }
}
