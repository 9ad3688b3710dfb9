// SPDX-License-Identifier: Apache-2.0
import Graph
import Synchronization

/// The neighbours on each link, and their marks when the link is lost: set by the thread that has the kernel's news, ahead
/// of the control side, which takes them away.
///
/// Why no loss is forgotten: both sides write a mark only under this lock, which no worker takes, and both see the same
/// events in the same order, the control side later. The control side takes marks away when it comes to news that the
/// link is there, unless the latest news, which it has still to come to, say otherwise; and it comes to such news after
/// every loss. Before it takes a mark away it has said itself what is to be said (`waitToRestore`), so that there is
/// no moment between failure and waiting at which packets would go back.
final class LinkLosses: Sendable {
    /// Moments of a loss, in `Clock` ticks.
    struct Loss {
        /// When the kernel's news were there.
        let detected: UInt64
        /// When workers could see it.
        let stored: UInt64
    }

    private struct State {
        var neighbors: [InterfaceIndex: Set<AdjacencyIndex>] = [:]
        /// Links that are lost by the latest news.
        var lost: Set<InterfaceIndex> = []
        /// The first loss that the control side has not come to yet.
        var untold: [InterfaceIndex: Loss] = [:]
    }

    private let state = Mutex(State())
    private let table: AdjacencyTable

    init(_ table: AdjacencyTable) { self.table = table }

    // MARK: - Any thread

    /// The latest news of a link.
    func hear(_ interface: InterfaceIndex, isLost: Bool, at clock: UInt64) {
        state.withLock { state in
            guard isLost else {
                state.lost.remove(interface)
                return
            }
            for index in state.neighbors[interface] ?? [] { table.setLinkLost(index, true) }
            state.lost.insert(interface)
            if state.untold[interface] == nil { state.untold[interface] = Loss(detected: clock, stored: Clock.now) }
        }
    }

    /// Whether a link is lost by the latest news.
    func isLost(_ interface: InterfaceIndex) -> Bool { state.withLock { $0.lost.contains(interface) } }

    // MARK: - Control side

    func neighbors(on interface: InterfaceIndex) -> Set<AdjacencyIndex> {
        state.withLock { $0.neighbors[interface] ?? [] }
    }

    /// A neighbour on the link, new in the table; marked at once when the link is lost.
    func insert(_ index: AdjacencyIndex, on interface: InterfaceIndex) {
        state.withLock { state in
            state.neighbors[interface, default: []].insert(index)
            if state.lost.contains(interface) { table.setLinkLost(index, true) }
        }
    }

    func remove(_ index: AdjacencyIndex, on interface: InterfaceIndex) {
        _ = state.withLock { $0.neighbors[interface]?.remove(index) }
    }

    /// The control side has come to a loss: its moments, if they were told here.
    func takeLoss(of interface: InterfaceIndex) -> Loss? {
        state.withLock { $0.untold.removeValue(forKey: interface) }
    }

    /// The control side has come to news that the link is there. Returns the neighbours whose marks were taken away.
    func clear(_ interface: InterfaceIndex) -> [AdjacencyIndex] {
        state.withLock { state in
            guard !state.lost.contains(interface) else { return [] }
            state.untold[interface] = nil
            let marked = (state.neighbors[interface] ?? []).filter { table[$0].status.isLinkLost }
            for index in marked { table.setLinkLost(index, false) }
            return marked.sorted()
        }
    }
}
