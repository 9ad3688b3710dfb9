// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// Why a route cannot be had, in words for the operator.
public struct RouteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong: "no connected network contains 10.9.9.9".
    public let problem: String
    /// What to do; may be empty.
    public let remedy: String
    /// Whether it is that no connected network contains a next hop.
    var isNotConnected = false

    public init(_ problem: String, _ remedy: String = "") {
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? problem : "\(problem); \(remedy)" }

    static func tooManyAdjacencies(_ count: Int) -> RouteError {
        RouteError("all \(count) adjacencies are in use", "remove routes through next hops that are not needed")
    }

    static func tooManyPaths(_ count: Int) -> RouteError {
        RouteError(
            "all \(count) paths with labels or backups are in use", "remove routes with labels that are not needed")
    }

    static func tooManyPathLists(_ count: Int) -> RouteError {
        RouteError("all \(count) path-lists are in use", "remove routes that are not needed")
    }

    static func tooManyLoadBalances(_ count: Int) -> RouteError {
        RouteError("all \(count) load-balances are in use", "remove routes with many paths that are not needed")
    }

    static func noBuckets(_ count: Int, used: Int, of capacity: Int) -> RouteError {
        RouteError(
            "a load-balance needs \(count) buckets, and of \(capacity) \(used) are in use",
            "remove routes with many paths that are not needed")
    }

    static func tooManyTables(_ count: Int) -> RouteError {
        RouteError("all \(count) tables (VRFs) are in use", "use fewer")
    }

    static func tooManyLabels(_ count: Int) -> RouteError {
        RouteError("a path cannot push \(count) labels", "give \(PathRecord.labelCapacity) at most")
    }

    static func noInterface(_ index: InterfaceIndex) -> RouteError {
        RouteError("there is no interface number \(index)", "give an existing one")
    }

    static func unreachable(_ neighbor: IPAddress, on interface: String?) -> RouteError {
        var error = notConnected(neighbor, interface)
        error.isNotConnected = true
        return error
    }

    private static func notConnected(_ neighbor: IPAddress, _ interface: String?) -> RouteError {
        guard let interface else {
            return RouteError(
                "no connected network contains \(neighbor)",
                "give a neighbour's address, or give an interface one in its network")
        }
        return RouteError(
            "no network of \(interface) contains \(neighbor)",
            "give a neighbour's address, or give \(interface) one in its network")
    }

    static func linkLocalNeedsInterface(_ address: IPAddress) -> RouteError {
        RouteError("\(address) is a link-local address, which may be on any link", "give `interface`")
    }

    static func nothingLeads(to nextHop: IPAddress, in table: String) -> RouteError {
        let place = table == VRF.mainName ? "" : " of VRF \(table)"
        return RouteError(
            "no connected network and no route\(place) leads to \(nextHop)",
            "give a neighbour's address, or add a route to it first")
    }

    static func ownAddress(_ address: IPAddress) -> RouteError {
        RouteError("\(address) is this router's own address", "give a neighbour's")
    }

    static func noHost(_ address: IPAddress, in prefix: IPPrefix) -> RouteError {
        let role = address.family == .ipv4 ? "network or broadcast" : "subnet-router anycast"
        return RouteError("\(address) is the \(role) address of \(prefix), not a host", "give a host's address")
    }
}
