// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Addresses that mean something on one link alone, in tables that know no links: the interface's number stands in the
/// 32 bits behind the first 16, which such an address has zero (RFC 4291 sections 2.5.6 and 2.7).
///
/// Lookups of such a destination are of `scoped(to:)`; no packet can ask for one by itself, because `isScopable` is false
/// for what comes with these bits set.
extension IPv6Address {
    /// fe80::/10 or ff02::/16: not to be looked up as it is.
    @inlinable @inline(__always)
    public var isOfLink: Bool { isLinkLocal || high >> 48 == 0xff02 }

    /// Whether the bits are free in which the interface is noted: otherwise nobody has this address.
    @inlinable @inline(__always)
    public var isScopable: Bool { high << 16 == 0 }

    /// As it stands in the tables for one interface.
    @inlinable @inline(__always)
    public func scoped(to interface: InterfaceIndex) -> IPv6Address {
        IPv6Address(high: high | UInt64(interface) << 16, low: low)
    }
}

extension IPPrefix {
    /// As an operator writes it: that of a link with its interface's name, `fe80::1%lan0/128` (RFC 4007 section 11).
    func text(_ name: (InterfaceIndex) -> String?) -> String {
        guard case .v6(let prefix) = self, prefix.address.isOfLink else { return "\(self)" }
        let bits: UInt64 = 0xffff_ffff << 16
        guard let name = name(InterfaceIndex(truncatingIfNeeded: (prefix.address.high & bits) >> 16)) else {
            return "\(self)"
        }
        return "\(IPv6Address(high: prefix.address.high & ~bits, low: prefix.address.low))%\(name)/\(prefix.length)"
    }
}

extension IPAddress {
    /// The block of this address alone as it stands in the tables: that of a link's address notes the interface.
    public func host(on interface: InterfaceIndex) -> IPPrefix {
        guard case .v6(let address) = self, address.isOfLink else { return host }
        return .v6(IPv6Prefix(address.scoped(to: interface), length: 128))
    }
}

extension IPv6Address {
    /// The address that an interface with this hardware address has on its link by itself (RFC 4291 section 2.5.1 and
    /// appendix A).
    public init(linkLocalOf mac: MACAddress, _ interface: InterfaceIndex) {
        guard mac.isStation else {
            self.init(high: 0xfe80 << 48, low: UInt64(interface))
            return
        }
        let bytes = (0..<6).map { mac.littleEndianValue >> (8 * UInt64($0)) & 0xff }
        let high = (bytes[0] ^ 2) << 16 | bytes[1] << 8 | bytes[2]
        let low = bytes[3] << 16 | bytes[4] << 8 | bytes[5]
        self.init(high: 0xfe80 << 48, low: high << 40 | 0xff_fe00_0000 | low)
    }
}
