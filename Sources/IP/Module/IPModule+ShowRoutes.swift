// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What the operator sees of routes.
extension IPModule {
    private static let defaultLimit = 1000

    private static func limit(_ what: String) -> Command.Parameter {
        .option("limit", "How many \(what) to show; \(defaultLimit) if absent")
    }

    var vrfOption: Command.Parameter {
        .option("vrf", "The VRF; the main table if absent", completing: { [unowned self] in fib.tables.map(\.name) })
    }

    private static func limit(_ arguments: CommandArguments) throws(CommandError) -> Int {
        try arguments.integer("limit", in: 1...100_000_000) ?? defaultLimit
    }

    /// The table that `--vrf` names, or the main one.
    func table(_ arguments: CommandArguments) throws(CommandError) -> VRF {
        do throws(RouteError) {
            return try arguments["vrf"].map { name throws(RouteError) in try table(name) } ?? fib.main
        } catch {
            throw .notFound(error.problem, error.remedy)
        }
    }

    // MARK: - show fib

    var showFIB: Command {
        Command(
            ["show", "fib"], "Routes; of a prefix or an address the whole way to the adjacency",
            [
                .argument("destination", "An address, or a prefix with all its sources"),
                .flag("ipv6", "IPv6 routes"),
                .flag("unusable", "In place of the routes in force, prefixes whose routes can't be used now"),
                vrfOption, IPModule.limit("routes"),
            ]
        ) { [unowned self] arguments in
            let table = try table(arguments)
            if let text = arguments["destination"] { return try explain(text, in: table) }
            let limit = try IPModule.limit(arguments)
            let unusable = arguments.has(flag: "unusable")
            return arguments.has(flag: "ipv6")
                ? report(table.ip6, of: table, .ipv6, limit, unusable: unusable) { .v6($0) }
                : report(table.ip4, of: table, .ipv4, limit, unusable: unusable) { .v4($0) }
        }
    }

    private func report<Prefix>(
        _ rib: RIB<Prefix>, of table: VRF, _ family: AddressFamily, _ limit: Int, unusable: Bool,
        _ wrap: (Prefix) -> IPPrefix
    ) -> RouteReport {
        let explainer = FIBExplainer(fib: fib)
        let entries = unusable ? rib.unusableEntries(limit: limit) : rib.entries(limit: limit)
        let rows = entries.map { entry in
            let detail = fib.pathLists[entry.list].map { explainer.detail(of: $0) }
            if unusable {
                return RouteReport.Row(
                    prefix: shown(wrap(entry.prefix)), source: entry.source.name, inForce: false,
                    kind: Forwarding.nextHopDown.word,
                    nextHops: detail?.paths.map { "\($0.target) (\($0.problem ?? "usable"))" } ?? [],
                    pathList: entry.list)
            }
            let hops = (detail?.members ?? []).filter { $0.nextHop != nil || $0.interface != nil }.map { member in
                let name = member.nextHop.map { "\($0) on " } ?? ""
                let place = name + (member.interface ?? "")
                return member.state == "ready" || member.state == "connected" ? place : "\(place) (\(member.state))"
            }
            return RouteReport.Row(
                prefix: shown(wrap(entry.prefix)), source: entry.source.name, inForce: true,
                kind: fib.pathLists[entry.list]?.forwarding.word ?? "", nextHops: hops, pathList: entry.list)
        }
        return RouteReport(
            vrf: table.name, family: family, routes: rows, total: unusable ? rib.unusable.count : rib.count,
            unusable: unusable ? 0 : rib.unusable.count, waiting: fib.reprogramming.waiting)
    }

    private func shown(_ prefix: IPPrefix) -> String { prefix.text { fib.interface($0)?.name } }

    private func explain(_ text: String, in table: VRF) throws(CommandError) -> RouteExplanation {
        let address = try address(text)
        var place = table
        var entries = if let address { entries(for: address, in: table) } else { try entries(for: text, in: table) }
        if entries.isEmpty { throw .notFound("there is no route to \(text)") }
        var routes: [RouteExplanation.Route] = []
        var lists: [PathListDetail] = []
        // An address is followed where leaks lead, no further than workers do.
        for _ in 0..<Balancer.depth {
            routes += entries.map { route($0, in: place) }
            for list in details(of: entries) where !lists.contains(where: { $0.index == list.index }) {
                lists.append(list)
            }
            guard let next = leak(entries), let address else { break }
            place = next
            entries = self.entries(for: address, in: next)
        }
        return RouteExplanation(vrf: table.name, routes: routes, pathLists: lists)
    }

