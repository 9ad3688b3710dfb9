// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// What comes in, and the ARP speaker (RFC 826, RFC 1027, RFC 5227).
extension NeighborTable {
    /// Takes what nodes punted: ARP and neighbor discovery, and packets whose neighbour is not known.
    func receive(_ punted: PuntedPacket) {
        switch NeighborMessage(rawValue: punted.note).kind {
        case .arp: receiveARP(punted, isAnswered: false)
        case .answeredARP: receiveARP(punted, isAnswered: true)
        case .conflict: receiveARPConflict(punted)
        case .proxy: receiveProxyRequest(punted)
        case .discovery: receiveDiscovery(punted, isAnswered: false)
        case .answeredDiscovery: receiveDiscovery(punted, isAnswered: true)
        case .proxyDiscovery: receiveProxySolicitation(punted)
        case .awaitsAdjacency: resolveAdjacency(punted, .ip4)
        case .awaitsHost: resolveHost(punted, .ip4)
        case .awaitsAdjacency6: resolveAdjacency(punted, .ip6)
        case .awaitsHost6: resolveHost(punted, .ip6)
        case .awaitsAdjacencyMPLS: resolveAdjacency(punted, .mpls)
        case nil: break
        }
    }

    private func receiveARP(_ punted: PuntedPacket, isAnswered: Bool) {
        guard let arp = NeighborTable.packet(punted), let interface = interfaces.interface(punted.rxInterface),
            !isReflected(arp, on: interface)
        else { return }
        // RFC 5227 section 2.1.1: another station has the address, or is about to take it.
        let claimed = arp.senderIP == .any ? arp.targetIP : arp.senderIP
        if probes[NeighborKey(interface: interface.index, address: .v4(claimed))] != nil {
            return lose(.v4(claimed), to: arp.senderMAC, on: interface)
        }
        let isForUs = interfaces.isUsable(.v4(arp.targetIP), on: interface.index)
        if arp.senderIP == .any {
            if isForUs { reply(to: arp, on: interface, isSent: isAnswered) }
            return
        }
        guard isNeighbor(.v4(arp.senderIP), on: interface) else { return }
        learn(arp, on: interface, isForUs: isForUs)
        if isForUs, arp.operation == .request { reply(to: arp, on: interface, isSent: isAnswered) }
    }

    private func isReflected(_ arp: ARPPacket, on interface: Interface) -> Bool {
        arp.senderMAC.littleEndianValue == interface.mac
    }

    /// A request to the router makes an entry; an answer to it completes one; what is told to all changes one.
    private func learn(_ arp: ARPPacket, on interface: Interface, isForUs: Bool) {
        let key = NeighborKey(interface: interface.index, address: .v4(arp.senderIP))
        var neighbor = self[key]
        if neighbor == nil, isForUs, arp.operation == .request {
            // No adjacency left is as good as a full table; the request is answered all the same.
            neighbor = (try? make(key, on: interface)) ?? nil
        }
        guard let neighbor else { return }
        let isAnswer = isForUs && arp.operation == .reply
        guard neighbor.state != .static else {
            if isAnswer, arp.senderMAC == neighbor.mac { confirmStatic(neighbor) }
            return
        }
        // Who answers the router can hear it; of who asks or tells that is yet to be seen.
        if isAnswer {
            complete(neighbor, at: arp.senderMAC, .reachable, on: interface)
        } else if !neighbor.state.isUsable || neighbor.mac != arp.senderMAC {
            complete(neighbor, at: arp.senderMAC, .stale, on: interface)
        }
    }

    /// Somebody else has our address: say so, and defend it, at most every ten seconds (RFC 5227 section 2.4).
    private func receiveARPConflict(_ punted: PuntedPacket) {
        guard let arp = NeighborTable.packet(punted), let interface = interfaces.interface(punted.rxInterface),
            !isReflected(arp, on: interface)
        else { return }
        conflict(over: .v4(arp.senderIP), with: arp.senderMAC, on: interface)
    }

    /// A request for somebody else: answered when the way there leads out of another port (RFC 1027 section 2.4).
    private func receiveProxyRequest(_ punted: PuntedPacket) {
        guard let arp = NeighborTable.packet(punted), let interface = interfaces.interface(punted.rxInterface),
            arp.senderIP != .any, !isReflected(arp, on: interface),
            isNeighbor(.v4(arp.senderIP), on: interface),
            leadsElsewhere(.v4(arp.targetIP), from: interface)
        else { return }
        counters.proxyReplies += 1
        send(arp.reply(from: MACAddress(littleEndian: interface.mac)), to: arp.senderMAC, on: interface)
    }

    private static func packet(_ punted: PuntedPacket) -> ARPPacket? {
        var bytes = Array(punted.bytes.dropFirst(punted.offset))
        return bytes.withBytes { window in ARPView(window).flatMap { ARPPacket($0) } }
    }

    // MARK: - Sending

    private func reply(to request: ARPPacket, on interface: Interface, isSent: Bool) {
        counters.repliesSent += 1
        guard !isSent else { return }
        send(request.reply(from: MACAddress(littleEndian: interface.mac)), to: request.senderMAC, on: interface)
    }

    /// Asks who has the neighbour's address: the station that had it when last heard of, or all.
    func request(_ neighbor: Neighbor, on interface: Interface) {
        guard let own = interfaces.address(of: interface.index, facing: neighbor.key.address)?.address else { return }
        counters.requestsSent += 1
        let station = neighbor.state == .probe || neighbor.state == .static ? neighbor.mac : nil
        switch (neighbor.key.address, own) {
        case (.v4(let address), .v4(let own)):
            let packet = ARPPacket.request(for: address, from: MACAddress(littleEndian: interface.mac), own)
            send(packet, to: station ?? .broadcast, on: interface)
        case (.v6(let address), .v6(let own)):
            solicit(address, from: own, at: station, on: interface)
        default: break
        }
    }

    func sendARPProbe(for address: IPv4Address, on interface: Interface) {
        send(.probe(for: address, from: MACAddress(littleEndian: interface.mac)), to: .broadcast, on: interface)
    }

    func announce(_ address: IPv4Address, on interface: Interface) {
        send(.announcement(of: address, at: MACAddress(littleEndian: interface.mac)), to: .broadcast, on: interface)
    }

    private func send(_ packet: ARPPacket, to destination: MACAddress, on interface: Interface) {
        let frame = PacketBuilder()
            .ethernet(from: MACAddress(littleEndian: interface.mac), to: destination).arp(packet).padded()
        send(frame, on: interface)
    }

    func send(_ frame: PacketBuilder, on interface: Interface) {
        if !engine.inject(frame.bytes, at: InterfaceOutput.name, txInterface: interface.index) {
            counters.injectFailed += 1
        }
    }
}
