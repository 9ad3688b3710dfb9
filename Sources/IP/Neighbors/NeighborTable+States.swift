// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// The states of entries, and what leads from one to the next (RFC 4861 section 7.3).
extension NeighborTable {
    /// Goes to a state and sets the timer that it asks for; nil ends the entry.
    func enter(_ neighbor: Neighbor, _ state: NeighborState?) {
        if let timer = neighbor.timer { engine.timers.cancel(timer) }
        neighbor.timer = nil
        count(neighbor, state)
        guard let state else { return }
        neighbor.state = state
        if state == .stale { return queueStale(neighbor) }
        guard let milliseconds = time(in: state, neighbor) else { return }
        neighbor.timer = engine.timers.after(milliseconds: milliseconds) { [weak self, weak neighbor] in
            if let self, let neighbor { self.timerFired(neighbor) }
        }
    }

    private func time(in state: NeighborState, _ neighbor: Neighbor) -> Int? {
        switch state {
        case .stale: return nil
        case .static: return neighbor.probeInterval
        case .delay: return policy.delayTime
        case .incomplete: return policy.retransmitInterval
        case .probe: return neighbor.probeInterval ?? policy.retransmitInterval
        case .reachable:
            if let interval = neighbor.probeInterval { return interval }
            // Not all at the same time (RFC 4861 section 6.3.2).
            return Int.random(in: max(1, policy.reachableTime / 2)...max(1, policy.reachableTime * 3 / 2))
        case .unreachable:
            guard !neighbor.isKept else { return policy.retransmitInterval }
            // Less and less often (RFC 7048 section 3).
            return min(policy.retransmitInterval << min(neighbor.requests, 5), max(policy.retransmitInterval, 30_000))
        }
    }

    /// Entries that ask for an address for the first time are numbered, because a scan makes many of them.
    private func count(_ neighbor: Neighbor, _ state: NeighborState?) {
        let (was, becomes) = (neighbor.isCountedIncomplete, state == .incomplete)
        neighbor.isCountedIncomplete = becomes
        guard was != becomes else { return }
        let index = neighbor.key.interface
        incompleteCount[index, default: 0] += becomes ? 1 : -1
        if becomes { incomplete[index, default: Queue()].append(neighbor) }
    }

    private func timerFired(_ neighbor: Neighbor) {
        neighbor.timer = nil
        switch neighbor.state {
        case .stale: break
        case .static: probeStatic(neighbor)
        case .reachable:
            guard neighbor.probeInterval == nil else { return probe(neighbor) }
            enter(neighbor, neighbor.isKept ? .delay : .stale)
        case .delay: probe(neighbor)
        case .incomplete, .probe: askAgain(neighbor)
        case .unreachable:
            if neighbor.isKept || hasRoutesBehind(neighbor) { ask(neighbor, .unreachable) } else { drop(neighbor) }
        }
    }

    /// Asks for the first time.
    func begin(_ neighbor: Neighbor) {
        neighbor.requests = 0
        ask(neighbor, .incomplete)
    }

    private func probe(_ neighbor: Neighbor) {
        neighbor.requests = 0
        ask(neighbor, .probe)
    }

    /// Sends a request, and waits for its answer in that state.
    private func ask(_ neighbor: Neighbor, _ state: NeighborState) {
        guard let interface = interfaces.interface(neighbor.key.interface) else { return drop(neighbor) }
        neighbor.requests += 1
        neighbor.state = state
        request(neighbor, on: interface)
        enter(neighbor, state)
    }

    private func askAgain(_ neighbor: Neighbor) {
        guard neighbor.requests >= policy.requests else { return ask(neighbor, neighbor.state) }
        giveUp(neighbor)
    }

    /// The neighbour does not answer: what leads through it goes elsewhere, and what waited for it is answered.
    private func giveUp(_ neighbor: Neighbor) {
        if neighbor.state == .probe { counters.lost += 1 }
        let waiting = takeHeld(neighbor)
        guard neighbor.isKept || hasRoutesBehind(neighbor) else {
            drop(neighbor)
            return refuse(waiting)
        }
        adjacencies.setFailure(.neighbor, true, neighbor.adjacency)
        adjacencies.invalidate(neighbor.adjacency)
        removeHostRoute(neighbor)
        engine.log.warning(
            "the next hop \(neighbor.key.address) on \(name(neighbor.key.interface)) does not answer")
        neighbor.requests = 0
        enter(neighbor, .unreachable)
        refuse(waiting)
    }

    /// Asks a neighbour that was given up, because a packet wants it, but no more often than any other.
    func askSooner(_ neighbor: Neighbor) {
        guard isTime(for: neighbor.key.address, every: Double(policy.retransmitInterval) / 1000) else { return }
        ask(neighbor, .unreachable)
    }

    // MARK: - Answers

    /// The neighbour is at `mac`: its adjacency is complete, it has a host route, and what waited is sent.
    func complete(_ neighbor: Neighbor, at mac: MACAddress, _ state: NeighborState, on interface: Interface) {
        let isNews = neighbor.mac != mac || !adjacencies.table[neighbor.adjacency].status.isResolved
        neighbor.mac = mac
        neighbor.requests = 0
        if state != .stale { neighbor.confirmed = Clock.now }
        if isNews { adjacencies.complete(neighbor.adjacency, at: mac, from: interface) }
        if neighbor.state == .unreachable {
            engine.log.notice("the next hop \(neighbor.key.address) on \(interface.name) answers again")
        }
        enter(neighbor, state)
        adjacencies.setFailure(.neighbor, false, neighbor.adjacency)
        addHostRoute(neighbor, on: interface)
        release(neighbor)
        if state == .stale, neighbor.isKept { enter(neighbor, .delay) }
    }

    // MARK: - Stale entries

    private func queueStale(_ neighbor: Neighbor) {
        neighbor.used = Clock.now
        neighbor.packets = adjacencies.counters.count(of: neighbor.adjacency).packets
        if !neighbor.isQueued {
            neighbor.isQueued = true
            stale.append(neighbor)
        }
        guard !isSweeping else { return }
        isSweeping = true
        scheduleSweep()
    }

    /// Milliseconds between looks at stale entries, and how many are looked at each time.
    private static var sweepInterval: Int { 100 }
    private static var sweepCount: Int { 2000 }

    private func scheduleSweep() {
        engine.timers.after(milliseconds: NeighborTable.sweepInterval) { [weak self] in self?.sweep() }
    }

    /// Workers say nothing when they send to a stale neighbour: the adjacency's counter shows it.
    private func sweep() {
        for _ in 0..<min(stale.count, NeighborTable.sweepCount) {
            guard let neighbor = stale.popFirst() else { break }
            neighbor.isQueued = false
            guard neighbor.state == .stale, self[neighbor.key] === neighbor else { continue }
            if look(neighbor) {
                enter(neighbor, .delay)
            } else if Clock.seconds(Clock.now &- neighbor.used) * 1000 >= Double(policy.unusedTime) {
                drop(neighbor)
            } else {
                neighbor.isQueued = true
                stale.append(neighbor)
            }
        }
        isSweeping = !stale.isEmpty
        if isSweeping { scheduleSweep() }
    }

    /// Whether packets were sent to the neighbour since the last look.
    func look(_ neighbor: Neighbor) -> Bool {
        let packets = adjacencies.counters.count(of: neighbor.adjacency).packets
        defer { neighbor.packets = packets }
        return packets != neighbor.packets
    }
}