    private func route(_ entry: ShownEntry, in table: VRF) -> RouteExplanation.Route {
        let list = fib.pathLists[entry.list]
        let traffic = list.flatMap { $0.isCounted ? $0.loadBalance : nil }
            .map { fib.pathLists.loadBalances.counters.count(of: $0) }
        return RouteExplanation.Route(
            vrf: table.name, prefix: shown(entry.prefix), source: entry.source.name, inForce: entry.isActive,
            pathList: entry.list, state: list?.state ?? .unusable,
            priority: table.priority(of: entry.prefix) ?? fib.priorities.priority(of: entry.prefix),
            packets: traffic?.packets, bytes: traffic?.bytes)
    }

    /// The way of the route in force, and what the other sources have: of interest where nothing works.
    private func details(of entries: [ShownEntry]) -> [PathListDetail] {
        let explainer = FIBExplainer(fib: fib)
        let shown = entries.first { $0.isActive } ?? entries.first
        let way = shown.flatMap { fib.pathLists[$0.list] }.map { explainer.chain(from: $0) } ?? []
        let hidden = entries.filter { $0.list != shown?.list }.compactMap { fib.pathLists[$0.list] }
        return way + hidden.map { explainer.detail(of: $0) }
    }

    /// The table in which the route in force has the destination looked up.
    private func leak(_ entries: [ShownEntry]) -> VRF? {
        guard let list = entries.first(where: { $0.isActive }).flatMap({ fib.pathLists[$0.list] }),
            list.paths.count == 1, case .table(let index) = list.paths[0].target
        else { return nil }
        return fib.table(index)
    }

    private struct ShownEntry {
        let prefix: IPPrefix
        let source: RouteSource
        let list: PathListIndex
        let isActive: Bool
    }

    /// An address as it stands in the tables, one of a link with its interface: `fe80::1%lan0`. Nil for anything else.
    private func address(_ text: String) throws(CommandError) -> IPAddress? {
        let parts = text.split(separator: "%", maxSplits: 1)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        guard case .v6(let ofLink) = address, ofLink.isOfLink else { return parts.count == 1 ? address : nil }
        guard parts.count == 2 else {
            let name = engine.interfaces.first?.name ?? "lan0"
            throw .usage("\(ofLink) means something on one link alone", "say on which, as in \(ofLink)%\(name)")
        }
        return try interface(String(parts[1])).map { .v6(ofLink.scoped(to: $0.index)) }
    }

    private func entries(for text: String, in table: VRF) throws(CommandError) -> [ShownEntry] {
        let prefix = try IPModule.destination(text)
        let entries = entries(for: prefix, in: table)
        if entries.isEmpty {
            throw .notFound("there is no route to \(prefix)", "show fib ADDRESS finds the one that covers it")
        }
        return entries
    }

    /// The route that packets to the address take, and longer ones that can't be used, which they would take.
    private func entries(for address: IPAddress, in table: VRF) -> [ShownEntry] {
        let cover = fib.cover(of: address, in: table.index)?.0
        let unusable = fib.unusable(to: address, in: table).map(\.prefix)
        let shown = [cover].compactMap { $0 } + unusable.filter { $0.length > cover?.length ?? -1 }
        return shown.flatMap { entries(for: $0, in: table) }
    }

    private func entries(for prefix: IPPrefix, in table: VRF) -> [ShownEntry] {
        switch prefix {
        case .v4(let inner): entries(table.ip4, inner, prefix)
        case .v6(let inner): entries(table.ip6, inner, prefix)
        }
    }

    private func entries<Prefix>(_ rib: RIB<Prefix>, _ prefix: Prefix, _ whole: IPPrefix) -> [ShownEntry] {
        let active = rib.active(prefix)
        return rib.entries(for: prefix).map {
            ShownEntry(prefix: whole, source: $0.source, list: $0.list, isActive: $0 == active)
        }
    }

