// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// BFD sessions that fast reroute asks for. What they find is the affair of the worker that has them, and of `AdjacencyStore`.
extension FastReroute {
    /// Has a session watch a next hop from `start` on.
    /// - Parameter profile: Whose parameters the session gets if it is not there yet.
    func watch(_ nextHop: IPAddress, on interface: Interface, profile: String) {
        watches.append((nextHop, interface, profile))
    }

    /// The configuration has been applied, BFD's profiles and sessions too: asks for the sessions that it wants.
    func start() throws(RouteError) {
        for (address, interface, profile) in watches {
            _ = try bfd?.register(
                BFDTarget(peer: address, interface: interface), client: "fast reroute", profile: profile)
        }
        watches = []
    }
}
