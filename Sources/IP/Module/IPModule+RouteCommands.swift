// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// How the operator changes routes.
extension IPModule {
    private static let prefixDoc = "The destination: a prefix, 'default' for 0.0.0.0/0 or 'default6' for ::/0"

    var routeAdd: Command {
        Command(
            ["route", "add"], "Adds a static route, or replaces the one to the same prefix",
            [
                .argument("prefix", IPModule.prefixDoc, required: true),
                .rest("next-hop", RouteGrammar.synopsis, required: true, completing: { [unowned self] in names }),
                vrfOption, .flag("counter", "Count the route's packets and bytes"),
            ]
        ) { [unowned self] arguments in
            let prefix = try IPModule.destination(try arguments.required("prefix"))
            let table = try table(arguments)
            var grammar = RouteGrammar(arguments.rest)
            let way = try grammar.parse()
            do throws(RouteError) {
                let paths = try paths(way, in: table)
                try fib.setRoute(prefix, paths, in: table, isCounted: arguments.has(flag: "counter"))
            } catch {
                throw CommandError.failed(error.problem, error.remedy)
            }
            return Notice("")
        }
    }

    private func paths(_ way: RouteGrammar.Way, in table: VRF) throws(RouteError) -> [Path] {
        switch way {
        case .discard(let type): return [Path(.discard(type.forwarding ?? .blackhole))]
        case .lookup(let name):
            let other = try self.table(name)
            if other === table {
                throw RouteError("a route of \(name) that is looked up there again has no end", "give another VRF")
            }
            return [Path(.table(other.index))]
        case .link(let name):
            let interface = try interface(named: name)
            guard fib.isPointToPoint(interface.index) else {
                throw RouteError("\(name) is no tunnel: it has more than one neighbour", "give the next hop's address")
            }
            return [Path(.glean(interface.index))]
        case .hops(let hops):
            var paths: [Path] = []
            for hop in hops { paths.append(try path(hop, in: table, mustExist: true)) }
            return paths
        }
    }

    var routeDelete: Command {
        Command(
            ["route", "del"], "Removes a static route",
            [.argument("prefix", IPModule.prefixDoc, required: true), vrfOption]
        ) { [unowned self] arguments in
            let prefix = try IPModule.destination(try arguments.required("prefix"))
            let table = try table(arguments)
            guard fib.removeRoute(prefix, in: table) else {
                let place = table === fib.main ? "" : " in \(table.name)"
                throw CommandError.notFound("there is no static route to \(prefix)\(place)")
            }
            return Notice("")
        }
    }

    // MARK: - Many at once

    var routeLoad: Command {
        Command(
            ["route", "load"],
            "Adds the routes of a file of lines PREFIX NEXTHOP [counter], or replaces those to the same prefixes",
            [
                .argument("file", "Its path as the daemon sees it", required: true), vrfOption,
                .option("next-hops", "What numbers in the file mean: addresses and ranges with commas between"),
                .option("interface", "Where the next hops are", completing: { [unowned self] in names }),
                .flag("counter", "Count each route's packets and bytes"),
                .option("bfd", "The profile of BFD sessions that watch the next hops"),
                .option("local-address", "With --bfd: the router's own address, for next hops that are no neighbours"),
                .flag("replace", "Remove the table's other static routes afterwards"),
            ]
        ) { [unowned self] arguments in
            let start = Clock.now
            let table = try table(arguments)
            let file: RouteFile
            do {
                file = try RouteFile(path: try arguments.required("file"))
            } catch let error as RouteFileError {
                throw CommandError.failed("\(error)")
            }
            let loader = RouteLoader(
                self, try IPModule.hops(arguments["next-hops"]), on: try interface(arguments["interface"]), in: table,
                bfd: try IPModule.watch(arguments), isCounted: arguments.has(flag: "counter"), mustExist: true)
            defer { loader.finish() }
            var (loaded, kept) = (0, Set<IPPrefix>())
            let isReplacing = arguments.has(flag: "replace")
            do throws(RouteFileError) {
                // All next hops first: what is wrong is found before anything changes.
                try await forEach(of: file) { entry throws(RouteError) in try loader.check(entry) }
                try await forEach(of: file) { entry throws(RouteError) in
                    try loader.load(entry)
                    loaded += 1
                    if isReplacing { kept.insert(entry.prefix) }
                }
            } catch {
                throw CommandError.failed(loaded > 0 ? "\(error), with \(loaded) routes loaded" : "\(error)")
            }
            let removed = isReplacing ? await removeStatic(but: kept, table) : 0
            return RouteLoadReport(
                vrf: table.name, loaded: loaded, removed: removed, seconds: Clock.seconds(Clock.now &- start))
        }
    }

    /// Routes between two looks at the clock.
    private static let step = 128

    /// Calls `body` for each route of the file, in slices, so that the control side hears of failures meanwhile; each
    /// route changes by one store.
    private func forEach(
        of file: RouteFile, _ body: (RouteFile.Entry) throws(RouteError) -> Void
    ) async throws(RouteFileError) {
        var cursor = RouteFile.Cursor()
        var isMore = true
        while isMore {
            let slice = ControlSlice()
            try fib.batch { () throws(RouteFileError) in
                repeat {
                    isMore = try file.forEach(from: &cursor, lines: IPModule.step) { try body($0) }
                } while isMore && !slice.isOver
            }
            await Task.yield()
        }
    }

    private static func watch(_ arguments: CommandArguments) throws(CommandError) -> BFDWatch? {
        let local = try arguments.value("local-address", "an IP address", example: "192.0.2.1") { IPAddress($0) }
        if let profile = arguments["bfd"] { return BFDWatch(profile: profile, local: local) }
        if local != nil { throw .usage("--local-address goes with --bfd", "add --bfd PROFILE") }
        return nil
    }

    private static func hops(_ text: String?) throws(CommandError) -> [IPAddress] {
        var hops: [IPAddress] = []
        for part in (text ?? "").split(separator: ",") {
            guard let range = RouteLoader.range(String(part)) else {
                throw .usage(
                    "'\(part)' is neither an address nor a range of addresses", "give 10.0.0.2 or 10.0.0.2-10.0.0.9")
            }
            hops += range
        }
        return hops
    }

    private func removeStatic(but kept: Set<IPPrefix>, _ table: VRF) async -> Int {
        let gone =
            table.ip4.prefixes(from: .static).map { IPPrefix.v4($0) }
            + table.ip6.prefixes(from: .static).map { .v6($0) }
        var rest = gone.filter { !kept.contains($0) }[...]
        let count = rest.count
        while !rest.isEmpty {
            let slice = ControlSlice()
            fib.batch {
                repeat {
                    for prefix in rest.prefix(IPModule.step) { fib.removeRoute(prefix, in: table) }
                    rest = rest.dropFirst(IPModule.step)
                } while !rest.isEmpty && !slice.isOver
            }
            await Task.yield()
        }
        return count
    }

    var names: [String] { engine.interfaces.map(\.name) }

    func interface(_ name: String?) throws(CommandError) -> Interface? {
        guard let name else { return nil }
        if let interface = engine.interface(named: name) { return interface }
        throw .notFound("there is no interface '\(name)'", Spelling.hint(for: name, among: names))
    }
}

/// `route load`: what was done.
struct RouteLoadReport: Report {
    let vrf: String
    let loaded: Int
    let removed: Int
    let seconds: Double

    var body: [TextBlock] {
        let rest = removed > 0 ? ", \(removed) removed" : ""
        return [.line("\(loaded) routes loaded into \(vrf)\(rest) in \(seconds.fixed(2)) s")]
    }
}
