// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// BFD as a trigger. The worker that has the session takes the next hop out of use; what is left is to put it back.
extension FastReroute {
    /// Has a session watch a next hop from `start` on.
    /// - Parameter profile: Whose parameters the session gets if it is not there yet.
    func watch(_ nextHop: IPAddress, on interface: Interface, profile: String) {
        watches.append((nextHop, interface, profile))
    }

    /// The configuration has been applied: registers with BFD for what the file wants watched, and for the next hops with
    /// which it has sessions anyway.
    func start() throws(RouteError) {
        guard let bfd else { return }
        for (address, interface, profile) in watches {
            guard let parameters = bfd.profiles[profile] else {
                throw RouteError(
                    "fast-reroute: there is no BFD profile '\(profile)' for \(address)",
                    Spelling.hint(for: profile, among: bfd.profiles.keys.sorted()))
            }
            try register(BFDTarget(peer: address, interface: interface), parameters, bfd)
        }
        let watched = Set(watches.map { BFDKey.singleHop($0.interface.index, peer: $0.address) })
        for session in bfd.sessions.values where !watched.contains(session.key) {
            guard let interface = session.interface else { continue }
            try register(BFDTarget(peer: session.key.peer, interface: interface), session.parameters, bfd)
        }
        watches = []
    }

    private func register(
        _ target: BFDTarget, _ parameters: BFDParameters, _ bfd: BFDManager
    ) throws(RouteError) {
        _ = try bfd.register(target, client: "fast reroute", parameters: parameters, guardsNextHop: true) {
            [weak self, weak bfd] change in
            guard let self, let bfd else { return }
            if change.isFailure {
                adjacencies.setBFDDown(true, change.adjacency, at: change.clock)
            } else if change.to == .up {
                adjacencies.setBFDDown(false, change.adjacency, at: change.clock) { bfd.hasLost(change.adjacency) }
            }
        }
    }
}

extension BFDManager {
    /// Whether the worker has lost the neighbour by now, whatever it has reported so far.
    fileprivate func hasLost(_ adjacency: AdjacencyIndex) -> Bool {
        sessions.values.contains { table[$0.slot].adjacency == adjacency && table[$0.slot].session.state != .up }
    }
}
