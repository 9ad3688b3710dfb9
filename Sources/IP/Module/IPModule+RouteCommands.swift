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
            "Adds the routes of a file of lines PREFIX NEXTHOP, or replaces those to the same prefixes",
            [
                .argument("file", "Its path as the daemon sees it", required: true), vrfOption,
                .option("next-hops", "What numbers in the file mean: addresses and ranges with commas between"),
                .option("interface", "Where the next hops are", completing: { [unowned self] in names }),
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
                mustExist: true)
            defer { loader.finish() }
            let entries = try check(file, loader)
            // In slices: the control side hears of failures meanwhile. Each route changes by one store.
            for slice in stride(from: 0, to: entries.count, by: IPModule.slice) {
                do throws(RouteError) {
                    try fib.batch { () throws(RouteError) in
                        for entry in entries[slice..<min(slice + IPModule.slice, entries.count)] {
                            try loader.load(entry)
                        }
                    }
                } catch {
                    throw CommandError.failed(
                        "\(error.problem), with up to \(slice + IPModule.slice) of \(entries.count) routes loaded",
                        error.remedy)
                }
                await Task.yield()
            }
            var removed = 0
            if arguments.has(flag: "replace") { removed = await removeStatic(but: Set(entries.map(\.prefix)), table) }
            return RouteLoadReport(
                vrf: table.name, loaded: entries.count, removed: removed, seconds: Clock.seconds(Clock.now &- start))
        }
    }

    /// Routes that one turn of the control loop loads.
    private static let slice = 20_000

    /// All routes of the file, and every next hop resolved: what is wrong is found before anything changes.
    private func check(_ file: RouteFile, _ loader: RouteLoader) throws(CommandError) -> [RouteFile.Entry] {
        do throws(RouteFileError) {
            var entries: [RouteFile.Entry] = []
            try file.forEach { entry in
                try loader.check(entry)
                entries.append(entry)
            }
            return entries
        } catch {
            throw .failed("\(error)")
        }
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
        let prefixes = gone.filter { !kept.contains($0) }
        for slice in stride(from: 0, to: prefixes.count, by: IPModule.slice) {
            fib.batch {
                for prefix in prefixes[slice..<min(slice + IPModule.slice, prefixes.count)] {
                    fib.removeRoute(prefix, in: table)
                }
            }
            await Task.yield()
        }
        return prefixes.count
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
