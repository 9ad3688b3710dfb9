// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// About which packets no ICMPv6 error is ever sent (RFC 4443 section 2.4 e).
struct ICMPv6ErrorPolicy: BitwiseCopyable, Sendable {
    /// Knows the router's own addresses.
    let tables: TableReaders

    /// Why the packet's sender must not be told; nil when it may.
    /// - Parameter knowsAddresses: The packet's addresses are those of its table; false for another network's packet.
    func objection(
        to packet: Packet, _ header: IPv6View, _ request: ICMPv6ErrorRequest, knowsAddresses: Bool = true
    ) -> IP6ICMPError.Reason? {
        if !request.concernsGroups {
            if packet.header.flags.contains(.notToThisStation) { return .toManyStations }
            if header.destination.isMulticast { return .toManyHosts }
        }
        let upper = header.upperLayer
        if upper.isLaterFragment, !request.concernsLaterFragments { return .laterFragment }
        if upper.protocol == .icmp6, !upper.isLaterFragment {
            // Of too little to tell, the worst is assumed.
            guard upper.payload.count > 0 else { return .aboutIcmpError }
            let type = ICMPv6Type(rawValue: upper.payload.load(at: 0))
            if type.isError || type == .redirect { return .aboutIcmpError }
        }
        return senderObjection(packet, header, knowsAddresses)
    }

    private func senderObjection(
        _ packet: Packet, _ header: IPv6View, _ knowsAddresses: Bool
    ) -> IP6ICMPError.Reason? {
        let source = header.source
        guard !source.isUnspecified, !source.isMulticast, !source.isLoopback else { return .fromNoHost }
        return knowsAddresses && tables.ultimateRoute(to: source, for: packet).kind == .local ? .fromNoHost : nil
    }
}
