// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// `routes:` static routes, one by one or from files.
extension IPModule {
    private typealias Step = @ControlPlane () throws -> Void

    private static let routeKeys: [Schema.Key] = [
        .key("to", .string, "The destination: an IPv4 prefix, or 'default'"),
        .key("via", .text(.ipv4Address), "The next hop: a neighbour on a connected network"),
        .key("interface", .text(.name), "The interface on whose networks the next hop must be; any if absent"),
        .key("type", .choice(of: RouteType.self), "unicast, or what becomes of packets instead; unicast if absent"),
        .key(
            "file", .string,
            "In place of `to`: a file of lines PREFIX NEXTHOP, where NEXTHOP is an address or a place in `next-hops`, from 0"
        ),
        .key(
            "next-hops", .list(of: .string),
            "What the numbers in `file` mean: addresses, or ranges as 10.0.0.2-10.0.0.9"),
    ]

    private static let schema = Schema.either(
        [.list(of: .object(routeKeys)), .object(routeKeys)], doc: "Static IPv4 routes: a list of routes and route files"
    )

    var routesSection: Section {
        Section("routes", IPModule.schema) { [unowned self] setting throws(ConfigurationErrors) in
            let steps = try readRoutes(setting)
            return { for step in steps { try step() } }
        }
    }

    private func readRoutes(_ setting: Setting) throws(ConfigurationErrors) -> [Step] {
        try ConfigurationErrors.collecting { (errors) throws(ConfigurationError) in
            var elements = [setting]
            if case .list(let list) = setting.value { elements = list }
            var steps: [Step] = []
            var seen: [IPv4Prefix: Setting] = [:]
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

    private func readRoute(_ setting: Setting, _ seen: inout [IPv4Prefix: Setting]) throws(ConfigurationError) -> Step {
        let destination = try setting.required("to")
        let prefix = try destination.ipv4Destination()
        if let earlier = seen.updateValue(setting, forKey: prefix) {
            throw destination.error(
                "there is a route to \(prefix) already, in line \(earlier.mark.line)", "keep one of them")
        }
        let type = try setting["type"]?.choice(of: RouteType.self) ?? .unicast
        if let hops = setting["next-hops"] { throw hops.error("next-hops goes with a route file", "give `via`") }
        if let forwarding = type.forwarding {
            if let via = setting["via"] { throw via.error("a route of type \(type) has no next hop", "remove `via`") }
            return { [unowned self] in try fib.setRoute(.v4(prefix), [Path(.discard(forwarding))]) }
        }
        let via = try setting.required("via")
        let nextHop = try via.ipv4Address()
        let interface = try setting["interface"]?.string
        if let objection = plan.objection(toNeighbor: .v4(nextHop), on: interface) { throw via.error(objection) }
        return { [unowned self] in
            do throws(RouteError) {
                try addRoute(.v4(prefix), via: .v4(nextHop), on: interface.flatMap(engine.interface(named:)))
            } catch {
                throw via.error(error)
            }
        }
    }

    // MARK: - A file of routes

    private func readFile(_ setting: Setting) throws(ConfigurationError) -> Step {
        let name = try setting.required("file")
        for key in ["to", "via", "type"] {
            if let other = setting[key] {
                throw other.error("\(key) does not go with a route file", "remove one of them")
            }
        }
        let hops =
            try setting["next-hops"].map { setting throws(ConfigurationError) in try readNextHops(setting) } ?? []
        let interface = try setting["interface"]?.string
        let path = try name.filePath
        do throws(RouteFileError) {
            let file = try RouteFile(path: path)
            var checked: Set<IPv4Address> = []
            try file.forEach { entry in
                let address = try IPModule.address(of: entry.nextHop, among: hops)
                guard checked.insert(address).inserted else { return }
                if let objection = plan.objection(toNeighbor: .v4(address), on: interface) { throw objection }
            }
            return { [unowned self] in try load(file, hops, interface.flatMap(engine.interface(named:))) }
        } catch {
            throw name.error("\(error)")
        }
    }

    private func readNextHops(_ setting: Setting) throws(ConfigurationError) -> [IPv4Address] {
        var hops: [IPv4Address] = []
        for element in try setting.list {
            let range = try element.value(
                "an address or a range of addresses", example: "10.0.0.2 or 10.0.0.2-10.0.0.9"
            ) {
                IPModule.range($0)
            }
            guard range.count <= 65536 else {
                throw element.error("\(range.count) addresses are too many", "give 65536 at most")
            }
            hops += range.map { IPv4Address($0) }
        }
        return hops
    }

    private static func range(_ text: String) -> ClosedRange<UInt32>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { IPv4Address(String($0)) }
        guard let first = ends.first ?? nil, ends.count <= 2, let last = ends.last ?? nil, first <= last else {
            return nil
        }
        return first.value...last.value
    }

    private static func address(of hop: RouteFile.NextHop, among hops: [IPv4Address]) throws(RouteError) -> IPv4Address
    {
        switch hop {
        case .address(.v4(let address)): return address
        case .address(.v6(let address)):
            throw RouteError("next hop \(address) is an IPv6 address", "give an IPv4 route an IPv4 next hop")
        case .number(let number):
            guard Int(number) < hops.count else {
                throw RouteError(
                    "next hop number \(number) is beyond the \(hops.count) of `next-hops`", "add to `next-hops`")
            }
            return hops[Int(number)]
        }
    }

    private func load(_ file: RouteFile, _ hops: [IPv4Address], _ interface: Interface?) throws {
        var known: [IPv4Address: PathList] = [:]
        defer { for list in known.values { fib.pathLists.release(list.index) } }
        try file.forEach { entry in
            let address = try IPModule.address(of: entry.nextHop, among: hops)
            var list = known[address]
            if list == nil {
                list = try fib.pathLists.acquire([try path(via: .v4(address), on: interface)])
                known[address] = list
            }
            if let list { try fib.setRoute(entry.prefix, list) }
        }
    }
}