    static func destination(_ text: String) throws(CommandError) -> IPPrefix {
        switch text {
        case "default": return .all(.ipv4)
        case "default6": return .all(.ipv6)
        default:
            do throws(AddressSyntaxError) {
                return try IPPrefix(parsing: text)
            } catch {
                throw .usage("\(error)")
            }
        }
    }

    // MARK: - show path-list, adjacency, vrf

    var showPathList: Command {
        Command(
            ["show", "path-list"], "Path-lists, which routes share; of one the whole way to the adjacency",
            [.argument("index", "Only this one"), IPModule.limit("path-lists")]
        ) { [unowned self] arguments in
            let explainer = FIBExplainer(fib: fib)
            guard let index = try arguments.integer("index", in: 0...Int(UInt32.max)) else {
                let shown = fib.pathLists.all.prefix(try IPModule.limit(arguments))
                return PathListReport(
                    pathLists: shown.map { explainer.detail(of: $0) }, total: fib.pathLists.count)
            }
            guard let list = fib.pathLists[PathListIndex(index)] else {
                throw CommandError.notFound("there is no path-list \(index)", "show path-list lists them")
            }
            return PathListChain(pathLists: explainer.chain(from: list))
        }
    }

    var showAdjacency: Command {
        Command(
            ["show", "adjacency"], "Adjacencies: the neighbours that packets are sent to, and what was sent",
            [.argument("index", "Only this one"), IPModule.limit("adjacencies")]
        ) { [unowned self] arguments in
            let all = fib.adjacencies.indices
            guard let index = try arguments.integer("index", in: 0...Int(UInt32.max)) else {
                let shown = all.prefix(try IPModule.limit(arguments))
                return AdjacencyReport(adjacencies: shown.map(row), total: all.count)
            }
            guard fib.adjacencies.key(of: AdjacencyIndex(index)) != nil else {
                throw CommandError.notFound("there is no adjacency \(index)", "show adjacency lists them")
            }
            return AdjacencyReport(adjacencies: [row(AdjacencyIndex(index))], total: 1)
        }
    }

    private func row(_ index: AdjacencyIndex) -> AdjacencyReport.Row {
        let record = fib.adjacencies.table[index]
        let isComplete = record.status.isResolved
        let source = record.rewrite.0 >> 48 | record.rewrite.1 << 16
        let traffic = fib.adjacencies.counters.count(of: index)
        let explainer = FIBExplainer(fib: fib)
        return AdjacencyReport.Row(
            index: index, interface: interfaces.interface(record.txInterface)?.name ?? "", nextHop: record.neighbor,
            state: record.neighbor == nil && !fib.isPointToPoint(record.txInterface)
                ? "glean" : explainer.state(of: index),
            destination: isComplete ? MACAddress(littleEndian: record.rewrite.0) : nil,
            source: isComplete ? MACAddress(littleEndian: source) : nil, mtu: record.mtu,
            references: fib.adjacencies.references(of: index), packets: traffic.packets, bytes: traffic.bytes,
            backup: record.backup == .noRoute ? nil : explainer.name(of: record.backup))
    }

    var showVRF: Command {
        Command(["show", "vrf"], "VRFs with their interfaces and the number of their routes") { [unowned self] _ in
            VRFReport(
                vrfs: fib.tables.map { table in
                    VRFReport.Row(
                        name: table.name, index: table.index.rawValue,
                        interfaces: engine.interfaces.filter { fib.table(of: $0) === table }.map(\.name),
                        ipv4Routes: table.ip4.count, ipv6Routes: table.ip6.count)
                })
        }
    }

    // MARK: - test fib

    var testFIB: Command {
        Command(
            ["test", "fib"], "Compares what routes say with what workers use; repairs nothing",
            [
                .option(
                    "vrf", "Only this VRF; all if absent", completing: { [unowned self] in fib.tables.map(\.name) }),
                .option("samples", "Random addresses to look up in each table and family; 10000 if absent"),
            ]
        ) { [unowned self] arguments in
            let samples = try arguments.integer("samples", in: 0...10_000_000) ?? 10_000
            let tables = arguments["vrf"] == nil ? fib.tables : [try table(arguments)]
            return await ConsistencyCheck(fib, samples: samples).run(tables)
        }
    }
}
