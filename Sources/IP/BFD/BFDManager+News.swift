// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// What workers report of sessions, and who hears of it.
extension BFDManager {
    private nonisolated static let historyLength = 8

    /// What a worker reports of a session.
    func receive(_ punted: PuntedPacket) {
        guard punted.bytes.count >= MemoryLayout<BFDNews>.size else { return }
        let news = punted.bytes.withUnsafeBytes { $0.loadUnaligned(as: BFDNews.self) }
        guard let session = bySlot[Int(news.slot)], let slot = session.seat?.slot,
            table[slot].discriminator == news.discriminator
        else { return }
        switchAdjacency(news, session, slot)
        let isPathLost = (news.isFailure || session.isPathLost) && !news.isPathTrusted
        if news.from != news.to || news.isFailure || isPathLost != session.isPathLost {
            note(
                BFDChange(
                    peer: session.key.peer, interface: session.interface?.name, adjacency: session.adjacency,
                    from: news.from, to: news.to, diagnostic: news.diagnostic, remoteState: news.remoteState,
                    remoteDiagnostic: news.remoteDiagnostic, isFailure: news.isFailure, isPathLost: isPathLost,
                    clock: news.clock), session)
        }
        // Asked for again while it said goodbye, it stays.
        if news.hasLeft, session.isLeaving { remove(session) }
    }

    /// Accounts for what the worker has stored already, or puts the adjacency back: the time to wait before it is used
    /// again is the adjacency's affair.
    private func switchAdjacency(_ news: BFDNews, _ session: Session, _ slot: Int) {
        let adjacency = session.adjacency
        guard adjacency != 0 else { return }
        if news.isFailure, session.isGuard { adjacencies.setBFDDown(true, adjacency, at: news.clock) }
        // News that had to wait may tell of a failure and of its end.
        if adjacencies.table[adjacency].status.isBFDDown, news.isPathTrusted || !session.isGuard {
            let table = table
            adjacencies.setBFDDown(false, adjacency, at: news.clock) { table[slot].keepsNeighborDown }
        }
    }

    /// Takes a peer whose path is lost out of use as a next hop, or puts it back, where that is not done already.
    ///
    /// Of a neighbour that is the worker's affair, unless the path was lost before anybody asked for it.
    func guardNextHop(_ session: Session) {
        let isLost = session.isGuard && session.isPathLost
        guard session.interface == nil else {
            if isLost, !adjacencies.table[session.adjacency].status.isBFDDown {
                adjacencies.setBFDDown(true, session.adjacency)
            }
            return
        }
        guard isLost != session.isHopLost else { return }
        session.isHopLost = isLost
        fib.setLost(
            session.key.peer, in: TableIndex(rawValue: session.key.table), isLost,
            because: "BFD down (\(session.diagnostic))")
    }

    /// Accounts for a change, and tells the clients.
    func note(_ change: BFDChange, _ session: Session) {
        session.state = change.to
        session.diagnostic = change.diagnostic
        session.isPathLost = change.isPathLost
        guardNextHop(session)
        if change.to == .up { session.upCount += 1 }
        if change.isFailure { session.failureCount += 1 }
        session.history.append(change)
        if session.history.count > BFDManager.historyLength { session.history.removeFirst() }
        let place = session.interface.map { " on \($0.name)" } ?? ""
        let reason = session.seat == nil ? BFDReport.noAddress : "\(change.diagnostic)"
        if change.from == .up || change.to == .up {
            let suffix = change.diagnostic == .none ? "" : " (\(reason))"
            engine.log.notice("BFD session with \(session.key.peer)\(place) is \(change.to)\(suffix)")
        }
        for client in session.clients.sorted(by: { $0.key < $1.key }) { client.value.onChange(change) }
    }
}
