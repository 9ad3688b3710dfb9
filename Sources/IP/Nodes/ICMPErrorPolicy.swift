// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// About which packets no ICMP error is ever sent (RFC 1812 section 4.3.2.7, RFC 1122 section 3.2.2).
struct ICMPErrorPolicy: BitwiseCopyable, Sendable {
    /// Knows the broadcast addresses of connected networks and the router's own addresses.
    let tables: TableReaders

    /// Why the packet's sender must not be told; nil when it may.
    /// - Parameter knowsAddresses: The packet's addresses are those of its table; false for another network's packet.
    func objection(
        to packet: Packet, _ header: IPv4View, knowsAddresses: Bool = true
    ) -> IP4ICMPError.Reason? {
        if packet.header.flags.contains(.notToThisStation) { return .toManyStations }
        if !isOneHost(header.destination, packet, knowsAddresses) { return .toManyHosts }
        if header.isLaterFragment { return .laterFragment }
        if header.protocol == .icmp, isError(header) { return .aboutIcmpError }
        return isPossibleSender(header.source, packet, knowsAddresses) ? nil : .fromNoHost
    }

    /// An ICMP error, or ICMP of which too little is there to know.
    private func isError(_ header: IPv4View) -> Bool {
        guard header.headerLength < header.bytes.count else { return true }
        return ICMPv4Type(rawValue: header.bytes.load(at: header.headerLength)).isError
    }

    /// Neither multicast nor the broadcast address of all or of a connected network.
    private func isOneHost(_ address: IPv4Address, _ packet: Packet, _ knowsAddresses: Bool) -> Bool {
        guard address.value >> 28 < 0xe else { return false }
        return !knowsAddresses || !tables.ultimateRoute(to: address, for: packet).isBroadcast
    }

    /// One host that is not this router.
    private func isPossibleSender(_ address: IPv4Address, _ packet: Packet, _ knowsAddresses: Bool) -> Bool {
        let network = address.value >> 24
        guard network != 0, network != 127, isOneHost(address, packet, knowsAddresses) else {
            return false
        }
        return !knowsAddresses || tables.ultimateRoute(to: address, for: packet).kind != .local
    }
}
