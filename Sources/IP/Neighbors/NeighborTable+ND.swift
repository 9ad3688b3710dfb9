// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// The neighbor discovery speaker (RFC 4861 section 7.2).
extension NeighborTable {
    /// A neighbor discovery message, and where it came from.
    struct Discovery {
        let message: NDView
        let source: IPv6Address
        let destination: IPv6Address
        let station: MACAddress
    }

    /// Takes a message that its node has judged; judged again here, because what it says is about to be believed.
    func receiveDiscovery(_ punted: PuntedPacket, isAnswered: Bool) {
        withDiscovery(punted) { discovery, interface in
            switch discovery.message.type {
            case .neighborSolicitation: receiveSolicitation(discovery, on: interface, isAnswered: isAnswered)
            case .neighborAdvertisement: receiveAdvertisement(discovery, on: interface)
            case .routerSolicitation: receiveRouterSolicitation(discovery, on: interface)
            case .routerAdvertisement: receiveRouterAdvertisement(discovery, on: interface)
            default: break
            }
        }
    }

    func withDiscovery(_ punted: PuntedPacket, _ body: (Discovery, Interface) -> Void) {
        guard let interface = interfaces.interface(punted.rxInterface) else { return }
        var bytes = punted.bytes
        bytes.withBytes { frame in
            guard let link = EthernetView(frame), link.source.littleEndianValue != interface.mac,
                let header = IPv6View(frame.dropping(first: punted.offset)),
                let message = try? NDView(validating: header.upperLayer, of: header)
            else { return }
            body(
                Discovery(
                    message: message, source: header.source, destination: header.destination, station: link.source),
                interface)
        }
    }

    // MARK: - Solicitations (sections 7.2.3 and 7.2.4)

    private func receiveSolicitation(_ discovery: Discovery, on interface: Interface, isAnswered: Bool) {
        let target = IPAddress.v6(discovery.message.target)
        if probes[NeighborKey(interface: interface.index, address: target)] != nil {
            // Somebody else is about to take it; who asks from an address has to wait (RFC 4862 section 5.4.3).
            if discovery.source.isUnspecified { lose(target, to: discovery.station, on: interface) }
            return
        }
        let isAnycast = interfaces.isAnycast(discovery.message.target, on: interface.index)
        guard isAnycast || interfaces.isUsable(target, on: interface.index) else { return }
        if discovery.source.isUnspecified {
            return advertise(discovery.message.target, to: nil, isOverriding: !isAnycast, on: interface)
        }
        guard isNeighbor(.v6(discovery.source), on: interface) else { return }
        if let station = discovery.message.sourceStation {
            learn(discovery.source, at: station, on: interface)
        }
        guard !isAnswered else { return counters.repliesSent += 1 }
        let station = self[.v6(discovery.source), interface]?.mac ?? .zero
        let receiver = (discovery.source, station.isZero ? discovery.station : station)
        advertise(discovery.message.target, to: receiver, isOverriding: !isAnycast, on: interface)
    }

    /// What a solicitation says of its sender: it is there, and whether it can be reached is yet to be seen.
    func learn(_ source: IPv6Address, at station: MACAddress, on interface: Interface) {
        guard station.isStation else { return }
        let key = NeighborKey(interface: interface.index, address: .v6(source))
        guard let neighbor = self[key] ?? (try? make(key, on: interface)) ?? nil, neighbor.state != .static,
            neighbor.mac != station || !neighbor.state.isUsable
        else { return }
        complete(neighbor, at: station, .stale, on: interface)
    }

    // MARK: - Advertisements (section 7.2.5)

    private func receiveAdvertisement(_ discovery: Discovery, on interface: Interface) {
        let message = discovery.message
        let key = NeighborKey(interface: interface.index, address: .v6(message.target))
        if probes[key] != nil { return lose(key.address, to: discovery.station, on: interface) }
        if interfaces.owner(of: key.address, near: interface) != nil {
            return conflict(over: key.address, with: discovery.station, on: interface)
        }
        guard let neighbor = self[key] else {
            counters.unsolicited += 1
            return
        }
        let told = message.targetStation.flatMap { $0.isStation ? $0 : nil }
        guard neighbor.state != .static else {
            if message.isSolicited, told == nil || told == neighbor.mac { confirmStatic(neighbor) }
            return
        }
        guard neighbor.state.isUsable else {
            // Without an address there is nothing to learn.
            guard let told else { return }
            neighbor.isRouter = message.isRouter
            return complete(neighbor, at: told, message.isSolicited ? .reachable : .stale, on: interface)
        }
        let isOther = told.map { $0 != neighbor.mac } ?? false
        if isOther, !message.isOverriding {
            counters.notOverriding += 1
            if neighbor.state == .reachable { enter(neighbor, .stale) }
            return
        }
        neighbor.isRouter = message.isRouter
        if message.isSolicited {
            complete(neighbor, at: told ?? neighbor.mac, .reachable, on: interface)
        } else if isOther, let told {
            complete(neighbor, at: told, .stale, on: interface)
        }
    }

