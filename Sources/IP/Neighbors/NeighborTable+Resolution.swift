// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// Packets that wait for an address, and the timers of entries.
extension NeighborTable {
    /// A packet through an incomplete adjacency.
    func resolveAdjacency(_ punted: PuntedPacket) {
        let record = adjacencies.table[punted.adjacency]
        guard let address = record.neighbor?.v4 else { return }
        resolve(address, on: record.txInterface, holding: HeldPacket(punted))
    }

    /// Asks for the address of an adjacency's neighbour, unless that is under way.
    func want(_ index: AdjacencyIndex) {
        let record = adjacencies.table[index]
        guard let address = record.neighbor?.v4, let interface = interfaces.interface(record.txInterface),
            interface.flags.isSuperset(of: .usable),
            interfaces.address(of: interface.index, facing: .v4(address)) != nil
        else { return }
        let key = NeighborKey(interface: interface.index, address: .v4(address))
        guard let neighbor = self[key] ?? (try? make(key, on: interface)) ?? nil else { return }
        if neighbor.state == .incomplete, neighbor.requests == 0 { ask(neighbor) }
    }

    /// A packet to a host on a connected network.
    func resolveHost(_ punted: PuntedPacket) {
        let packet = HeldPacket(punted)
        guard packet.bytes.count >= IPv4View.minimumLength else { return }
        let destination = packet.bytes[16..<20].reduce(0) { $0 << 8 | UInt32($1) }
        resolve(IPv4Address(destination), on: adjacencies.table[punted.adjacency].txInterface, holding: packet)
    }

    private func resolve(_ address: IPv4Address, on index: InterfaceIndex, holding packet: HeldPacket) {
        guard let interface = interfaces.interface(index), interface.flags.isSuperset(of: .usable),
            interfaces.address(of: index, facing: .v4(address)) != nil
        else { return refuse([packet]) }
        let key = NeighborKey(interface: index, address: .v4(address))
        guard let neighbor = self[key] ?? (try? make(key, on: interface)) ?? nil else { return refuse([packet]) }
        if neighbor.held.count == NeighborTable.heldPerNeighbor {
            neighbor.held.removeFirst()
            counters.heldDropped += 1
        }
        neighbor.held.append(packet)
        if neighbor.state != .incomplete { return release(neighbor) }
        if neighbor.requests == 0 { ask(neighbor) }
    }

    /// Sends what waited, in order.
    func release(_ neighbor: Neighbor) {
        for packet in neighbor.held {
            let flags: BufferFlags = packet.isOwn ? .locallyOriginated : []
            let isSent = engine.inject(
                packet.bytes, at: packet.isLabelled ? MPLSRewrite.name : IP4Rewrite.name,
                rxInterface: packet.rxInterface, adjacency: neighbor.adjacency, flags: flags, worker: packet.worker)
            if !isSent { counters.injectFailed += 1 }
        }
        neighbor.held = []
    }

    /// Tells the packets' senders that the host is unreachable (RFC 1812 section 3.3.2), if there is a way back to them: who
    /// sent a labelled packet is not known here.
    private func refuse(_ packets: [HeldPacket]) {
        for packet in packets {
            counters.unanswered += 1
            if packet.isOwn || packet.isLabelled { continue }
            engine.inject(
                packet.bytes, at: IP4NoForwarding.name, rxInterface: packet.rxInterface,
                adjacency: Forwarding.unreachable.index, flags: [], worker: packet.worker)
        }
    }

    // MARK: - Timers

    /// Sets the timer that the entry's state asks for.
    func setTimer(_ neighbor: Neighbor) {
        if let timer = neighbor.timer { engine.timers.cancel(timer) }
        neighbor.timer = nil
        let milliseconds: Int
        switch neighbor.state {
        case .static: return
        case .reachable: milliseconds = policy.reachableTime
        case .incomplete, .stale: milliseconds = policy.retransmitInterval
        }
        neighbor.timer = engine.timers.after(milliseconds: milliseconds) { [weak self, weak neighbor] in
            if let self, let neighbor { self.timerFired(neighbor) }
        }
    }

    private func timerFired(_ neighbor: Neighbor) {
        neighbor.timer = nil
        if neighbor.state == .reachable { neighbor.state = .stale }
        ask(neighbor)
    }

    /// Sends one more request, or gives the neighbour up when there were enough.
    private func ask(_ neighbor: Neighbor) {
        guard neighbor.requests < policy.requests, let interface = interfaces.interface(neighbor.key.interface) else {
            let waiting = neighbor.held
            neighbor.held = []
            forget(neighbor)
            return refuse(waiting)
        }
        request(neighbor, on: interface)
        setTimer(neighbor)
    }
}
