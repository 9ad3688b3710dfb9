// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

/// Where a session runs, and from which address it speaks.
struct BFDSeat {
    let slot: Int
    let worker: Int
    let local: IPAddress
}

// Sessions and the router's addresses: nothing is sent from one that is tentative, a duplicate or gone (RFC 4862 section
// 5.4), so a session runs only while the router has one that it may use.
extension BFDManager {
    func addressesChanged(on interface: Interface) {
        let concerned = sessions.values.filter { $0.key.interface == interface.index || $0.key.interface == 0 }
        for session in concerned { review(session) }
    }

    /// Brings the session in line with the router's addresses.
    func review(_ session: Session) {
        // It keeps its address as long as it can: another would be another session to the peer.
        if let seat = session.seat {
            guard source(of: session, seat.local) == nil else { return }
            lose(session)
        }
        guard session.seat == nil, sessions[session.key] === session, !session.isLeaving,
            let source = source(of: session, session.wanted)
        else { return }
        take(session, source)
    }

    /// The address that the session may speak from, and the interface that has it.
    /// - Parameter wanted: This one and no other.
    private func source(of session: Session, _ wanted: IPAddress?) -> (local: IPAddress, interface: Interface)? {
        guard let interface = session.interface else {
            guard let table = fib.table(TableIndex(rawValue: session.key.table)),
                let owner = owner(of: session.key.local, in: table),
                interfaces.isUsable(session.key.local, on: owner.index)
            else { return nil }
            return (session.key.local, owner)
        }
        let peer = session.key.peer
        guard let wanted else {
            return interfaces.address(of: interface.index, facing: peer).map { ($0.address, interface) }
        }
        let own = interfaces.addresses(of: interface.index).first { $0.address == wanted && $0.isNeighbor(peer) }
        return own.map { ($0.address, interface) }
    }

    /// The interface of the table that has the router's own address.
    func owner(of local: IPAddress, in table: VRF) -> Interface? {
        for index in interfaces.indices {
            guard let interface = interfaces.interface(index), fib.table(of: interface) === table else { continue }
            return interfaces.owner(of: local, near: interface).flatMap(interfaces.interface)
        }
        return nil
    }

    // MARK: - Seats

    /// Has a worker run the session, from its beginning.
    private func take(_ session: Session, _ source: (local: IPAddress, interface: Interface)) {
        // One that another has just left is free in a moment, and then this is asked again.
        guard let slot = takeSlot() else { return }
        let worker = perWorker.indices.min { perWorker[$0] < perWorker[$1] } ?? 0
        perWorker[worker] += 1
        let discriminator = UInt32.random(in: 1...0xffff) << 16 | UInt32(slot)
        let protocolSession = BFDSession(
            discriminator: discriminator, parameters: session.parameters,
            now: MicrosecondClock().microseconds(Clock.now), seed: .random(in: 1 ... .max))
        table.publish(
            slot,
            BFDSlot(
                discriminator: discriminator, worker: UInt16(worker),
                sourcePort: BFDPort.firstSource + UInt16(slot % 0x4000), key: session.key, local: source.local,
                adjacency: session.adjacency, viaInterface: session.interface == nil ? source.interface.index : 0,
                cookie: .random(in: .min ... .max), session: protocolSession, staged: session.parameters))
        session.seat = BFDSeat(slot: slot, worker: worker, local: source.local)
        bySlot[slot] = session
        stage(session, .begin)
        if session.isGuard { post(.guardOn, session) }
        if session.isAdminDown { post(.adminDown, session) }
    }

    /// The session's address cannot be used any more: it stops without a word, for there is nothing to say it from.
    private func lose(_ session: Session) {
        let before = session.state
        leaveSeat(session)
        // It was saying goodbye.
        guard !session.isLeaving else { return remove(session) }
        guard before != .down || session.isPathLost else { return }
        // Nothing is known of the path: that is no failure of it.
        note(
            BFDChange(
                peer: session.key.peer, interface: session.interface?.name, adjacency: session.adjacency, from: before,
                to: .down, diagnostic: .pathDown, remoteState: .down, remoteDiagnostic: .none, isFailure: false,
                isPathLost: false, clock: Clock.now), session)
    }

    /// Takes the session out of its worker's sight. What the worker has said of the neighbour holds no longer.
    func leaveSeat(_ session: Session) {
        guard let seat = session.seat else { return }
        // What it has counted goes on from there.
        session.baseline = BFDCounters() - counters(of: session)
        table.withdraw(seat.slot)
        session.seat = nil
        bySlot[seat.slot] = nil
        perWorker[seat.worker] -= 1
        // The worker may be in the midst of it.
        adjacencies.retain(session.adjacency)
        engine.retire { [weak self] in
            guard let self else { return }
            freeSlots.append(seat.slot)
            restore(session)
            adjacencies.release(session.adjacency)
            review(session)
        }
    }

    /// Puts the adjacency back that a session without a seat has taken out of service.
    private func restore(_ session: Session) {
        guard session.adjacency != 0, adjacencies.table[session.adjacency].status.isBFDDown else { return }
        let table = table
        // It may have begun again meanwhile, and so may another with the same peer.
        let current = sessions[session.key]?.seat
        if let current, table[current.slot].keepsNeighborDown { return }
        adjacencies.setBFDDown(false, session.adjacency) { current.map { table[$0.slot].keepsNeighborDown } ?? false }
    }
}