    // MARK: - Routers (section 6.2)

    private func receiveRouterSolicitation(_ discovery: Discovery, on interface: Interface) {
        counters.routerSolicitationsReceived += 1
        if !discovery.source.isUnspecified {
            guard isNeighbor(.v6(discovery.source), on: interface) else { return }
            if let station = discovery.message.sourceStation {
                learn(discovery.source, at: station, on: interface)
                self[.v6(discovery.source), interface]?.isRouter = false
            }
        }
        advertiser.solicited(on: interface)
    }

    /// Other routers' advertisements change nothing here; what contradicts our own is told (section 6.2.7).
    private func receiveRouterAdvertisement(_ discovery: Discovery, on interface: Interface) {
        counters.routerAdvertisementsReceived += 1
        self[.v6(discovery.source), interface]?.isRouter = true
        let objections = advertiser.inconsistencies(of: discovery.message, on: interface)
        guard !objections.isEmpty else { return }
        counters.routerAdvertisementsInconsistent += 1
        guard isTime(for: .v6(discovery.source), every: 60) else { return }
        engine.log.warning(
            "\(discovery.source) on \(interface.name) advertises other than this router: \(objections.joined(separator: ", "))"
        )
    }

    // MARK: - Sending

    /// Asks for a neighbour's address: the station that had it when last heard of, or those that might have it.
    func solicit(_ target: IPv6Address, from source: IPv6Address, at station: MACAddress?, on interface: Interface) {
        let own = MACAddress(littleEndian: interface.mac)
        let group = target.solicitedNode
        let frame = PacketBuilder().ethernet(from: own, to: station ?? MACAddress(multicast: group))
            .ipv6(from: source, to: station == nil ? group : target, hopLimit: 255)
            .discovery(NeighborSolicitation(target: target, station: own))
        send(frame, on: interface)
    }

    /// Asks whether somebody else has an address (RFC 4862 section 5.4.2).
    func sendDuplicateProbe(for target: IPv6Address, on interface: Interface) {
        let group = target.solicitedNode
        let frame = PacketBuilder()
            .ethernet(from: MACAddress(littleEndian: interface.mac), to: MACAddress(multicast: group))
            .ipv6(from: .any, to: group, hopLimit: 255).discovery(NeighborSolicitation(target: target, station: nil))
        send(frame, on: interface)
    }

    /// Answers a solicitation; one from no address is answered to all.
    private func advertise(
        _ target: IPv6Address, to receiver: (address: IPv6Address, station: MACAddress)?, isOverriding: Bool,
        on interface: Interface
    ) {
        counters.repliesSent += 1
        sendAdvertisement(target, to: receiver, isOverriding: isOverriding, on: interface)
    }

    /// Tells all stations on the link where an own address is (section 7.2.6).
    func announce(_ address: IPv6Address, on interface: Interface) {
        sendAdvertisement(address, to: nil, isOverriding: true, on: interface)
    }

    /// - Parameter isRouter: The target is this router; not where the router speaks for another station.
    func sendAdvertisement(
        _ target: IPv6Address, to receiver: (address: IPv6Address, station: MACAddress)?, isOverriding: Bool,
        isRouter: Bool = true, on interface: Interface
    ) {
        let own = MACAddress(littleEndian: interface.mac)
        // The source of an answer from an anycast address is one of the router's own.
        let isOwn = interfaces.isUsable(.v6(target), on: interface.index)
        let source = isOwn ? target : interfaces.linkLocal(of: interface.index) ?? target
        let frame = PacketBuilder()
            .ethernet(from: own, to: receiver?.station ?? MACAddress(multicast: IPv6Address.allNodes))
            .ipv6(from: source, to: receiver?.address ?? .allNodes, hopLimit: 255)
            .discovery(
                NeighborAdvertisement(
                    target: target, station: own, isRouter: isRouter, isSolicited: receiver != nil,
                    isOverriding: isOverriding))
        send(frame, on: interface)
    }
}
