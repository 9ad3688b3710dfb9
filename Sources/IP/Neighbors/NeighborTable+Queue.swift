// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// Packets that wait for an address, and the bounds of what is kept.
extension NeighborTable {
    /// A packet through an adjacency that is not resolved.
    func resolveAdjacency(_ punted: PuntedPacket, _ kind: HeldPacket.Kind) {
        guard let key = adjacencies.key(of: punted.adjacency), !key.address.isUnspecified else { return }
        resolve(key, holding: HeldPacket(punted, kind))
    }

    /// A packet to a host on a connected network.
    func resolveHost(_ punted: PuntedPacket, _ kind: HeldPacket.Kind) {
        let packet = HeldPacket(punted, kind)
        guard let destination = packet.destination else { return }
        let interface = adjacencies.table[punted.adjacency].txInterface
        resolve(NeighborKey(interface: interface, address: destination), holding: packet)
    }

    private func resolve(_ key: NeighborKey, holding packet: HeldPacket) {
        guard let interface = interfaces.interface(key.interface), interface.flags.isSuperset(of: .usable),
            interfaces.address(of: key.interface, facing: key.address) != nil,
            let neighbor = self[key] ?? (try? make(key, on: interface)) ?? nil
        else { return refuse([packet]) }
        if neighbor.state == .unreachable {
            askSooner(neighbor)
            return refuse([packet])
        }
        // What asks whether a path lives has been overtaken by the next when it comes late: it would take down a BFD session.
        if packet.flags.contains(.pinned) { counters.notHeld += 1 } else { hold(packet, for: neighbor) }
        if neighbor.state != .incomplete { return release(neighbor) }
        guard neighbor.requests == 0 else { return }
        limitIncomplete(on: key.interface)
        begin(neighbor)
    }

    // MARK: - Holding

    /// The latest packets are those that are still wanted (RFC 1122 section 2.3.2.2).
    private func hold(_ packet: HeldPacket, for neighbor: Neighbor) {
        if neighbor.held.count == NeighborTable.heldPerNeighbor {
            dropOldest(of: neighbor)
        } else if heldCount >= policy.maximumHeld {
            while let first = waiting.first, first.held.isEmpty { _ = waiting.popFirst() }
            if let first = waiting.first { dropOldest(of: first) }
        }
        if neighbor.held.isEmpty { waiting.append(neighbor) }
        neighbor.held.append(packet)
        heldCount += 1
    }

    private func dropOldest(of neighbor: Neighbor) {
        neighbor.held.removeFirst()
        heldCount -= 1
        counters.heldDropped += 1
    }

    /// The packets that waited for the neighbour, which now waits for none.
    func takeHeld(_ neighbor: Neighbor) -> [HeldPacket] {
        defer {
            neighbor.held = []
            while let first = waiting.first, first.held.isEmpty { _ = waiting.popFirst() }
        }
        heldCount -= neighbor.held.count
        return neighbor.held
    }

    /// Sends what waited, in order.
    func release(_ neighbor: Neighbor) {
        for packet in takeHeld(neighbor) {
            let isSent = engine.inject(
                packet.bytes, at: packet.kind.rewriteNode, rxInterface: packet.rxInterface,
                txInterface: packet.table, adjacency: neighbor.adjacency, flags: packet.flags, worker: packet.worker)
            if !isSent { counters.injectFailed += 1 }
        }
    }

    /// Tells the packets' senders that the host is unreachable (RFC 1812 section 3.3.2, RFC 4861 section 7.2.2).
    func refuse(_ packets: [HeldPacket]) {
        for packet in packets {
            counters.unanswered += 1
            guard !packet.flags.contains(.locallyOriginated), let node = packet.kind.refusalNode else { continue }
            engine.inject(
                packet.bytes, at: node, rxInterface: packet.rxInterface, txInterface: packet.table,
                adjacency: Forwarding.unreachable.index, flags: packet.flags.intersection(.hasTable),
                worker: packet.worker)
        }
    }

    // MARK: - Bounds

    /// Gives up the neighbours on the interface that have been asked for longest, when there are too many of them: most
    /// often addresses that a scan went through (RFC 6583 section 7.1).
    private func limitIncomplete(on interface: InterfaceIndex) {
        while let first = incomplete[interface]?.first, !isGoing(first) { _ = incomplete[interface]?.popFirst() }
        guard incompleteCount[interface] ?? 0 >= policy.maximumIncomplete else { return }
        if dropIncomplete(on: interface) { counters.incompleteDropped += 1 }
    }

    private func isGoing(_ neighbor: Neighbor) -> Bool {
        neighbor.state == .incomplete && neighbor.isCountedIncomplete && self[neighbor.key] === neighbor
    }

    /// Removes the neighbour that has been asked for longest and that no route needs.
    private func dropIncomplete(on interface: InterfaceIndex) -> Bool {
        for _ in 0..<(incomplete[interface]?.count ?? 0) {
            guard let oldest = incomplete[interface]?.popFirst() else { return false }
            guard isGoing(oldest) else { continue }
            guard !oldest.isKept, !hasRoutesBehind(oldest) else {
                incomplete[interface]?.append(oldest)
                continue
            }
            drop(oldest)
            return true
        }
        return false
    }

    /// Entries looked at for one that can go.
    private static var evictionTries: Int { 64 }

    /// Sees to it that there is room for one more entry: those that nothing is sent to make room, then those that have not
    /// answered; static ones, used ones and next hops of routes stay. False when there is no room.
    func makeRoom() -> Bool {
        guard count >= policy.maximum else { return true }
        for _ in 0..<min(stale.count, NeighborTable.evictionTries) {
            guard let oldest = stale.popFirst() else { break }
            oldest.isQueued = false
            guard oldest.state == .stale, self[oldest.key] === oldest else { continue }
            if !look(oldest), !oldest.isKept, !hasRoutesBehind(oldest) {
                counters.evicted += 1
                drop(oldest)
                return true
            }
            oldest.isQueued = true
            stale.append(oldest)
        }
        guard let busiest = incompleteCount.max(by: { $0.value < $1.value })?.key, dropIncomplete(on: busiest) else {
            return false
        }
        counters.evicted += 1
        return true
    }
}

extension HeldPacket.Kind {
    /// Where a packet goes on when its neighbour's address is known.
    fileprivate var rewriteNode: String {
        switch self {
        case .ip4: IP4Rewrite.name
        case .ip6: IP6Rewrite.name
        case .mpls: MPLSRewrite.name
        }
    }

    /// Where its sender is told that it could not be sent; nobody tells senders of labelled packets.
    fileprivate var refusalNode: String? {
        switch self {
        case .ip4: IP4NoForwarding.name
        case .ip6: IP6NoForwarding.name
        case .mpls: nil
        }
    }
}
