// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

/// `show fib`: routes and what they lead to.
struct RouteReport: Report {
    struct Row: Encodable, Sendable {
        /// That of a link with its interface: "fe80::1%lan0/128".
        let prefix: String
        /// Who says so: "connected", "static", ...
        let source: String
        /// Whether packets follow it: no better source has the prefix.
        let inForce: Bool
        /// "rewrite", "glean", "local", "load-balance", "table", "blackhole", ...
        let kind: String
        /// "10.0.0.2 on lan0", each with the backup that stands in for it.
        let nextHops: [String]
        let pathList: PathListIndex
    }

    let vrf: String
    let family: AddressFamily
    let routes: [Row]
    /// All prefixes that there are, shown or not.
    let total: Int
    /// Further prefixes with routes of which none can be used.
    let unusable: Int
    /// Prefixes that a change has made usable or unusable and that wait to be brought up to date.
    let waiting: Int

    var body: [TextBlock] {
        let table = TextBlock.table(
            ["Prefix", "Source", "Leads to", "Next hops", .right("Path-list")],
            routes.map { row in
                let shown = row.nextHops.prefix(3).joined(separator: ", ")
                let rest = row.nextHops.count > 3 ? " and \(row.nextHops.count - 3) more" : ""
                return [row.prefix, row.source, row.kind, shown + rest, "\(row.pathList)"]
            })
        var lines: [String] = []
        if total > routes.count {
            lines.append(
                "\(total - routes.count) more of \(total) prefixes; --limit shows more, a prefix or address its own")
        }
        if unusable == 1 { lines.append("1 more prefix has no usable route; --unusable says why") }
        if unusable > 1 { lines.append("\(unusable) more prefixes have no usable route; --unusable says why") }
        if waiting > 0 { lines.append("up to \(waiting) prefixes wait to be brought up to date") }
        return lines.isEmpty ? [table] : [table, .lines(lines)]
    }
}

/// `show fib PREFIX`, `show fib ADDRESS`: the routes, and all that they lead through to the adjacencies.
struct RouteExplanation: Report {
    struct Route: Encodable, Sendable {
        let vrf: String
        let prefix: String
        let source: String
        let inForce: Bool
        let pathList: PathListIndex
        let state: PathList.State
        /// How soon it is brought up to date when many are.
        let priority: RoutePriority
        /// What followed this route; nil where it is not counted apart from others.
        let packets: UInt64?
        let bytes: UInt64?

        /// Hidden by a better source, or of no use to anybody.
        var standing: String { inForce ? "in force" : state == .unusable ? "out of force" : "hidden" }
    }

    let vrf: String
    let routes: [Route]
    /// That of the route in force first, then those that it leads through.
    let pathLists: [PathListDetail]

    var body: [TextBlock] {
        let isCounted = routes.contains { $0.packets != nil }
        let table = TextBlock.table(
            ["VRF", "Prefix", "Source", "", "State", "Priority", .right("Path-list")]
                + (isCounted ? [.right("Packets"), .right("Bytes")] : []),
            routes.map { route in
                let traffic = [route.packets, route.bytes].map { $0.map(String.init) ?? "-" }
                return [
                    route.vrf, route.prefix, route.source, route.standing,
                    route.state.rawValue, route.priority.rawValue, "\(route.pathList)",
                ] + (isCounted ? traffic : [])
            })
        return [table] + pathLists.flatMap(\.blocks)
    }
}

/// `show path-list`: what routes share.
struct PathListReport: Report {
    let pathLists: [PathListDetail]
    let total: Int

    var body: [TextBlock] {
        let table = TextBlock.table(
            [.right("Index"), "State", .right("Uses"), .right("Load-balance"), .right("Buckets"), "Paths"],
            pathLists.map { list in
                let paths = list.paths.prefix(3).map(\.target).joined(separator: ", ")
                let rest = list.paths.count > 3 ? " and \(list.paths.count - 3) more" : ""
                return [
                    "\(list.index)", list.state.rawValue, "\(list.uses)", list.loadBalance.map { "\($0)" } ?? "",
                    "\(list.buckets)", paths + rest,
                ]
            })
        let rest = total - pathLists.count
        return rest > 0 ? [table, .line("\(rest) more of \(total) path-lists; --limit shows more")] : [table]
    }
}

/// `show path-list N`.
struct PathListChain: Report {
    let pathLists: [PathListDetail]

    var body: [TextBlock] { pathLists.flatMap(\.blocks) }
}

/// `show vrf`: the tables.
struct VRFReport: Report {
    struct Row: Encodable, Sendable {
        let name: String
        let index: UInt32
        let interfaces: [String]
        let ipv4Routes: Int
        let ipv6Routes: Int
    }

    let vrfs: [Row]

    var body: [TextBlock] {
        [
            .table(
                ["VRF", .right("Index"), .right("IPv4 routes"), .right("IPv6 routes"), "Interfaces"],
                vrfs.map { row in
                    [
                        row.name, "\(row.index)", "\(row.ipv4Routes)", "\(row.ipv6Routes)",
                        row.interfaces.joined(separator: ", "),
                    ]
                })
        ]
    }
}
