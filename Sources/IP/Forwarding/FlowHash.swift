// SPDX-License-Identifier: Apache-2.0
import Wire

/// A hash of a packet's flow, for the choice among paths.
enum FlowHash {
    /// Addresses, protocol and ports; of fragments all but the ports.
    @inline(__always)
    static func ipv4(_ bytes: Bytes, seed: UInt32) -> UInt32 {
        guard let header = IPv4View(bytes) else { return 0 }
        var ports: UInt32 = 0
        let offset = header.headerLength
        if !header.isFragment, bytes.count >= offset &+ 4 { ports = bytes.network(at: offset) }
        var value = UInt64(header.source.value) << 32 | UInt64(header.destination.value)
        value ^= (UInt64(ports) << 8 | UInt64(header.protocol.rawValue)) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(seed)
        value ^= value >> 33
        value = value &* 0xff51_afd7_ed55_8ccd
        value ^= value >> 33
        return UInt32(truncatingIfNeeded: value &* 0xc4ce_b9fe_1a85_ec53 >> 32)
    }
}
