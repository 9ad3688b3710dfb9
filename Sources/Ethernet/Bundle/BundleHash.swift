// SPDX-License-Identifier: Apache-2.0
import Wire

/// What makes frames of a bundle one flow, which keeps to one member: `interfaces.NAME.hash`.
enum BundleHash: UInt8, BitwiseCopyable, CaseIterable {
    case l2, l3, l34

    init?(name: String) {
        guard let found = BundleHash.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    var name: String { "\(self)" }

    /// The hash of a frame's flow: of its stations and VLANs; of the hosts; of the hosts and their ports. What is no IP packet,
    /// nor one behind labels, is hashed by its stations.
    @inline(__always)
    func value(of frame: Bytes, seed: UInt32) -> UInt32 {
        guard self != .l2 else { return FlowHash.stations(frame, seed: seed) }
        var offset = 12
        // At most two tags (802.1ad).
        for _ in 0..<3 {
            guard offset &+ 2 <= frame.count else { break }
            let type = EtherType(rawValue: frame.network(at: offset))
            offset &+= 2
            let packet = frame.dropping(first: offset)
            switch type {
            case .ipv4:
                return self == .l3 ? FlowHash.hostsIPv4(packet, seed: seed) : FlowHash.ipv4(packet, seed: seed)
            case .ipv6:
                return self == .l3 ? FlowHash.hostsIPv6(packet, seed: seed) : FlowHash.ipv6(packet, seed: seed)
            case .mpls: return FlowHash.mpls(packet, seed: seed)
            case .vlan, .serviceVLAN: offset &+= 2
            default: return FlowHash.stations(frame, seed: seed)
            }
        }
        return FlowHash.stations(frame, seed: seed)
    }
}
