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
        guard let session = bySlot[Int(news.slot)], table[session.slot].discriminator == news.discriminator else {
            return
        }
        switchAdjacency(news, session)
        if news.from != news.to || news.isFailure { note(news, session) }
        // Asked for again while it said goodbye, it stays.
        if news.hasLeft, session.isLeaving { remove(session) }
    }

    /// Accounts for what the worker has stored already, or puts the adjacency back: the time to wait before it is used
    /// again is the adjacency's affair.
    private func switchAdjacency(_ news: BFDNews, _ session: Session) {
        let adjacency = table[session.slot].adjacency
        guard adjacency != 0 else { return }
        if news.isFailure {
            if session.isGuard { adjacencies.setBFDDown(true, adjacency, at: news.clock) }
        } else if adjacencies.table[adjacency].status.isBFDDown, news.isPathTrusted || !session.isGuard {
            let (table, slot) = (table, session.slot)
            adjacencies.setBFDDown(false, adjacency, at: news.clock) { table[slot].hasFailed }
        }
    }

    private func note(_ news: BFDNews, _ session: Session) {
        session.state = news.to
        session.diagnostic = news.diagnostic
        if news.to == .up { session.upCount += 1 }
        if news.isFailure { session.failureCount += 1 }
        let change = BFDChange(
            peer: session.key.peer, interface: session.interface?.name, adjacency: table[session.slot].adjacency,
            from: news.from, to: news.to, diagnostic: news.diagnostic, remoteState: news.remoteState,
            remoteDiagnostic: news.remoteDiagnostic, isFailure: news.isFailure, clock: news.clock)
        session.history.append(change)
        if session.history.count > BFDManager.historyLength { session.history.removeFirst() }
        let place = session.interface.map { " on \($0.name)" } ?? ""
        let reason = news.diagnostic == .none ? "" : " (\(news.diagnostic))"
        if news.from == .up || news.to == .up {
            engine.log.notice("BFD session with \(session.key.peer)\(place) is \(news.to)\(reason)")
        }
        for client in session.clients.sorted(by: { $0.key < $1.key }) { client.value.onChange(change) }
    }
}
