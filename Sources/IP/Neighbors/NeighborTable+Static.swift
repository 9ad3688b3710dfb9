// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// Static entries whose loss somebody wants to see soon: asked by unicast like others, as often as that. Their hardware
// addresses stay what the operator said; what changes is whether packets take them.
extension NeighborTable {
    /// Asks a static neighbour once more, and takes it out of use when it has not answered.
    func probeStatic(_ neighbor: Neighbor) {
        guard let interface = interfaces.interface(neighbor.key.interface) else { return }
        // The link's own failure says more.
        if interface.flags.isSuperset(of: .usable) {
            if neighbor.requests == policy.requests { lose(neighbor) }
            neighbor.requests += 1
            request(neighbor, on: interface)
        } else {
            neighbor.requests = 0
        }
        enter(neighbor, .static)
    }

    private func lose(_ neighbor: Neighbor) {
        counters.lost += 1
        engine.log.warning(
            "the static neighbour \(neighbor.key.address) on \(name(neighbor.key.interface)) does not answer")
        adjacencies.setFailure(.neighbor, true, neighbor.adjacency)
    }

    /// A static neighbour has answered, at the address that it is to have.
    func confirmStatic(_ neighbor: Neighbor) {
        neighbor.confirmed = Clock.now
        neighbor.requests = 0
        guard isLost(neighbor) else { return }
        engine.log.notice(
            "the static neighbour \(neighbor.key.address) on \(name(neighbor.key.interface)) answers again")
        adjacencies.setFailure(.neighbor, false, neighbor.adjacency)
    }

    /// Whether a neighbour did not answer, so that nothing is sent to it.
    func isLost(_ neighbor: Neighbor) -> Bool {
        adjacencies.table[neighbor.adjacency].status.failures.contains(.neighbor)
    }

    /// What is wanted of a static neighbour has changed: nobody may have asked for probes any more.
    func keepersChangedStatic(_ neighbor: Neighbor) {
        neighbor.requests = 0
        if neighbor.probeInterval == nil { adjacencies.setFailure(.neighbor, false, neighbor.adjacency) }
        enter(neighbor, .static)
    }
}
