// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// By which address the router answers an IPv6 packet.
struct IPv6SourceChoice: BitwiseCopyable, Sendable {
    let tables: TableReaders
    let addresses: PrimaryAddressTable

    /// The address that the packet was sent to, if that is the router's own; else one of the interface by which it came:
    /// its link-local one for a receiver on the link, or else the first with a wider scope, if there is one (RFC 4443
    /// section 2.2, RFC 6724 section 5). :: when the interface has none.
    func source(for packet: Packet, _ header: IPv6View) -> IPv6Address {
        let interface = packet.header.rxInterface
        let destination = header.destination
        if !destination.isMulticast, !IPv6SourceChoice.isAnycast(destination),
            tables.ultimateRoute(to: destination, for: packet).kind == .local
        {
            return destination
        }
        return header.source.isLinkLocal ? addresses.linkLocal(interface) : addresses.ip6(interface)
    }

    /// The subnet-router address of a /64 (RFC 4291 section 2.6.1): each router of a network has it.
    private static func isAnycast(_ address: IPv6Address) -> Bool { address.low == 0 }
}
