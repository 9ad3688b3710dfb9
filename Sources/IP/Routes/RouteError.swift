// SPDX-License-Identifier: Apache-2.0
import Wire

/// Why a route cannot be had, in words for the operator.
public struct RouteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong: "no connected network contains 10.9.9.9".
    public let problem: String
    /// What to do; may be empty.
    public let remedy: String

    public init(_ problem: String, _ remedy: String = "") {
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? problem : "\(problem); \(remedy)" }

    static let tooManyAdjacencies = RouteError(
        "there are \(Forwarding.adjacencyCapacity) adjacencies, and no more can be had",
        "remove routes through next hops that are not needed")

    static func unreachable(_ neighbor: IPv4Address, on interface: String?) -> RouteError {
        guard let interface else {
            return RouteError(
                "no connected network contains \(neighbor)",
                "give a neighbour's address, or give an interface one in its network")
        }
        return RouteError(
            "no network of \(interface) contains \(neighbor)",
            "give a neighbour's address, or give \(interface) one in its network")
    }

    static func ownAddress(_ address: IPv4Address) -> RouteError {
        RouteError("\(address) is this router's own address", "give a neighbour's")
    }

    static func noHost(_ address: IPv4Address, in prefix: IPv4Prefix) -> RouteError {
        RouteError("\(address) is the network or broadcast address of \(prefix), not a host", "give a host's address")
    }
}
