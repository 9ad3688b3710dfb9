// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// The ARP speaker: what comes in, and what goes out (RFC 826, RFC 5227).
extension NeighborTable {
    /// Takes what nodes punted: ARP packets, and packets whose neighbour is not known.
    func receive(_ punted: PuntedPacket) {
        switch NeighborMessage(rawValue: punted.note).kind {
        case .arp: receiveARP(punted)
        case .conflict: receiveConflict(punted)
        case .awaitsAdjacency: resolveAdjacency(punted)
        case .awaitsHost: resolveHost(punted)
        case .awaitsAdjacencyMPLS: resolveAdjacency(punted)
        case .discovery, .awaitsAdjacency6, .awaitsHost6, nil: break
        }
    }

    private func receiveARP(_ punted: PuntedPacket) {
        guard let arp = NeighborTable.packet(punted), let interface = interfaces.interface(punted.rxInterface) else {
            return
        }
        let isForUs = interfaces.owner(of: .v4(arp.targetIP), near: interface) == interface.index
        if arp.senderIP == .any {
            if isForUs { reply(to: arp, on: interface) }
            return
        }
        guard interfaces.address(of: interface.index, facing: .v4(arp.senderIP)) != nil else {
            counters.senderOffSubnet += 1
            return
        }
        learn(arp, on: interface, mayCreate: isForUs && arp.operation == .request)
        if isForUs, arp.operation == .request { reply(to: arp, on: interface) }
    }

    private func learn(_ arp: ARPPacket, on interface: Interface, mayCreate: Bool) {
        let key = NeighborKey(interface: interface.index, address: .v4(arp.senderIP))
        var neighbor = self[key]
        if neighbor == nil, mayCreate {
            // No adjacency left is as good as a full table; the request is answered all the same.
            neighbor = (try? make(key, on: interface)) ?? nil
        }
        guard let neighbor, neighbor.state != .static else { return }
        neighbor.state = .reachable
        complete(neighbor, at: arp.senderMAC, on: interface)
    }

    /// Somebody else has our address: say so, and defend it, at most every ten seconds (RFC 5227 section 2.4).
    private func receiveConflict(_ punted: PuntedPacket) {
        guard let arp = NeighborTable.packet(punted), let interface = interfaces.interface(punted.rxInterface),
            arp.senderMAC.littleEndianValue != interface.mac
        else { return }
        counters.conflicts += 1
        guard isTime(for: .v4(arp.senderIP), every: 10) else { return }
        engine.log.warning("\(arp.senderMAC) on \(interface.name) claims this router's address \(arp.senderIP)")
        if interfaces.owner(of: .v4(arp.senderIP), near: interface) == interface.index {
            announce(arp.senderIP, on: interface)
        }
    }

    private static func packet(_ punted: PuntedPacket) -> ARPPacket? {
        var bytes = Array(punted.bytes.dropFirst(punted.offset))
        return bytes.withBytes { window in ARPView(window).flatMap { ARPPacket($0) } }
    }

    // MARK: - Sending

    private func reply(to request: ARPPacket, on interface: Interface) {
        counters.repliesSent += 1
        send(request.reply(from: MACAddress(littleEndian: interface.mac)), to: request.senderMAC, on: interface)
    }

    /// Asks who has the neighbour's address: all stations, or the one that had it when last heard of.
    func request(_ neighbor: Neighbor, on interface: Interface) {
        guard let address = neighbor.key.address.v4,
            let own = interfaces.address(of: interface.index, facing: .v4(address))?.address.v4
        else { return }
        neighbor.requests += 1
        counters.requestsSent += 1
        let packet = ARPPacket.request(
            for: address, from: MACAddress(littleEndian: interface.mac), own)
        send(packet, to: neighbor.mac.isZero ? .broadcast : neighbor.mac, on: interface)
    }

    /// Tells all stations on the link where the interface's addresses are.
    func announce(_ interface: Interface) {
        for own in interfaces.addresses(of: interface.index).compactMap(\.address.v4) { announce(own, on: interface) }
    }

    private func announce(_ address: IPv4Address, on interface: Interface) {
        counters.announcementsSent += 1
        send(.announcement(of: address, at: MACAddress(littleEndian: interface.mac)), to: .broadcast, on: interface)
    }

    private func send(_ packet: ARPPacket, to destination: MACAddress, on interface: Interface) {
        let frame = PacketBuilder()
            .ethernet(from: MACAddress(littleEndian: interface.mac), to: destination).arp(packet).padded()
        if !engine.inject(frame.bytes, at: InterfaceOutput.name, txInterface: interface.index) {
            counters.injectFailed += 1
        }
    }
}

extension RouteError {
    static func tooManyNeighbors(_ maximum: Int) -> RouteError {
        RouteError("the neighbour table is full: \(maximum) entries", "raise `neighbors: maximum`")
    }
}
