// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `routes:` static routes, one by one or from files.
extension IPModule {
    typealias Step = @ControlPlane () throws -> Void

    private static let routeKeys: [Schema.Key] = [
        .key("to", .string, "The destination: a prefix; 'default' for 0.0.0.0/0, 'default6' for ::/0"),
        .key("via", via, "The next hop, or several among which flows are spread"),
        .key(
            "interface", .text(.name),
            "For next hops without an interface of their own; in place of `via`, a tunnel, whose other end takes all packets"
        ),
        .key("bfd", watch, "For next hops without a `bfd` of their own; of a route file for all"),
        .key("type", .choice(of: RouteType.self), "unicast, or what becomes of packets instead; unicast if absent"),
        .key("vrf", .text(.name), "The VRF that has the route; the main table if absent"),
        .key("lookup-vrf", .text(.name), "In place of `via`: the destination is looked up in that VRF's table"),
        .key(
            "counter", .boolean,
            "Counts this route's packets and bytes, or those of each route of a file; they are counted per neighbour in any case"
        ),
        .key(
            "priority", .choice(of: RoutePriority.self),
            "How soon it is brought up to date when many routes have to be; low if absent and not in `forwarding`"),
        .key(
            "file", .string,
            "In place of `to`: a file of lines PREFIX NEXTHOP [counter], where NEXTHOP is an address or a place in `next-hops`, from 0"
        ),
        .key(
            "next-hops", .list(of: .string),
            "What the numbers in `file` mean: addresses, or ranges as 10.0.0.2-10.0.0.9"),
    ]

    private static let schema = Schema.either(
        [.list(of: .object(routeKeys)), .object(routeKeys)], doc: "Static routes: a list of routes and route files"
    )

    var routesSection: Section {
        Section("routes", IPModule.schema) { [unowned self] setting throws(ConfigurationErrors) in
            let steps = try readRoutes(setting)
            // All at once: which of them lead through which others does not depend on their order.
            return { [unowned self] in try fib.batch { for step in steps { try step() } } }
        }
    }

    private func readRoutes(_ setting: Setting) throws(ConfigurationErrors) -> [Step] {
        try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            var elements = [setting]
            if case .list(let list) = setting.value { elements = list }
            var steps: [Step] = []
            var seen: [Destination: Setting] = [:]
            for element in elements {
                let step = errors.collect { () throws(ConfigurationError) in
                    element["file"] == nil ? try readRoute(element, &seen) : try readFile(element)
                }
                if let step { steps.append(step) }
            }
            return steps
        }
    }

    // MARK: - One route

    private struct Destination: Hashable {
        let prefix: IPPrefix
        let table: String
    }

    /// What a route's entry says, short of its destination.
    private enum Way {
        case discard(Forwarding)
        case lookup(table: String)
        /// By a link that has one other end.
        case link(String)
        case hops([WrittenHop])
    }

    private func readRoute(
        _ setting: Setting, _ seen: inout [Destination: Setting]
    ) throws(ConfigurationError) -> Step {
        let destination = try setting.required("to")
        let prefix = try destination.destination()
        let table = try setting["vrf"]?.vrf(plan) ?? VRF.mainName
        let key = Destination(prefix: prefix, table: table)
        if let earlier = seen.updateValue(setting, forKey: key) {
            throw destination.error(
                "there is a route to \(prefix) already, in line \(earlier.mark.line)", "keep one of them")
        }
        if let hops = setting["next-hops"] { throw hops.error("next-hops goes with a route file", "give `via`") }
        routePlan.begin(prefix, in: table)
        let way = try readWay(setting, table)
        let isCounted = try setting["counter"]?.boolean ?? false
        let priority = try setting["priority"]?.choice(of: RoutePriority.self)
        return { [unowned self] in
            do throws(RouteError) {
                let place = try self.table(table)
                let paths = try paths(way, in: place)
                try fib.setRoute(prefix, paths, in: place, isCounted: isCounted, priority: priority)
            } catch {
                throw setting.error(error)
            }
        }
    }

    private func readWay(_ setting: Setting, _ table: String) throws(ConfigurationError) -> Way {
        let type = try setting["type"]?.choice(of: RouteType.self) ?? .unicast
        if let forwarding = type.forwarding {
            for key in ["via", "lookup-vrf", "bfd"] {
                guard let other = setting[key] else { continue }
                throw other.error("a route of type \(type) has no next hop", "remove `\(key)`")
            }
            return .discard(forwarding)
        }
        if let lookup = setting["lookup-vrf"] {
            for key in ["via", "bfd"] where setting[key] != nil {
                throw lookup.error("lookup-vrf does not go with \(key)", "remove one of them")
            }
            let other = try lookup.vrf(plan)
            if other == table {
                throw lookup.error("a route of \(table) that is looked up there again has no end", "give another VRF")
            }
            return .lookup(table: other)
        }
        let interface = try setting["interface"]?.string
        if setting["via"] == nil, let place = setting["interface"], let interface {
            guard plan.pointToPoint.contains(interface) else {
                throw place.error(
                    "\(interface) is no tunnel: it has more than one neighbour", "name one of them with `via`")
            }
            if let other = setting["bfd"] { throw other.error("bfd goes with a next hop", "give `via`") }
            return .link(interface)
        }
        let bfd = try setting["bfd"].flatMap { setting throws(ConfigurationError) in try readWatch(setting) }
        return .hops(try readHops(try setting.required("via"), interface: interface, bfd: bfd, table: table))
    }

    private func paths(_ way: Way, in table: VRF) throws(RouteError) -> [Path] {
        switch way {
        case .discard(let forwarding): return [Path(.discard(forwarding))]
        case .lookup(let name): return [Path(.table(try self.table(name).index))]
        case .link(let name): return [Path(.glean(try interface(named: name).index))]
        case .hops(let hops):
            var paths: [Path] = []
            for written in hops { paths.append(try path(written.hop, in: table, mustExist: false)) }
            return paths
        }
    }
}
